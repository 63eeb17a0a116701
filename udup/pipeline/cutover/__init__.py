"""A guided cut-over: from the last transaction of the old server to the first of the new one, step by step."""
