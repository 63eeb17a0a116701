"""Rows events as SQL statements that do the same."""
