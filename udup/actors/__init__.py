"""Control: actors that carry out jobs, each a thin shell around an engine."""
