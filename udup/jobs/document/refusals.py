"""Known keys that this version does not carry out, and whose silent ignoring would change the user's data.

They are refused by name with the reason, unless their value asks for nothing: whoever writes `ColumnMapUseRe` does not
want every column. `IN_CONFIG`, `IN_SCHEMA` and `IN_TABLE` are refused in stored documents as well. The `POSTED_…` are
refused when a document is posted only, since versions before this one took them and did not look at them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from udup.base.errors import Fault
from udup.jobs.document.keys import join
from udup.jobs.document.values import FALSE_WORDS

_MAPPED = "ColumnMapFrom and ColumnMapTo name the columns, each by its own name"

IN_CONFIG: Mapping[str, str] = {
    "KafkaConfig": "it is of a Dest with Driver Kafka",
    "OracleConfig": "it is of a Src with Driver Oracle",
    "TwoWaySync": "a job has one direction, and a second one back would be a ring",
}
IN_SCHEMA: Mapping[str, str] = {"TableSchemaRenameRegex": "TableSchemaRename takes the groups of TableSchemaRegex"}
IN_TABLE: Mapping[str, str] = {
    "ColumnMap": _MAPPED,
    "ColumnMapUseRe": _MAPPED,
    "TableRenameRegex": "TableRename takes the groups of TableRegex",
}

POSTED_CONFIG: Mapping[str, str] = {
    "BinlogRelay": "the source's log is not kept on the way, so it must not be purged before it was read",
    "DestConnectionConfig": "each task has its own server in ConnectionConfig; this one belongs into the Dest's",
    "DestType": "what an end is says its task's Driver",
    "SetGtidNext": "transactions get GTIDs of the target's own",
    "SrcConnectionConfig": "each task has its own server in ConnectionConfig; this one belongs into the Src's",
    "SrcOracleConfig": "the Src has its own server in ConnectionConfig, and OracleConfig beside it",
    "TwoWaySyncGtid": "a job has one direction, and a second one back would be a ring",
    "WaitOnJob": "a job starts when it is posted",
}
POSTED_TABLE: Mapping[str, str] = {
    "TableSchema": "a table is of the schema that the entry around it names",
    "TableSchemaRename": "the schema's new name is given once, in the entry around the table",
}

#: Values that ask for what Udup does anyway, in lower case: a target of MySQL.
_IDLE = {"DestType": "mysql"}


def refusals(config: object, path: str, own: Collection[str] = ()) -> Iterator[Fault]:
    """The faults of one task's Config, which has canonical keys; `own` are keys that its driver has."""
    if not isinstance(config, dict):
        return
    yield from _given(config, {key: reason for key, reason in IN_CONFIG.items() if key not in own}, path)
    for key in ("ReplicateDoDb", "ReplicateIgnoreDb"):
        for schema, schema_path in _entries(config, key, path):
            yield from _given(schema, IN_SCHEMA, schema_path)
            for table, table_path in _entries(schema, "Tables", schema_path):
                yield from _given(table, IN_TABLE, table_path)


def not_supported(path: str, reason: str) -> Fault:
    """Return the fault of a known key that is not carried out."""
    return Fault(path, f"not supported yet: {reason}", "remove it")


def asks_for_nothing(name: str, value: object) -> bool:
    """Whether a key's value asks for nothing that Udup does not do anyway."""
    if isinstance(value, str):
        text = value.strip()
        return text in FALSE_WORDS or text.lower() == _IDLE.get(name)
    return not value


def _given(values: dict[str, Any], reasons: Mapping[str, str], path: str) -> Iterator[Fault]:
    for name in values:
        if name in reasons and not asks_for_nothing(name, values[name]):
            yield not_supported(join(path, name), reasons[name])


def _entries(values: dict[str, Any], name: str, path: str) -> Iterator[tuple[dict[str, Any], str]]:
    items = values.get(name)
    for place, item in enumerate(items if isinstance(items, list) else []):
        if isinstance(item, dict):
            yield item, f"{join(path, name)}[{place}]"
