"""A selection as it is kept with a position, so that a later run knows which tables the job had until then."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from typing import Any

from udup.pipeline.selection.selection import NameRule, SchemaRule, Selection

#: Letters of a selection that is kept as it is.
PLAIN_MAX = 300


def kept_selection(selection: Selection) -> dict[str, Any]:
    """Return what JSON can hold; which rows and columns are chosen is left out.

    A long one is packed, as it stands in every position.
    """
    kept: dict[str, Any] = {"do": [_rule(each) for each in selection.rules]}
    kept["ignore"] = [_rule(each) for each in selection.ignored]
    if selection.less:
        kept["less"] = [kept_selection(each) for each in selection.less]
    text = json.dumps(kept, separators=(",", ":"))
    if len(text) <= PLAIN_MAX:
        return kept
    return {"packed": base64.b64encode(zlib.compress(text.encode(), 9)).decode()}


def selection_of(kept: Mapping[str, Any], *, folds: bool) -> Selection:
    """Return what was kept, for a server that folds names or not."""
    if "packed" in kept:
        kept = json.loads(zlib.decompress(base64.b64decode(kept["packed"])))
    less = tuple(selection_of(each, folds=folds) for each in kept.get("less", ()))
    rules, ignored = (tuple(_schema(each) for each in kept[name]) for name in ("do", "ignore"))
    return Selection(rules, ignored, folds, less)


def _rule(rule: SchemaRule) -> list[Any]:
    return [rule.name, rule.regex, [[each.name, each.regex] for each in rule.tables]]


def _schema(kept: list[Any]) -> SchemaRule:
    name, regex, tables = kept
    return SchemaRule(name, regex, tables=tuple(NameRule(*each) for each in tables))


def only(selection: Selection, schema: str, table: str) -> Selection:
    """Return one that chooses a single table, with the new name, rows and columns that it has in a selection."""
    new_schema, new = selection.renamed_table(schema, table)
    [where], [columns] = selection.filters_of(schema, table), selection.columns_of(schema, table)
    rule = NameRule(table, rename=new if new != table else "", where=where, columns=columns)
    schema_rule = SchemaRule(schema, rename=new_schema if new_schema != schema else "", tables=(rule,))
    return Selection((schema_rule,), folds=selection.folds)
