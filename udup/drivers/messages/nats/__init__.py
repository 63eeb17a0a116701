"""JetStream as a sink of messages."""
