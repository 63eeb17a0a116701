"""Notes of tables that are ahead go with the checkpoint that they belong to, and never without it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from udup.base.errors import Refused, Superseded
from udup.drivers.mysql.apply import ahead
from udup.drivers.mysql.apply.checkpoint import Checkpoint
from udup.drivers.mysql.apply.own_tables import create_tables
from udup.drivers.mysql.apply.purge import purge
from udup.drivers.mysql.apply.skip import skip
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import Connection, connect, query, scalar
from udup.pipeline.positions import AheadNote, AheadNotes, RowsBehind
from udup.pipeline.selection.selection import Selection
from udup.sandbox.server import MysqlServer

A = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
DIGEST = Selection.of([("s", [])]).digest


@pytest.fixture
def connection(target: MysqlServer) -> Iterator[Connection]:
    with closing(connect(target.endpoint)) as connection:
        create_tables(connection)
        yield connection


def _checkpoint(connection: Connection, job: str) -> Checkpoint:
    return Checkpoint(connection, job, DIGEST)


def _note(gtids: str, *tables: str, rows: RowsBehind | None = None, objects: bool = False) -> AheadNote:
    return AheadNote(Selection.of([("s", tables)]), GtidSet.parse(gtids), rows, objects)


def _kept(connection: Connection, job: str) -> tuple[int, str]:
    notes = scalar(connection, "SELECT COUNT(*) FROM udup.ahead WHERE job = %s", job)
    return int(notes), str(scalar(connection, "SELECT selection FROM udup.checkpoint WHERE job = %s AND slot = 0", job))


def _begin(connection: Connection, job: str, *notes: AheadNote) -> Checkpoint:
    checkpoint = _checkpoint(connection, job)
    checkpoint.take_over(2, None)
    checkpoint.write_first(2, GtidSet.parse(f"{A}:1-5"), notes=AheadNotes(notes))
    return checkpoint


def test_notes_are_there_for_the_next_run_and_go_one_by_one_with_the_flush_that_catches_up(
    connection: Connection, schema: str
) -> None:
    one, other = (
        _note(f"{A}:1-7", "t", rows=RowsBehind((((1, 2), (5, 7)), ((9, 0), None)), (0, 3), (64, 0))),
        _note(f"{A}:1-9", "u", objects=True),
    )
    _begin(connection, schema, one, other, _note(f"{A}:1-3", "v"))
    assert _kept(connection, schema)[0] == 2, "one that says no more than the position is none"
    checkpoint = _checkpoint(connection, schema)
    state = checkpoint.take_over(2, None)
    assert state is not None and list(state.ahead) == [one, other]
    checkpoint.advance(f"{A}:1-6", 0)
    assert _kept(connection, schema)[0] == 2
    checkpoint.advance(f"{A}:1-8", 0)
    count, selection = _kept(connection, schema)
    assert count == 1 and selection != DIGEST
    checkpoint.advance(f"{A}:1-9", 0)
    assert _kept(connection, schema) == (0, DIGEST), "no different from a job that never had any"


def test_a_take_over_that_finds_a_position_which_has_caught_up_drops_the_note(
    connection: Connection, schema: str
) -> None:
    _begin(connection, schema, _note(f"{A}:1-7", "t"))
    query(connection, "UPDATE udup.checkpoint SET gtids = %s WHERE job = %s AND slot = 1", f"{A}:6-7", schema)
    state = _checkpoint(connection, schema).take_over(2, None)
    assert state is not None and not state.ahead and _kept(connection, schema) == (0, DIGEST)


def test_an_udup_that_does_not_know_notes_refuses_the_checkpoint_until_they_are_gone(
    connection: Connection, schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _begin(connection, schema, _note(f"{A}:1-7", "t"))
    with monkeypatch.context() as older:
        older.setattr(ahead, "has_notes", lambda selection, digest: False)
        with pytest.raises(Refused, match="is not what it was"):
            _checkpoint(connection, schema).take_over(2, None)
    checkpoint = _checkpoint(connection, schema)
    checkpoint.take_over(2, None)
    checkpoint.advance(f"{A}:1-7", 0)
    monkeypatch.setattr(ahead, "has_notes", lambda selection, digest: False)
    assert _checkpoint(connection, schema).take_over(2, None) is not None


def test_a_checkpoint_of_a_version_without_notes_goes_on(connection: Connection, schema: str) -> None:
    query(connection, "DROP TABLE udup.ahead")
    columns = "job, slot, version, gtids, mark, definitions, selection, stamps, source_uuid"
    sql = f"INSERT INTO udup.checkpoint ({columns}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)"
    query(connection, sql, schema, 0, 77 << 40, f"{A}:1-5", A, 3, DIGEST, f"{A}:5@17", A)
    query(connection, sql, schema, 1, 77 << 40, f"{A}:6", "", 0, "", "", "")
    create_tables(connection)
    checkpoint = _checkpoint(connection, schema)
    state = checkpoint.take_over(2, None)
    assert state is not None and str(state.executed) == f"{A}:1-6" and not state.ahead
    assert (state.definitions, state.stamps, state.source_uuid) == (3, f"{A}:5@17", A)
    checkpoint.advance(f"{A}:1-7", 3)
    assert _kept(connection, schema) == (0, DIGEST)


def test_notes_that_somebody_has_removed_are_missed(connection: Connection, schema: str) -> None:
    _begin(connection, schema, _note(f"{A}:1-7", "t"))
    query(connection, "DELETE FROM udup.ahead WHERE job = %s", schema)
    with pytest.raises(Refused, match="ahead of it"):
        _checkpoint(connection, schema).take_over(2, None)


def test_who_was_taken_over_drops_no_note(connection: Connection, schema: str) -> None:
    first = _begin(connection, schema, _note(f"{A}:1-7", "t"))
    _checkpoint(connection, schema).take_over(2, None)
    with pytest.raises(Superseded):
        first.advance(f"{A}:1-7", 0)
    assert _kept(connection, schema)[0] == 1


def test_passing_over_a_transaction_keeps_notes_and_a_purge_takes_them_along(
    connection: Connection, target: MysqlServer, schema: str
) -> None:
    note = _note(f"{A}:1-7", "t")
    _begin(connection, schema, note)
    assert skip(target.endpoint, schema, f"{A}:6", "")
    state = _checkpoint(connection, schema).take_over(2, None)
    assert state is not None and list(state.ahead) == [note]
    assert skip(target.endpoint, schema, f"{A}:7", "")
    state = _checkpoint(connection, schema).take_over(2, None)
    assert state is not None and not state.ahead
    _begin(connection, f"{schema}2", note)
    purge(target.endpoint, f"{schema}2")
    assert scalar(connection, "SELECT COUNT(*) FROM udup.ahead WHERE job = %s", f"{schema}2") == 0
