"""What every room stands on: errors, settings, secrets, files, logs, the identity of a node."""
