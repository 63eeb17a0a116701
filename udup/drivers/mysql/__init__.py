"""MySQL as source and as target."""
