"""What LogMiner says, read strictly: statements, rows of its view, transactions. Knows no session and no MySQL."""
