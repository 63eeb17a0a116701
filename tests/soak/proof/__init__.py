"""The proof of compare and repair: nothing is told that is not so, and everything that is, found and repaired."""
