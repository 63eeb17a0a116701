"""Rows events as JSON texts, by Debezium's rules for types."""
