"""The conformance suite: the cases of `udup/selftest/` between two hostile servers."""
