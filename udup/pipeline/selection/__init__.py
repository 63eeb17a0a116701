"""Which schemas and tables a job carries, and under which names."""
