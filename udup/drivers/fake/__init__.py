"""Servers in memory behind the seams of `pipeline/ports.py`, for tests: with deaths, delays and refusals on command."""
