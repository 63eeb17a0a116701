"""Servers in memory behind the seams of `pipeline/ports/`, for tests: with deaths, delays and refusals on command."""
