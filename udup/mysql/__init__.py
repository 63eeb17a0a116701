"""MySQL servers: connections, names, facts, catalog."""
