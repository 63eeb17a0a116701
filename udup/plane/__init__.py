"""The data plane: NATS, what travels over it, and how much of it."""
