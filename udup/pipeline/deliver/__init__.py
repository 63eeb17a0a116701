"""The engine that delivers changes as messages."""
