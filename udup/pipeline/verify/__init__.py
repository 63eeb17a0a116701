"""Comparing a job's source and target while it replicates."""
