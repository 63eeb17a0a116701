"""The outbox pattern: rows of an outbox table become messages of their own, as Debezium's EventRouter makes them.

An inserted row (or one of a snapshot) is a message: its topic by the column `aggregatetype`, its key `aggregateid`, its
value `payload`, the column `id` in the header `id`. Deletes are passed over, since an outbox is emptied that way;
updates too, with a line in the log, or they stop the job (`table.op.invalid.behavior`). Key and value are JSON: a
payload in a text column is a JSON string, and with `table.expand.json.payload` the document itself, whose nulls stay.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from udup.base import logs
from udup.base.errors import Unsupported
from udup.drivers.messages import schemas
from udup.drivers.messages.names import TopicNames
from udup.drivers.messages.options import MessageOptions
from udup.drivers.messages.outbox_options import OutboxOptions
from udup.drivers.messages.table_form import TableForm
from udup.drivers.messages.texts import NULL
from udup.pipeline.ports.delivery import Message, Operation, RowsText

log = logs.logger("outbox")

#: What stands in `Message.operation`.
OPERATION = "outbox"

_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class Outbox:
    """Makes the messages of outbox tables."""

    def __init__(self, options: MessageOptions, outbox: OutboxOptions, names: TopicNames) -> None:
        self._options, self._outbox, self._names = options, outbox, names

    def messages(self, front: str, first: int, form: TableForm, found: RowsText) -> tuple[list[Message], int]:
        """Return the messages of an event and how many rows it has. An ID is `front` and the row's number."""
        rows = found.table.rows(found.event)
        if found.operation is Operation.UPDATE:
            self._judge_update(form, front)
        if found.operation not in (Operation.CREATE, Operation.READ):
            return [], len(rows)
        made = [
            self._message(f"{front}{number}", form, row.after) for number, row in enumerate(rows, first) if row.after
        ]
        return made, len(rows)

    def _message(self, message_id: str, form: TableForm, image: bytes) -> Message:
        outbox, columns = self._outbox, _decode(image)
        headers = [("id", _header(_column(columns, outbox.id, form)))]
        envelope: dict[str, bytes] = {}
        for column, placement, alias in outbox.additional:
            if column not in columns and outbox.missing_ignored:
                continue
            value = _column(columns, column, form)
            if placement == "header":
                headers.append((alias, _header(value)))
            else:
                envelope[alias] = value
        routed_by = _text(_column(columns, outbox.route_by, form))
        topic = self._names.whole(outbox.topic(routed_by)) if routed_by else ""
        if not topic:
            raise Unsupported(
                f"a row of the outbox {form.name} has no topic: its column {outbox.route_by} is {routed_by!r}; name "
                "another by transforms.outbox.route.by.field, or have each row say one",
                table=form.name,
            )
        return Message(
            topic,
            self._key(columns, form),
            self._value(_column(columns, outbox.payload, form), envelope, form, routed_by),
            message_id,
            tuple(headers),
            OPERATION,
            form.name,
        )

    def _key(self, columns: dict[str, msgspec.Raw], form: TableForm) -> bytes | None:
        key = _column(columns, self._outbox.key, form)
        if key == NULL:
            return None
        if not self._options.schemas:
            return key
        return schemas.wrapped(_without_name(form.key_fields.get(self._outbox.key, {}))) + key + b"}"

    def _value(self, payload: bytes, further: dict[str, bytes], form: TableForm, routed_by: str) -> bytes | None:
        outbox = self._outbox
        text = _text(payload)
        if outbox.tombstone_on_empty and (payload == NULL or not text.strip()):
            return None
        expanded = _expanded(text) if outbox.expand and payload[:1] == b'"' else None
        value = payload if expanded is None else expanded
        if further:
            members = {"payload": value, **further}
            value = b"{" + b",".join(b"%b:%b" % (json.dumps(name).encode(), members[name]) for name in members) + b"}"
        if not self._options.schemas or expanded is not None:
            return value  # what a document's schema is, only each document tells
        return schemas.wrapped(self._schema(form, routed_by)) + value + b"}"

    def _schema(self, form: TableForm, routed_by: str) -> schemas.Schema:
        outbox, fields = self._outbox, form.key_fields
        payload = fields.get(outbox.payload, {})
        envelope = [each for each in outbox.additional if each.placement == "envelope" and each.column in fields]
        if not envelope:
            return _without_name(payload)
        members = [
            {**payload, "field": "payload"},
            *({**fields[each.column], "field": each.alias} for each in envelope),
        ]
        return schemas.struct(members, f"{form.topic}.{routed_by}.Value")

    def _judge_update(self, form: TableForm, front: str) -> None:
        """Pass over an update of an outbox's rows, or stop at it."""
        if self._outbox.on_update == "fatal":
            raise Unsupported(
                f"{front.partition(':' + form.id)[0]}: rows of the outbox {form.name} were updated, and "
                "transforms.outbox.table.op.invalid.behavior is fatal; leave it out, and updates are passed over",
                table=form.name,
            )
        tell = log.error if self._outbox.on_update == "error" else log.warning
        tell("outbox_update_ignored", table=form.name, transaction=front)


def _column(columns: dict[str, msgspec.Raw], name: str, form: TableForm) -> bytes:
    try:
        return bytes(columns[name])
    except KeyError:
        raise Unsupported(
            f"a row of the outbox {form.name} has no column {name}; name its columns by "
            "transforms.outbox.table.field.event.* and route.by.field, or the outbox tables by "
            "transforms.outbox.tables; if the table has it, the log lacks it (binlog_row_image), or column.include.list"
            " and column.exclude.list leave it out",
            table=form.name,
        ) from None


def _text(value: bytes) -> str:
    """Return a string without its quotes, and anything else as its JSON."""
    if value[:1] == b'"':
        found: str = json.loads(value)
        return found
    return "" if value == NULL else value.decode()


def _header(value: bytes) -> bytes:
    return _text(value).encode("utf-8", "replace")


def _expanded(text: str) -> bytes | None:
    """Return a document in a string as itself, without spaces; None for what is no object or array."""
    if not text.startswith(("{", "[")):
        return None
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    return msgspec.json.format(text, indent=-1).encode()  # numbers stay as they are written


def _without_name(field: dict[str, Any]) -> schemas.Schema:
    return {name: value for name, value in field.items() if name != "field"}
