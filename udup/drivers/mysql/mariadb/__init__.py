"""What MariaDB does otherwise than MySQL: its log, sessions, rows, definitions."""
