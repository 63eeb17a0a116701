"""The outbox's options, by the names of Debezium's EventRouter behind `transforms.outbox.`.

Which tables are outboxes is said by `transforms.outbox.tables` (regular expressions of `schema.table`, with commas
between), or by a predicate `TopicNameMatches` of Kafka Connect on the table's topic. Without either every table of the
job is one, as in Debezium.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Self

from udup.base.errors import Fault

#: The transform's name in a configuration.
OUTBOX = "outbox"

_FRONT = f"transforms.{OUTBOX}."
_TYPE = "io.debezium.transforms.outbox.EventRouter"
_MATCHES = "org.apache.kafka.connect.transforms.predicates.TopicNameMatches"
_REGEX = "(?<routedByValue>.*)"
_REPLACEMENT = "outbox.event.${routedByValue}"

#: Names that headers may have: NATS and Udup keep those for themselves that say how a message is stored.
_HEADER = re.compile(r"(?i:(?!nats-|udup-))[A-Za-z0-9_.-]+")
_JAVA_GROUP = re.compile(r"\$\{(\w+)\}|\$(\d+)")

#: What each option takes; None for any text.
_KNOWN: Mapping[str, tuple[str, ...] | None] = {
    "type": (_TYPE,),
    "tables": None,
    "predicate": None,
    "table.field.event.id": None,
    "table.field.event.key": None,
    "table.field.event.type": None,
    "table.field.event.payload": None,
    "table.fields.additional.placement": None,
    "table.field.additional.missing": ("error", "ignore"),
    "table.op.invalid.behavior": ("warn", "error", "fatal"),
    "table.expand.json.payload": ("true", "false"),
    "table.json.payload.null.behavior": ("optional_bytes",),
    "table.json.payload.empty.array.behavior": ("optional_string",),
    "route.by.field": None,
    "route.topic.regex": None,
    "route.topic.replacement": None,
    "route.tombstone.on.empty.payload": ("true", "false"),
    "tracing.with.context.field.only": None,
    "tracing.span.context.field": None,
    "tracing.operation.name": None,
}

_REFUSED = {
    "table.field.event.timestamp": "leave it out, and place the column in a header or in the envelope",
    "table.field.event.schema.version": "leave it out, and place the column in a header or in the envelope",
    "negate": "leave it out, and name the tables by transforms.outbox.tables",
}


class Additional(NamedTuple):
    """A further column, and where it goes: `header` or `envelope`."""

    column: str
    placement: str
    alias: str


@dataclass(frozen=True)
class OutboxOptions:
    """`tables`: None for every table. `on_update`: warn, error or fatal."""

    tables: re.Pattern[str] | None = None
    topics: re.Pattern[str] | None = None
    id: str = "id"
    key: str = "aggregateid"
    payload: str = "payload"
    additional: tuple[Additional, ...] = ()
    missing_ignored: bool = False
    on_update: str = "warn"
    expand: bool = False
    route_by: str = "aggregatetype"
    regex: re.Pattern[str] = re.compile(".*")
    replacement: str = _REPLACEMENT
    tombstone_on_empty: bool = False

    @classmethod
    def of(cls, options: Mapping[str, str], prefix: str) -> Self:
        """Return those of a plan without faults."""
        own = {name.removeprefix(_FRONT): value for name, value in options.items() if name.startswith(_FRONT)}
        predicate = own.get("predicate")
        tables = own.get("tables")
        return cls(
            tables=_any_of(tables) if tables else None,
            topics=re.compile(_python(options[f"predicates.{predicate}.pattern"])) if predicate else None,
            id=own.get("table.field.event.id", "id"),
            key=own.get("table.field.event.key", "aggregateid"),
            payload=own.get("table.field.event.payload", "payload"),
            additional=tuple(_additional(own.get("table.fields.additional.placement", ""))),
            missing_ignored=own.get("table.field.additional.missing", "").lower() == "ignore",
            on_update=own.get("table.op.invalid.behavior", "warn").lower(),
            expand=own.get("table.expand.json.payload", "").lower() == "true",
            route_by=own.get("route.by.field", "aggregatetype"),
            regex=re.compile(_python(own.get("route.topic.regex", _REGEX))),
            replacement=own.get("route.topic.replacement", _REPLACEMENT),
            tombstone_on_empty=own.get("route.tombstone.on.empty.payload", "").lower() == "true",
        )

    def is_outbox(self, table: str, topic: str) -> bool:
        """Return whether a table (`schema.table`), whose rows would go to this topic, is an outbox."""
        if self.tables is not None:
            return self.tables.fullmatch(table) is not None
        return self.topics is None or self.topics.fullmatch(topic) is not None

    def topic(self, routed_by: str) -> str:
        """Return the topic of a row by the value of its column `route_by`."""
        found = self.regex.fullmatch(routed_by)
        if found is None:
            return routed_by
        return _JAVA_GROUP.sub(lambda group: found[group[1] or int(group[2])] or "", self.replacement)


def outbox_faults(options: Mapping[str, str]) -> list[Fault]:
    """Return what is wrong with the outbox's options."""
    faults = [
        fault for name in options if name.startswith(_FRONT) for fault in _faults(name.removeprefix(_FRONT), options)
    ]
    if f"{_FRONT}type" not in options:
        faults.append(_fault("type", "missing", f"write {_TYPE}"))
    if predicate := options.get(f"{_FRONT}predicate"):
        faults += _predicate_faults(predicate, options)
    if not faults:
        faults += _routing_faults(options)
    return faults


def _faults(name: str, options: Mapping[str, str]) -> list[Fault]:
    value = options[_FRONT + name]
    if name in _REFUSED:
        return [_fault(name, "not taken", _REFUSED[name])]
    if name not in _KNOWN:
        return [_fault(name, "Debezium's EventRouter has no such option", "leave it out")]
    takes = _KNOWN[name]
    if takes and value not in takes:
        return [_fault(name, f"not taken with the value {value!r}", f"write {' or '.join(takes)}")]
    if name in ("tables", "route.topic.regex"):
        return _pattern_faults(name, value)
    if name == "table.fields.additional.placement":
        return _placement_faults(name, value)
    return []


def _pattern_faults(name: str, value: str) -> list[Fault]:
    try:
        re.compile(_python(value))
    except re.error as error:
        return [_fault(name, f"no regular expression: {error}", "write one")]
    return []


def _placement_faults(name: str, value: str) -> list[Fault]:
    for each in value.split(","):
        parts = [part.strip() for part in each.split(":")]
        if len(parts) not in (2, 3) or not all(parts):
            return [_fault(name, f"{each.strip()!r} is no placement", "write column:header or column:envelope:alias")]
        if parts[1].lower() not in ("header", "envelope"):
            remedy = "write header or envelope; the partition follows the key"
            return [_fault(name, f"a column goes nowhere by {parts[1]!r}", remedy)]
        header = parts[-1] if len(parts) == 3 else parts[0]
        if parts[1].lower() == "header" and not _HEADER.fullmatch(header):
            remedy = "write column:header:alias with letters, digits, '_', '.', '-', not beginning with nats- or udup-"
            return [_fault(name, f"no header can be called {header!r}", remedy)]
    return []


def _predicate_faults(name: str, options: Mapping[str, str]) -> list[Fault]:
    front = f"predicates.{name}"
    if options.get(f"{front}.type") != _MATCHES or f"{front}.pattern" not in options:
        remedy = f"write {front}.type {_MATCHES} and {front}.pattern, or transforms.outbox.tables in place of it"
        return [_fault("predicate", f"{name!r} is no predicate that matches topics", remedy)]
    return [
        Fault(f"Options.{front}.pattern", fault.problem, fault.remedy, "Dest")
        for fault in _pattern_faults("predicate", options[f"{front}.pattern"])
    ]


def _routing_faults(options: Mapping[str, str]) -> list[Fault]:
    """Return whether the replacement names a group that the expression lacks."""
    regex = re.compile(_python(options.get(f"{_FRONT}route.topic.regex", _REGEX)))
    replacement = options.get(f"{_FRONT}route.topic.replacement", _REPLACEMENT)
    for group in _JAVA_GROUP.finditer(replacement):
        if (group[1] and group[1] not in regex.groupindex) or (group[2] and int(group[2]) > regex.groups):
            problem = f"names the group {group[0]}, which route.topic.regex does not have"
            return [_fault("route.topic.replacement", problem, "write ${routedByValue}, or the group's name")]
    return []


def _additional(text: str) -> list[Additional]:
    found = []
    for each in filter(None, (part.strip() for part in text.split(","))):
        column, placement, *alias = (part.strip() for part in each.split(":"))
        found.append(Additional(column, placement.lower(), alias[0] if alias else column))
    return found


def _any_of(expressions: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{_python(each.strip())})" for each in expressions.split(",")))


def _python(expression: str) -> str:
    """Return a regular expression of Java's as Python writes it: groups with names differ."""
    return re.sub(r"\(\?<(?=[A-Za-z])", "(?P<", expression)


def _fault(name: str, problem: str, remedy: str) -> Fault:
    return Fault(f"Options.{_FRONT}{name}", problem, remedy, "Dest")
