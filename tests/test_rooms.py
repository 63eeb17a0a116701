"""The rooms of the source are as docs/architecture.md says: all are listed, and nothing imports from a higher one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "udup"

#: The entry points, which are in no room.
_OUTSIDE = {"__init__", "__main__"}


def _rows() -> dict[str, int]:
    """Each room's row of the table, counted from the top."""
    table = (ROOT / "docs" / "architecture.md").read_text("utf-8").split("## Rooms")[1].split("\n## ")[0]
    first_cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return {
        name.removesuffix("/").removesuffix(".py"): row
        for row, cell in enumerate(first_cells)
        for name in re.findall(r"`([^`]+)`", cell)
    }


def _room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imports(path: Path) -> Iterator[str]:
    """The rooms that a file imports from."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        yield from (name.split(".")[1] for name in names if name.startswith("udup."))


def test_every_room_is_in_the_table_and_imports_lead_downwards() -> None:
    rows = _rows()
    rooms = {_room(path) for path in PACKAGE.rglob("*.py")} - _OUTSIDE
    assert rooms == set(rows)
    upwards = {
        f"{path.relative_to(ROOT)} imports {used}"
        for path in PACKAGE.rglob("*.py")
        if _room(path) not in _OUTSIDE
        for used in _imports(path)
        if used in rows and rows[used] < rows[_room(path)]
    }
    assert not upwards
