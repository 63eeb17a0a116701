"""Reading a consistent snapshot of the source: definitions, objects, rows."""
