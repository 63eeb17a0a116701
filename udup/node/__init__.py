"""One node: what it starts, in which order, and what the API asks of it."""
