"""Writing a full copy: room, tables, rows, indexes, objects, accounts."""
