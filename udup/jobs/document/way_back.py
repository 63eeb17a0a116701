"""The document of a job's way back: the same job with its servers exchanged, names put back, and a position."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from udup.base.errors import Fault, Refused
from udup.jobs.document.keys import canonical
from udup.jobs.document.spec import DOCUMENT
from udup.jobs.words import JobType, TaskType

Json = dict[str, Any]

#: Keys of the way there alone.
_OF_THE_JOB = ("EnforceIndex", "JobModifyIndex", "EndWhen")
_OF_A_TASK = (
    *("Gtid", "AutoGtid", "GtidStart", "BinlogFile", "BinlogPos", "SkipIncrementalCopy"),
    *("DropTableIfExists", "SkipCreateDbTable", "EndWhen"),
)

#: Keys of a task that tell of its server: which driver knows it, and which node is near it.
_OF_THE_SERVER = ("Driver", "NodeId", "NodeName")

_BY_HAND = "leave --reverse out, and post the way back yourself when the cut-over is done: its position is told then"


def way_back(document: Mapping[str, Any], job_id: str, gtid: str) -> Json:
    """Return the document of a job that brings what is written to the target back to the source, after `gtid`.

    Raises `Refused` with every reason why there is none that means exactly that.
    """
    made: Json = canonical(dict(document), DOCUMENT, "", [])
    source, target = (_task(made, kind) for kind in (TaskType.SRC, TaskType.DEST))
    if faults := [*_faults(source["Config"]), *_converted(target["Config"])]:
        raise Refused(faults)
    config = source["Config"]
    do, ignored = config.get("ReplicateDoDb") or [], config.get("ReplicateIgnoreDb") or []
    back_from = _without(config) | {"ConnectionConfig": target["Config"]["ConnectionConfig"], "Gtid": gtid}
    back_to = _without(target["Config"]) | {"ConnectionConfig": config["ConnectionConfig"]}
    if do:
        back_from["ReplicateDoDb"] = [_inverted(entry) for entry in do]
    if ignored:
        back_from["ReplicateIgnoreDb"] = [entry for each in ignored for entry in _ignored(each, do)]
    tasks = [
        _at_server(source, target) | {"Config": back_from},
        _at_server(target, source) | {"Config": back_to},
    ]
    kept = {key: value for key, value in made.items() if key not in _OF_THE_JOB}
    return kept | {"ID": job_id, "Name": job_id, "Type": JobType.SYNCHRONOUS.value, "Tasks": tasks}


def _task(document: Json, kind: TaskType) -> Json:
    task: Json = next(each for each in document["Tasks"] if each.get("Type") == kind)
    return task


def _without(config: Json) -> Json:
    return {key: value for key, value in config.items() if key not in _OF_A_TASK}


def _at_server(task: Json, server: Json) -> Json:
    """Return the task with the driver and the node of the other task, whose server it has now."""
    rest = {key: value for key, value in task.items() if key not in _OF_THE_SERVER}
    return rest | {key: server[key] for key in _OF_THE_SERVER if key in server}


def _converted(config: Json) -> Iterator[Fault]:
    if config.get("ApproveHeterogeneous"):
        yield Fault("ApproveHeterogeneous", "lets tables of the target be others than the source's", _BY_HAND)
    if config.get("SkipCreateDbTable"):
        problem = "lets tables of the target have columns that the source's do not have"
        yield Fault("SkipCreateDbTable", problem, _BY_HAND)


def _faults(config: Json) -> Iterator[Fault]:
    yield from _converted(config)
    if config.get("SqlFilter"):
        yield Fault("SqlFilter", "leaves changes out, so that the target is not what the source is", _BY_HAND)
    for key in ("ReplicateDoDb", "ReplicateIgnoreDb"):
        for entry in config.get(key) or []:
            named = [(entry, "TableSchemaRegex"), *((table, "TableRegex") for table in entry.get("Tables") or [])]
            for part, regex in named:
                if part.get("Where"):
                    problem = f"{part['Where']!r} leaves rows out, so that the target is not what the source is"
                    yield Fault(f"{key}.Where", problem, _BY_HAND)
                for mapped in ("ColumnMapFrom", "ColumnMapTo"):
                    if part.get(mapped):
                        problem = "leaves columns out or renames them, so that the target is not what the source is"
                        yield Fault(f"{key}.{mapped}", problem, _BY_HAND)
                if part.get(regex):
                    problem = f"{part[regex]!r} chooses names of the source: which they are on the target is not known"
                    yield Fault(f"{key}.{regex}", problem, _BY_HAND)


def _inverted(entry: Json) -> Json:
    made = _exchanged(entry, "TableSchema", "TableSchemaRename")
    if tables := entry.get("Tables"):
        made["Tables"] = [_exchanged(table, "TableName", "TableRename") for table in tables]
    return made


def _exchanged(entry: Json, name: str, rename: str) -> Json:
    made = {key: value for key, value in entry.items() if key not in (name, rename, "Tables")}
    if entry.get(rename):
        return made | {name: entry[rename], rename: entry[name]}
    return made | {name: entry[name]}


def _ignored(entry: Json, do: list[Json]) -> Iterator[Json]:
    """Yield it by the names that the target has; nothing for a schema that the job does not carry at all."""
    rules = [each for each in do if each["TableSchema"] == entry["TableSchema"]]
    if do and not rules:
        return
    schema = next((each["TableSchemaRename"] for each in rules if each.get("TableSchemaRename")), entry["TableSchema"])
    made = {key: value for key, value in entry.items() if key not in ("TableSchema", "Tables")} | {
        "TableSchema": schema
    }
    if entry.get("Tables"):
        renamed = {
            table["TableName"]: table["TableRename"]
            for each in rules
            for table in each.get("Tables") or []
            if table.get("TableRename")
        }
        made["Tables"] = [
            table | {"TableName": renamed.get(table["TableName"], table["TableName"])} for table in entry["Tables"]
        ]
    yield made
