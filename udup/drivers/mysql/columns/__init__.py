"""Tables of the target that are not the source's: fewer, other and wider columns."""
