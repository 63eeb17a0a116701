"""What the command's exit code says; docs/cli.md lists them for people."""

from __future__ import annotations

OK = 0

#: The server refused, found a fault, or does not know the thing that was named.
FAILED = 1

#: The command line itself is wrong (click's code).
USAGE = 2

#: No Udup server answered.
UNREACHABLE = 3

#: A job that was watched failed, was paused or was deleted before it came to where it was awaited.
JOB_FAILED = 4

#: A job that was watched did not come there in the time given.
TIMED_OUT = 5

#: Ctrl-C, as shells number it.
INTERRUPTED = 130
