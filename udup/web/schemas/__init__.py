"""The objects that answers are made of: each is described once, and from that come the JSON and its OpenAPI schema."""
