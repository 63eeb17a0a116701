"""The REST API: what a client may ask over HTTP, and nothing about how it is done (`ports`)."""
