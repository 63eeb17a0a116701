"""Tables that are rebuilt from a subscription's messages alone, and compared with the source."""
