"""Whatever the table, the rows and the options: the texts say what `rows/` reads. No server is needed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.drivers.mysql.rows.definitions import changes, columns, front, rows
from tests.drivers.mysql.rows.recording import read
from tests.drivers.mysql.rowtext.model import NoForm, shown
from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.event import EventType
from udup.drivers.mysql.binlog.table_definition import ColumnDefinition, ColumnType
from udup.drivers.mysql.binlog.table_map import table_id
from udup.drivers.mysql.rows.codec import RowCodec, completed
from udup.drivers.mysql.rows.events import RowsEvent
from udup.drivers.mysql.rows.table import KeyPart, Table, parse_table
from udup.drivers.mysql.rows.values import ABSENT, Row
from udup.drivers.mysql.rowtext.options import Binary, Decimals, JsonForm, Times, UnsignedBigint, ValueOptions
from udup.drivers.mysql.rowtext.program import program_of
from udup.drivers.mysql.rowtext.table_text import GeneratedTableText
from udup.pipeline.ports.delivery import RowText, Template

PATIENT = settings(
    deadline=None,
    max_examples=60,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)

OPTIONS = st.builds(
    ValueOptions,
    decimals=st.sampled_from(Decimals),
    unsigned_bigint=st.sampled_from(UnsignedBigint),
    times=st.sampled_from(Times),
    binary=st.sampled_from(Binary),
    adjust_years=st.booleans(),
    json=st.sampled_from(JsonForm),
)

KINDS = [EventType.WRITE_ROWS, EventType.UPDATE_ROWS, EventType.DELETE_ROWS, EventType.UPDATE_ROWS_V1]

TEMPLATE = Template(b'{"before":', b',"after":', b',"row":', b',"op":"\xc3\xb6"}')


def named(definitions: Sequence[ColumnDefinition], key: Sequence[int]) -> Table:
    """Return a table whose columns have names that need care, and whose ENUMs and SETs have members."""
    found = []
    for number, column in enumerate(definitions):
        name = f'c{number} "{{ö}}\\'
        if column.kind in (ColumnType.ENUM, ColumnType.SET) and column.members is None:
            count = 65535 if column.kind is ColumnType.ENUM else 8 * column.metadata[0]
            count = min(count, 300)
            column = replace(column, members=tuple(b"n%d" % each for each in range(count)))
        found.append(replace(column, name=name))
    return Table("s", "t", tuple(found), tuple(KeyPart(index) for index in key))


def image(table: Table, row: Row | None, options: ValueOptions) -> dict[str, object] | None:
    if row is None:
        return None
    return {
        str(column.name): shown(column, value, options)
        for column, value in zip(table.columns, row, strict=True)
        if value is not ABSENT
    }


def loaded(text: bytes | None) -> dict[str, object] | None:
    return None if text is None else json.loads(text)


@PATIENT
@given(st.data(), OPTIONS, st.sampled_from(KINDS), st.booleans(), st.booleans())
def test_rows_are_told_as_they_were_written(
    data: st.DataObject, options: ValueOptions, kind: EventType, has_crc: bool, padded: bool
) -> None:
    samples = data.draw(columns())
    indexes = st.lists(st.integers(0, len(samples) - 1), unique=True, max_size=3)
    table = named([column for column, _ in samples], data.draw(indexes))
    written = changes(kind, data.draw(rows(samples)), data.draw(rows(samples)))
    event = RowCodec(table).write(RowsEvent(front(kind), written, padded), has_crc=has_crc)
    text = GeneratedTableText(table, program_of(table, options), has_crc=has_crc)
    try:
        wanted = [(image(table, before, options), image(table, after, options)) for before, after in written]
    except NoForm:
        _is_refused(text, event)
        return
    found = text.rows(event)
    assert [(loaded(row.before), loaded(row.after)) for row in found] == wanted
    for row in found:
        _has_keys(table, row)
    _has_values(text, event, found)


def _is_refused(text: GeneratedTableText, event: bytes) -> None:
    with pytest.raises(Unsupported, match="has no form"):
        text.rows(event)


def _has_keys(table: Table, row: RowText) -> None:
    """The keys are those members of the images, in the key's order."""
    names = [str(table.columns[index].name) for index in table.key_columns]
    before, after = loaded(row.before), loaded(row.after)
    if not names:
        assert row.key is None and row.old_key is None
        return
    last = after if after is not None else before
    assert last is not None
    assert row.key is not None and json.loads(row.key) == {name: last[name] for name in names}
    assert list(json.loads(row.key)) == names
    if row.old_key is not None:
        assert before is not None and json.loads(row.old_key) == {name: before[name] for name in names}
        assert row.old_key != row.key
    elif before is not None:
        assert json.loads(row.key) == {name: before[name] for name in names}


def _has_values(text: GeneratedTableText, event: bytes, found: list[RowText]) -> None:
    values = text.values(event, TEMPLATE, 7)
    if any(row.old_key is not None for row in found):
        assert values is None
        return
    assert values == [
        (
            row.key,
            b"".join(
                [
                    *(TEMPLATE.before, row.before or b"null", TEMPLATE.after, row.after or b"null"),
                    *(TEMPLATE.row, str(number).encode(), TEMPLATE.end),
                ]
            ),
        )
        for number, row in enumerate(found, 7)
    ]


@PATIENT
@given(st.data(), OPTIONS)
def test_images_may_lack_columns(data: st.DataObject, options: ValueOptions) -> None:
    samples = data.draw(columns())
    table = named([column for column, _ in samples], ())
    size = len(samples)
    masks = [data.draw(st.lists(st.booleans(), min_size=size, max_size=size).filter(any)) for _ in range(2)]
    row = data.draw(rows(samples, 1))[0], data.draw(rows(samples, 1))[0]
    change = tuple(
        tuple(value if there else ABSENT for value, there in zip(each, mask, strict=True))
        for each, mask in zip(row, masks, strict=True)
    )
    event = RowsEvent(front(EventType.UPDATE_ROWS), [change])  # type: ignore[list-item]
    text = GeneratedTableText(table, program_of(table, options), has_crc=True)
    data_of_event = RowCodec(table).write(event, has_crc=True)
    try:
        images = [image(table, each, options) or {} for each in change]
    except NoForm:
        _is_refused(text, data_of_event)
        return
    (found,) = text.rows(data_of_event)
    for image_text, wanted, mask in zip((found.before, found.after), images, masks, strict=True):
        values = loaded(image_text)
        assert values is not None
        assert {name: value for name, value in values.items() if name in wanted} == wanted
        others = {name: value for name, value in values.items() if name not in wanted}
        absent = [column for column, there in zip(table.columns, mask, strict=True) if not there]
        large = {ColumnType.BLOB, ColumnType.JSON, ColumnType.GEOMETRY, ColumnType.VECTOR}
        assert not others or all(column.kind in large for column in absent)


RECORDED = read()


def test_what_a_server_logged_is_told_as_it_is_read() -> None:
    texts: dict[bytes, GeneratedTableText] = {}
    options = ValueOptions()
    kinds = set()
    for event in RECORDED.events:
        if event[4] == EventType.TABLE_MAP:
            table = parse_table(event, has_crc=True)
            texts[table_id(event)] = GeneratedTableText(table, program_of(table, options), has_crc=True)
            continue
        text = texts[table_id(event)]
        written = completed(RowCodec(text.table).read(event, has_crc=True))
        for row, (before, after) in zip(text.rows(event), written.changes, strict=True):
            for found, wanted in ((row.before, before), (row.after, after)):
                values, image_ = loaded(found), image(text.table, wanted, options)
                point = (values or {}).get("p")
                if isinstance(point, dict):
                    assert (point.pop("x"), point.pop("y")) == (2.0, 1.0)  # the latitude comes first in SQL
                if values is not None and image_ is not None:
                    values = {name: value for name, value in values.items() if name in image_}
                assert values == image_
        kinds.add(event[4])
    assert EventType.PARTIAL_UPDATE_ROWS in kinds
