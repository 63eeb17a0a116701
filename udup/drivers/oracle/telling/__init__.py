"""What a destination of messages is told of an Oracle source beside its log: the rows of tables at an SCN."""
