"""Following the source's binary log: the dump, its checks, records out of events."""
