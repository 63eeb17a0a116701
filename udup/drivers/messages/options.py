"""What a job's document says of its messages: Debezium's options by their own names, and Udup's beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from udup.base.errors import Fault
from udup.base.secrets import shown_name
from udup.drivers.messages.option_table import Use, option
from udup.drivers.messages.outbox_options import OUTBOX, OutboxOptions, outbox_faults
from udup.pipeline.ports.delivery import DeliveryPlan

#: Debezium's words for the three that `Snapshot` has.
SNAPSHOT_MODES = {
    "initial": "initial",
    "initial_only": "only",
    "no_data": "never",
    "schema_only": "never",
    "never": "never",
}

FORMATS = ("debezium", "flat", "cloudevents")
OPERATIONS = ("c", "u", "d", "t")

_WHERE = "Options"
_TASK = "Dest"


@dataclass(frozen=True)
class MessageOptions:
    """What decides which messages there are and what they look like. Made of a plan that has no `option_faults`."""

    prefix: str
    delimiter: str = "."
    transaction_topic: str = "transaction"
    heartbeat_topic: tuple[str, ...] = ()  # its parts
    heartbeat_ms: int = 0
    tombstones: bool = True
    skipped: frozenset[str] = frozenset("t")
    transactions: bool = False
    schema_changes: bool = True
    query: bool = False
    only_changes: bool = False
    snapshot: str = "initial"
    schemas: bool = False
    format: str = "debezium"
    quirks: bool = False
    rows_per_message: int = 1
    outbox: OutboxOptions | None = None

    @classmethod
    def of(cls, plan: DeliveryPlan, tombstones: bool = True) -> Self:
        """Return the options of a plan; `tombstones` is what the sink has by default.

        With several rows in a message there are none (`packing.py`).
        """
        options = plan.options
        prefix = _prefix(plan)
        heartbeat = options.get("topic.heartbeat.name", "")
        rows = max(plan.rows_per_message, 1)
        return cls(
            prefix=prefix,
            delimiter=options.get("topic.delimiter") or ".",
            transaction_topic=options.get("topic.transaction") or "transaction",
            heartbeat_topic=(heartbeat,)
            if heartbeat
            else (options.get("topic.heartbeat.prefix") or "__debezium-heartbeat", prefix),
            heartbeat_ms=int(options.get("heartbeat.interval.ms", "0")),
            tombstones=_yes(options, "tombstones.on.delete", tombstones) and rows == 1,
            skipped=_skipped(options),
            transactions=_yes(options, "provide.transaction.metadata", False),
            schema_changes=_yes(options, "include.schema.changes", True),
            query=_yes(options, "include.query", False),
            only_changes=_yes(options, "skip.messages.without.change", False),
            snapshot=SNAPSHOT_MODES[options.get("snapshot.mode", "").lower() or plan.snapshot or "initial"]
            if plan.snapshot != "only"
            else "only",
            schemas=plan.schemas,
            format=plan.format or "debezium",
            quirks=plan.quirks,
            rows_per_message=rows,
            outbox=OutboxOptions.of(options, prefix) if options.get("transforms") == OUTBOX else None,
        )


def option_faults(plan: DeliveryPlan) -> list[Fault]:
    """Return what is wrong with the options of a plan: all of it, each by the option's name.

    Of those that decide about values only the names are judged here; the source's driver knows the rest.
    """
    faults = [fault for name, value in plan.options.items() for fault in _option_faults(name, value)]
    faults += _number_faults(plan) + _agreement_faults(plan) + _query_faults(plan)
    if plan.options.get("transforms") == OUTBOX:
        faults += outbox_faults(plan.options)
    return faults


def _option_faults(name: str, value: str) -> Iterator[Fault]:
    found = option(name)
    if found is None:
        yield _fault(name, "Debezium has no such option", "leave it out, or write it as Debezium's manual does")
    elif found.use is Use.REFUSED:
        yield _fault(name, "not taken", found.says)
    elif found.takes and value.strip().lower() not in found.takes:
        words = " or ".join(repr(word) for word in found.takes)
        remedy = found.says if found.use is Use.NO_EFFECT else f"write {words}: {found.says}"
        yield _fault(name, f"not taken with the value {value!r}", remedy)


def _number_faults(plan: DeliveryPlan) -> list[Fault]:
    faults = []
    interval = plan.options.get("heartbeat.interval.ms", "0")
    if not (interval.isascii() and interval.isdigit() and len(interval) <= 12):
        faults.append(_fault("heartbeat.interval.ms", f"{interval!r} is no number", "write milliseconds, 0 for never"))
    words = _words(plan.options.get("skipped.operations", "t"))
    if strange := [word for word in words if word not in (*OPERATIONS, "none")]:
        faults.append(
            _fault("skipped.operations", f"there is no operation {strange[0]!r}", "write some of c, u, d, t, or none")
        )
    if "none" in words and len(words) > 1:
        faults.append(_fault("skipped.operations", "none stands beside others", "write none alone, or leave it out"))
    if plan.format not in ("", *FORMATS):
        faults.append(Fault("Format", f"there is no format {plan.format!r}", f"write {', '.join(FORMATS)}", _TASK))
    return faults


def _agreement_faults(plan: DeliveryPlan) -> list[Fault]:
    """Return where an option and a key of the document say different things."""
    options, faults = plan.options, []
    prefix = options.get("topic.prefix", "")
    if plan.prefix and prefix and prefix != plan.prefix:
        faults.append(_fault("topic.prefix", f"{prefix!r}, while Prefix is {plan.prefix!r}", "leave one of them out"))
    if not _prefix(plan):
        faults.append(Fault("Prefix", "missing", "write the first part of the topics, as shop1", _TASK))
    mode = SNAPSHOT_MODES.get(options.get("snapshot.mode", "").lower())
    if mode and plan.snapshot not in ("", "initial", mode):
        faults.append(_fault("snapshot.mode", f"is {mode}, Snapshot is {plan.snapshot}", "leave one of them out"))
    for name in ("key.converter.schemas.enable", "value.converter.schemas.enable"):
        if options.get(name, "").lower() == str(not plan.schemas).lower():
            faults.append(_fault(name, "says other than Schemas", "leave it out, and write Schemas for both"))
    if plan.rows_per_message > 1 and options.get("tombstones.on.delete", "").lower() == "true":
        remedy = "leave one of them out: a message of several rows has no key to delete"
        faults.append(_fault("tombstones.on.delete", f"with RowsPerMessage {plan.rows_per_message}", remedy))
    return faults


def _query_faults(plan: DeliveryPlan) -> list[Fault]:
    """Return a fault where statements would show values that the job hides: their text has them as they are."""
    if not _yes(plan.options, "include.query", False):
        return []
    hiding = [name for name in plan.options if name.startswith(_HIDING)]
    if not hiding:
        return []
    problem = f"with {shown_name(hiding[0])}: the text of a statement has the values that this hides"
    return [_fault("include.query", problem, "leave one of them out")]


#: What hides values of columns: masks, and the lists of columns.
_HIDING = ("column.mask.", "column.truncate.", "column.include.list", "column.exclude.list")


def _prefix(plan: DeliveryPlan) -> str:
    return plan.prefix or plan.options.get("topic.prefix", "") or str(plan.sink.get("Topic") or "")


def _fault(name: str, problem: str, remedy: str) -> Fault:
    return Fault(f"{_WHERE}.{shown_name(name)}", problem, remedy, _TASK)


def _yes(options: Mapping[str, str], name: str, default: bool) -> bool:
    return options.get(name, str(default)).strip().lower() == "true"


def _words(text: str) -> list[str]:
    return [word.strip().lower() for word in text.split(",") if word.strip()]


def _skipped(options: Mapping[str, str]) -> frozenset[str]:
    return frozenset(_words(options.get("skipped.operations", "t"))) - {"none"}
