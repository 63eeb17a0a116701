"""What is constant for a definition of a table: its topic, its place in IDs, schemas as text. Made once for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from udup.drivers.messages import schemas
from udup.drivers.messages.ids import table_id
from udup.drivers.messages.names import KafkaNames, TopicNames
from udup.drivers.messages.options import MessageOptions
from udup.drivers.messages.source_block import SourceBlock
from udup.pipeline.ports.delivery import RowText, TableText, Template


@dataclass(frozen=True, slots=True)
class TableForm:
    """`name` is `schema.table`, `id` the same in IDs. A text in front of key or value, if any, is ended by `}`.

    `data_front` is in front of the images of a CloudEvent. `table` is kept so that no other takes its place in memory.
    """

    table: TableText
    name: str
    id: str
    topic: str
    source: SourceBlock
    is_outbox: bool
    key_front: bytes = b""
    value_front: bytes = b""
    data_front: bytes = b""
    key_fields: dict[str, schemas.Schema] = field(default_factory=dict)

    def key(self, key: bytes | None) -> bytes | None:
        """Return a key as it is sent."""
        return self.key_front + key + b"}" if self.key_front and key is not None else key


@dataclass(frozen=True)
class _Unseen:
    """A table of which no row has come in this run, so its columns are not known."""

    schema: str
    name: str
    key_columns: Sequence[str] = ()

    def key_schema(self) -> Sequence[Mapping[str, Any]]:
        return []

    def row_schema(self) -> Sequence[Mapping[str, Any]]:
        return []

    def rows(self, event: bytes) -> list[RowText]:
        return []

    def values(self, event: bytes, template: Template, first: int) -> None:
        return None


class TableForms:
    """The forms of the definitions that came in a run."""

    #: Definitions that are kept; a run meets more only where tables are defined again and again.
    KEPT = 10_000

    def __init__(self, options: MessageOptions, names: TopicNames) -> None:
        self._options, self._names = options, names
        self._by_identity: dict[int, TableForm] = {}
        self._by_name: dict[tuple[str, str], TableForm] = {}

    def of(self, table: TableText) -> TableForm:
        """Return the form of a definition."""
        found = self._by_identity.get(id(table))
        if found is None:
            if len(self._by_identity) >= self.KEPT:
                self._by_identity.clear()
                self._by_name.clear()
            found = self._by_identity[id(table)] = self._made(table)
            self._by_name[table.schema, table.name] = found
        return found

    def named(self, schema: str, name: str) -> TableForm:
        """Return the form of the definition of a table that came last; of one without columns if none came."""
        return self._by_name.get((schema, name)) or self._made(_Unseen(schema, name))

    def _topic(self, schema: str, name: str) -> str:
        return self._names.joined(self._options.delimiter, (self._options.prefix, schema, name))

    def _made(self, table: TableText) -> TableForm:
        options = self._options
        name, topic = f"{table.schema}.{table.name}", self._topic(table.schema, table.name)
        source = SourceBlock(options.prefix, table.schema, table.name)
        is_outbox = options.outbox is not None and options.outbox.is_outbox(name, topic)
        form = TableForm(table, name, table_id(table.schema, table.name), topic, source, is_outbox)
        return self._with_schemas(form) if options.schemas else form

    def _with_schemas(self, form: TableForm) -> TableForm:
        """Return the form with schemas, whose names are the table's topic by Debezium's rule, whatever the sink's."""
        table, options = form.table, self._options
        name = KafkaNames().joined(options.delimiter, (options.prefix, table.schema, table.name))
        key, row = table.key_schema(), table.row_schema()
        is_event = options.format == "cloudevents"
        value = schemas.flat(name, row) if options.format == "flat" else schemas.envelope(name, row)
        return TableForm(
            table,
            form.name,
            form.id,
            form.topic,
            form.source,
            form.is_outbox,
            key_front=schemas.wrapped(schemas.key(name, key)) if key else b"",
            value_front=b"" if is_event else schemas.wrapped(value),
            data_front=schemas.wrapped(schemas.data(name, row)) if is_event else b"",
            key_fields={str(each["field"]): dict(each) for each in row},
        )
