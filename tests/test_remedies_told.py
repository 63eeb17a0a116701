"""Every message with which a job stops or is refused says what to do: the code is read for those that do not."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

_CODE = Path(__file__).parents[1] / "udup"

#: Rooms whose errors nobody meets who runs jobs.
_NOT_FOR_USERS = ("drivers/fake/", "sandbox/", "verify/", "demo/")

#: Calls that have a remedy, and at which place it stands.
_STRUCTURED = {"Fault": 2, "failed": 1, "warned": 1, "Check": 4}

#: Errors that are a text, which must say what to do.
_TEXTS = frozenset({"Unsupported", "Divergence"})

#: Words by which it does: statements, commands, and what is asked of the reader.
_DOES = re.compile(
    r"\b(run|resume|start the job|give the job|leave|add|write|look|compare|load|take|make|set|put|post|choose|drop|"
    r"rename|name|upgrade|rewrite|change|grant|alter|see that|start it again)\b"
    r"|\b(UNKNOWN|DAMAGED|NEW_COPY|COPY_AGAIN|FULL_COPY|COMPARE_AND_COPY|WITHOUT_GTID|PASS_OVER|REPORT)\b",
    re.IGNORECASE,
)

#: Messages that hold another one, which says it: by the file, and what of the code is at that place.
_HOLD_ANOTHER = {
    ("drivers/mysql/apply/column_check.py", "{where}: {error}"),
    ("drivers/mysql/apply/contexts.py", "context.problem"),
    ("drivers/mysql/apply/unsure.py", "_told(note, found)"),
    ("drivers/mysql/ddl/innodb.py", "problems"),
    ("drivers/mysql/ddl/innodb.py", "a parenthesis is not closed"),  # caught, and told as what is not understood
    ("drivers/mysql/ddl/innodb.py", "_MERGE_REASON"),
    ("drivers/mysql/ddl/query_classifier.py", "{error}"),
    ("drivers/mysql/ddl/query_classifier.py", "{problem}"),
    ("drivers/mysql/ddl/query_classifier.py", "details.reason"),
    ("drivers/mysql/ddl/query_classifier.py", "unlike_numbers"),
    ("drivers/mysql/apply/fitted_ddl.py", "told"),  # each refusal has its remedy
    ("drivers/mysql/mariadb/generated.py", "told"),
    ("drivers/mysql/load/computed.py", "{error}"),
    ("drivers/mysql/load/copy_writer.py", "problems"),
    ("drivers/mysql/snapshot/renamed_catalog.py", "problems"),
    ("drivers/mysql/snapshot/schema.py", "problems"),
    ("drivers/mysql/stream/continuity.py", "_another_log"),
    ("pipeline/selection/renames.py", "_both"),
    ("pipeline/apply/copy.py", "told"),
    ("drivers/mysql/binlog/table_definition.py", "told"),
    ("drivers/mysql/stream/contexts.py", "told"),
}


def _calls() -> Iterator[tuple[str, ast.Call, str]]:
    for file in sorted(_CODE.rglob("*.py")):
        name = file.relative_to(_CODE).as_posix()
        if name.startswith(_NOT_FOR_USERS):
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                yield name, node, node.func.id


def _has_remedy(call: ast.Call, place: int) -> bool:
    if any(isinstance(each, ast.Starred) for each in call.args):
        return True
    named = next((each.value for each in call.keywords if each.arg == "remedy"), None)
    remedy = named or (call.args[place] if len(call.args) > place else None)
    return remedy is not None and not (isinstance(remedy, ast.Constant) and not remedy.value)


def test_every_fault_has_a_remedy() -> None:
    found = [
        f"{name}:{call.lineno}: {ast.unparse(call)}"
        for name, call, function in _calls()
        if function in _STRUCTURED
        and not (function == "Check" and "PASS" in ast.unparse(call))
        and name != "cli/client.py"  # a fault as the server has told it, remedy and all in one text
        and not _has_remedy(call, _STRUCTURED[function])
    ]
    assert not found, "\n".join(found)


def test_every_text_with_which_a_job_stops_says_what_to_do() -> None:
    found = []
    for name, call, function in _calls():
        if function not in _TEXTS:
            continue
        text = ast.unparse(call)
        if not _DOES.search(text) and not any(name == file and part in text for file, part in _HOLD_ANOTHER):
            found.append(f"{name}:{call.lineno}: {text}")
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("code", "has"),
    [
        ('Fault("a", "b", "c")', True),
        ('Fault("a", "b", remedy="c")', True),
        ('Fault("a", "b")', False),
        ('Fault("a", "b", "")', False),
    ],
)
def test_a_remedy_that_is_missing_is_found(code: str, has: bool) -> None:
    call = ast.parse(code, mode="eval").body
    assert isinstance(call, ast.Call)
    assert _has_remedy(call, _STRUCTURED["Fault"]) is has
