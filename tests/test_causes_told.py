"""Every error by which a job contradicts its target says what exactly is the matter: the code is read for those that
do not.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

_CODE = Path(__file__).parents[1] / "udup"

#: Only tests see what this driver raises.
_NOT_FOR_USERS = "drivers/fake/"

#: What notes it: `because` says it, `like` takes it from another error.
_NOTES = frozenset({"because", "like"})

#: Functions whose errors get it from whoever calls them.
_BY_THE_CALLER = {("drivers/mysql/apply/refused_ddl.py", "_meant")}


def _functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    for file in sorted(_CODE.rglob("*.py")):
        name = file.relative_to(_CODE).as_posix()
        if not name.startswith(_NOT_FOR_USERS):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.FunctionDef):
                    yield name, node


def _calls(function: ast.FunctionDef, names: frozenset[str]) -> int:
    """How often a function calls one of these, by a name or as a method."""
    called = [node.func for node in ast.walk(function) if isinstance(node, ast.Call)]
    return sum((each.attr if isinstance(each, ast.Attribute) else getattr(each, "id", "")) in names for each in called)


def test_every_divergence_says_its_cause() -> None:
    found = [
        f"{name}:{function.lineno}: {function.name}"
        for name, function in _functions()
        if (name, function.name) not in _BY_THE_CALLER
        and _calls(function, frozenset({"Divergence"})) > _calls(function, _NOTES)
    ]
    assert not found, "\n".join(found)


def test_what_is_excepted_is_there() -> None:
    there = {(name, function.name) for name, function in _functions()}
    assert there >= _BY_THE_CALLER
