"""Oracle as a source, through LogMiner. Built after its documentation; never run against an Oracle server."""
