"""A part of a JSON document that the log has changed, as an expression over the document that is there."""

from __future__ import annotations

from udup.drivers.mysql.rows.json_literal import json_expression
from udup.drivers.mysql.rows.json_patch import Operation
from udup.drivers.mysql.rows.values import JsonPatch


def patched(name: str, patch: JsonPatch) -> str:
    """Return the expression of the document after the changes; `name` is the column's, quoted.

    What is replaced is there, and what is inserted is not, or stands before the element that has its index: so each
    change is one function of the server's.
    """
    made = name
    for change in patch.changes():
        path = f"_utf8mb4 x'{change.path.encode().hex()}'"
        if change.operation is Operation.REMOVE:
            made = f"JSON_REMOVE({made}, {path})"
            continue
        value = json_expression(change.value)
        if change.operation is Operation.REPLACE:
            made = f"JSON_REPLACE({made}, {path}, {value})"
        elif isinstance(change.steps[-1], int):
            made = f"JSON_ARRAY_INSERT({made}, {path}, {value})"
        else:
            made = f"JSON_INSERT({made}, {path}, {value})"
    return made
