"""Udup replicates MySQL: a consistent copy of a server in use, kept current from its binary log."""

__version__ = "0.5.0"
