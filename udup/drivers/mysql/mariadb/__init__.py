"""What is MariaDB's alone: its log, its GTIDs, its definitions."""
