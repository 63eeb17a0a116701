"""Comparing the rows of two servers, each as of a snapshot."""
