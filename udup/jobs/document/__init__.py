"""What a client may post, and what is said about it."""
