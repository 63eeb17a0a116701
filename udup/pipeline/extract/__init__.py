"""The source's half of the machine: reads a copy or a log and sends it."""
