"""Udup against MySQL's own replica and the usual copy tools, on real throw-away servers. Run with `python -m bench`."""
