"""What a destination is told of a source beside its events: places in the log, tables by name, rows of a snapshot."""
