"""Row filters: SQL conditions that say which rows of a table are in the job."""
