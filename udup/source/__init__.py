"""Reading the source server: snapshot, rows, objects, binary log."""
