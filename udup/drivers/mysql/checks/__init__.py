"""What is looked at before a job starts, on each side and between them."""
