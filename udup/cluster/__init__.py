"""Several nodes: who is alive, who owns which job, and where jobs are placed."""
