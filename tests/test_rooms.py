"""The rooms of the source are as docs/architecture.md says: all are listed, imports lead downwards, and the machine
knows no database.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "udup"

#: The entry points, which are in no room.
_OUTSIDE = {"__init__.py", "__main__.py"}

#: What is of MySQL by nature: tools around the machine.
_MYSQL_TOOLS = ("sandbox/", "verify/", "demo/", "selftest/")

#: What rows and copies travel in, whatever database they come from.
_TRAVELS = {"drivers/mysql/binlog/", "drivers/mysql/rows/", "drivers/mysql/dictionary/"}

REGISTRY = "drivers/registry.py"


@cache
def _rows() -> dict[str, int]:
    """Each room's row of the table, counted from the top. A room is a folder, `pipeline/apply/`, or a file."""
    table = (ROOT / "docs" / "architecture.md").read_text("utf-8").split("## Rooms")[1].split("\n## ")[0]
    first_cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return {name: row for row, cell in enumerate(first_cells) for name in re.findall(r"`([^`]+)`", cell)}


@cache
def _tree(path: str) -> ast.Module:
    return ast.parse((PACKAGE / path).read_text("utf-8"))


def _statements(tree: ast.AST) -> Iterator[ast.stmt]:
    """All statements, whose expressions are not looked at: an import is none of them."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.stmt):
            yield node
        if not isinstance(node, ast.expr):
            yield from _statements(node)


@cache
def _files() -> tuple[str, ...]:
    """All that hold code: not the packages' own files with nothing but a docstring."""
    paths = (path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))
    return tuple(sorted(path for path in paths if path not in _OUTSIDE and len(_tree(path).body) > 1))


def _room(path: str) -> str:
    """The folder that a file lies in, or the file where the table has it by itself."""
    return path if path in _rows() else f"{path.rpartition('/')[0]}/"


def _imports(path: str) -> Iterator[str]:
    """The files of the package that a file imports from."""
    for node in _statements(_tree(path)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            if name.startswith("udup."):
                yield from _file_of(name)


@cache
def _file_of(name: str) -> tuple[str, ...]:
    """The module that a dotted name leads into; nothing for what the package itself says, its version."""
    parts = name.split(".")[1:]
    for length in range(len(parts), 0, -1):
        place = "/".join(parts[:length])
        for file in (f"{place}.py", f"{place}/__init__.py"):
            if (PACKAGE / file).exists():
                return (file,)
    return ()


@cache
def _arrows() -> dict[tuple[str, str], frozenset[str]]:
    """Which files a file imports of which room: `(file, room)` to the files."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for path in _files():
        for used in _imports(path):
            if _room(used) != _room(path):
                found[path, _room(used)].add(used)
    return {arrow: frozenset(files) for arrow, files in found.items()}


def _fault(path: str, used: str) -> str:
    """Why this file may not import from this room; "" if it may."""
    here, rows = _room(path), _rows()
    if rows[used] < rows[here]:
        return "imports lead downwards in the table"
    driver, other = _driver(here), _driver(used)
    if other and driver and driver != other and used not in _TRAVELS:
        return "no driver knows another"
    if other and not driver and path != REGISTRY and not here.startswith(_MYSQL_TOOLS):
        return f"{REGISTRY} alone knows which drivers there are"
    return ""


def _driver(room: str) -> str:
    """`mysql` for all rooms of this driver, "" for what is none."""
    parts = room.split("/")
    return parts[1] if parts[0] == "drivers" and room != REGISTRY else ""


def test_every_room_is_in_the_table() -> None:
    missing = {_room(path) for path in _files()} - set(_rows())
    assert not missing
    assert all((PACKAGE / room).exists() for room in _rows())


def test_imports_lead_downwards_and_the_machine_knows_no_driver() -> None:
    faults = {arrow: fault for arrow in _arrows() if (fault := _fault(*arrow))}
    told = [f"{path} imports {room}: {faults[path, room]}" for path, room in sorted(faults)]
    assert not told, "\n".join(told)


def test_the_registry_is_asked_for_in_one_place() -> None:
    """Whoever else needs a driver is handed `pipeline.ports.Drivers`."""
    askers = [path for path, room in _arrows() if room == REGISTRY and not path.startswith("drivers/")]
    assert len(askers) <= 1, askers


def test_the_files_that_the_documents_name_are_there() -> None:
    named: dict[str, str] = {}
    for document in (*(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"):
        for path in re.findall(r"`((?:[\w-]+/)+[\w-]+\.(?:py|md|toml))", document.read_text("utf-8")):
            named[path] = document.name
    gone = {path for path in named if not any((folder / path).exists() for folder in (PACKAGE, ROOT))}
    assert not gone, {path: named[path] for path in gone}
