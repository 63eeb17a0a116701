"""Connections to MySQL servers: packets, sessions, facts, privileges, names."""
