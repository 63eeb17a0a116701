"""MySQL's side of a cut-over: read-only settings, counters, events, claims."""
