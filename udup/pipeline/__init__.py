"""The machine that copies and follows: it knows the seams (`ports.py`) and no database."""
