"""What clients follow: jobs in brief, their series and time lines, and the stream of what changes."""
