"""Throw-away real MySQL servers for the demo, the tests and the benchmarks."""
