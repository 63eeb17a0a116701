"""Statements of the binary log: read, decided on, rewritten for the names of the target."""
