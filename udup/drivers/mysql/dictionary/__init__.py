"""What a server's dictionary says: schemas, tables, objects, engines, claims, and sums over values."""
