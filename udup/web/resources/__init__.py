"""The REST resources: a file a subject."""
