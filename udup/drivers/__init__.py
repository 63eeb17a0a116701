"""The databases at both ends, each behind the seams of `pipeline/ports/`. `registry.py` knows which exist."""
