"""Applying the log on the target: sessions, checkpoint, ownership, DDL, XA."""
