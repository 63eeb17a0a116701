"""Comparing two servers: definitions as text, rows by checksums."""
