"""TABLE_MAPs of a source that does not name its columns, completed by its dictionary."""
