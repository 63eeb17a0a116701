"""Sinks of messages: what they share, envelope and options."""
