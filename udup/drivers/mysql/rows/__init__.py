"""Rows events as values, and values as rows events. Bytes in, values out: nothing here knows a connection."""
