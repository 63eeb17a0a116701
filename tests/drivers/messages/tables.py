"""A table whose rows are prepared texts: an event's bytes are the number of a list of rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from udup.drivers.messages.encoder import MessageEncoder
from udup.drivers.messages.names import PlainNames, TopicNames
from udup.drivers.messages.options import MessageOptions, option_faults
from udup.pipeline.ports.delivery import DeliveryPlan, Operation, RowsText, RowText, Template

GTID = "3e11fa47-71ca-11e1-9e33-c80aa9429562:23"
COMMITTED_US = 1_700_000_000_123_456
NOW_US = 1_700_000_001_000_002


@dataclass
class PreparedTable:
    """`quick`: whether it answers `values`; `asked` are the templates that it was asked with."""

    schema: str = "shop"
    name: str = "orders"
    key_columns: Sequence[str] = ("id",)
    quick: bool = True
    events: list[list[RowText]] = field(default_factory=list)
    asked: list[Template] = field(default_factory=list)

    def key_schema(self) -> Sequence[Mapping[str, Any]]:
        return [{"type": "int32", "optional": False, "field": "id"}] if self.key_columns else []

    def row_schema(self) -> Sequence[Mapping[str, Any]]:
        text = {"type": "string", "optional": True, "field": "note"}
        return [{"type": "int32", "optional": False, "field": "id"}, text]

    def rows(self, event: bytes) -> list[RowText]:
        return self.events[int(event)]

    def values(self, event: bytes, template: Template, first: int) -> list[tuple[bytes | None, bytes]] | None:
        rows = self.rows(event)
        if not self.quick or any(row.old_key is not None for row in rows):
            return None
        self.asked.append(template)
        return [
            (
                row.key,
                b"".join(
                    [
                        template.before,
                        row.before or b"null",
                        template.after,
                        row.after or b"null",
                        template.row,
                        b"%d" % number,
                        template.end,
                    ]
                ),
            )
            for number, row in enumerate(rows, first)
        ]

    def event(self, operation: Operation, *rows: RowText, query: str | None = None) -> RowsText:
        """Return an event with these rows."""
        self.events.append(list(rows))
        number = str(len(self.events) - 1).encode()
        return RowsText(self, operation, number, "binlog.000003", 500, 7, 1_700_000_000, 42, query)


def inserted(number: int, note: str = "x") -> RowText:
    return RowText(key(number), None, None, image(number, note))


def deleted(number: int, note: str = "x") -> RowText:
    return RowText(key(number), None, image(number, note), None)


def updated(number: int, before: str = "x", after: str = "y") -> RowText:
    return RowText(key(number), None, image(number, before), image(number, after))


def moved(old: int, new: int) -> RowText:
    return RowText(key(new), key(old), image(old, "x"), image(new, "x"))


def key(number: int) -> bytes:
    return b'{"id":%d}' % number


def image(number: int, note: str) -> bytes:
    return b'{"id":%d,"note":"%b"}' % (number, note.encode())


def encoder(options: Mapping[str, str] | None = None, names: TopicNames | None = None, **plan: Any) -> MessageEncoder:
    """Return an encoder whose clock stands still."""
    made = DeliveryPlan(prefix="shop1", options=options or {}, **plan)
    assert option_faults(made) == []
    return MessageEncoder(MessageOptions.of(made), names or PlainNames(), lambda: NOW_US)
