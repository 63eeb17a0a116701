"""Writing the target server: rows, objects, transactions, checkpoint."""
