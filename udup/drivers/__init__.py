"""The databases at both ends, each behind the seams of `pipeline/ports.py`. `registry.py` knows which exist."""
