"""Cases of what a MySQL server can hold and do, carried by real jobs and compared on both sides."""

from pathlib import Path

#: The project's own cases.
CASES = Path(__file__).parent / "cases"
