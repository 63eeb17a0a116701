"""The data plane: NATS links, their subjects and addresses, and how much may be under way."""
