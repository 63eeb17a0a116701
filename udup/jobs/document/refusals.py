"""Known keys that this version does not carry out, and whose silent ignoring would change the user's data.

An unknown key is harmless and ignored. These are not: whoever writes `Where` does not want the whole table. They are
refused by name, unless their value asks for nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from udup.base.errors import Fault
from udup.jobs.document.keys import join
from udup.jobs.document.values import FALSE_WORDS

IN_CONFIG = frozenset(
    {
        "ApproveHeterogeneous",
        "AutoGtid",
        "BinlogFile",
        "BinlogPos",
        "KafkaConfig",
        "OracleConfig",
        "SkipCreateDbTable",
        "SkipIncrementalCopy",
        "TwoWaySync",
    }
)
IN_SCHEMA = frozenset({"TableSchemaRenameRegex"})
IN_TABLE = frozenset(
    {
        "ColumnMap",
        "ColumnMapFrom",
        "ColumnMapTo",
        "ColumnMapUseRe",
        "TableRenameRegex",
        "Where",
    }
)

#: A row filter that lets every row pass, as some clients send it.
_EVERY_ROW = "true"


def refusals(config: object, path: str) -> Iterator[Fault]:
    """The faults of one task's Config, which has canonical keys."""
    if not isinstance(config, dict):
        return
    yield from _given(config, IN_CONFIG, path)
    for key in ("ReplicateDoDb", "ReplicateIgnoreDb"):
        for schema, schema_path in _entries(config, key, path):
            yield from _given(schema, IN_SCHEMA, schema_path)
            for table, table_path in _entries(schema, "Tables", schema_path):
                yield from _given(table, IN_TABLE, table_path)


def _given(values: dict[str, Any], names: frozenset[str], path: str) -> Iterator[Fault]:
    for name in values:
        if name in names and not _asks_for_nothing(name, values[name]):
            yield Fault(join(path, name), "not supported yet", "remove it")


def _asks_for_nothing(name: str, value: object) -> bool:
    if isinstance(value, str):
        text = value.strip()
        return text in FALSE_WORDS or (name == "Where" and text.lower() == _EVERY_ROW)
    return not value


def _entries(values: dict[str, Any], name: str, path: str) -> Iterator[tuple[dict[str, Any], str]]:
    items = values.get(name)
    for place, item in enumerate(items if isinstance(items, list) else []):
        if isinstance(item, dict):
            yield item, f"{join(path, name)}[{place}]"
