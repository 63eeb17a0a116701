"""The machine that copies and follows: it knows the seams (`ports/`) and no database."""
