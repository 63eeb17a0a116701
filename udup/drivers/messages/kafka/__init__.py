"""Kafka as a sink of messages."""
