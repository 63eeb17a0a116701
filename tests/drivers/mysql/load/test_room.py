"""What a copy finds on the target under the names that it is to make: its own may go, anybody else's stays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from tests.full_copy import catalog_of, run
from udup.base.errors import Refused
from udup.drivers.mysql.apply.checkpoint import Checkpoint
from udup.drivers.mysql.apply.own_tables import create_tables
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import Connection, connect, query
from udup.drivers.mysql.client.sessions import DEFINITION
from udup.drivers.mysql.dictionary.catalog import Catalog
from udup.drivers.mysql.dictionary.present import Present, read_present
from udup.drivers.mysql.load.copied import CopyNotes
from udup.drivers.mysql.load.objects import create_objects, create_schemas
from udup.drivers.mysql.load.objects import create_tables as make_tables
from udup.drivers.mysql.load.room import Room
from udup.sandbox.server import MysqlServer

OBJECTS = (
    "CREATE VIEW v AS SELECT 1 AS a",
    "CREATE PROCEDURE p() SELECT 1",
    "CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 1",
    "CREATE EVENT e ON SCHEDULE EVERY 1 YEAR DO SELECT 1",
)
TRIGGER = "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.a = NEW.a"


@pytest.fixture
def catalog(source: MysqlServer, schema: str) -> Catalog:
    with closing(connect(source.endpoint)) as connection:
        run(connection, f"CREATE DATABASE {schema}", f"USE {schema}", "CREATE TABLE t (a INT)", *OBJECTS, TRIGGER)
    return catalog_of(source.endpoint, schema)


@pytest.fixture
def connection(target: MysqlServer, schema: str, catalog: Catalog) -> Iterator[Connection]:
    with closing(connect(target.endpoint, DEFINITION)) as connection:
        create_tables(connection)
        create_schemas(connection, catalog.schemas)
        query(connection, f"USE {schema}")
        yield connection
        for table in ("copied_table", "copied_object", "checkpoint"):
            query(connection, f"DELETE FROM udup.{table} WHERE job = %s", schema)


def _room(job: str, *, drop: bool = False) -> Room:
    return Room("Dest t", CopyNotes(job), drop)


def _refusal(connection: Connection, room: Room, catalog: Catalog) -> str:
    before = _there(connection, room.notes.job)
    with pytest.raises(Refused) as refused:
        room.make(connection, catalog)
    assert _there(connection, room.notes.job) == before
    return str(refused.value)


def _there(connection: Connection, schema: str) -> dict[str, str]:
    """Kind and definition of everything in the schema."""
    found = {}
    for present, _ in read_present(connection, [schema]):
        shown = query(connection, f"SHOW CREATE {present.kind} `{schema}`.`{present.name}`")[0]
        found[f"{present.kind} {present.name}"] = str(shown)
    return found


def _copy(connection: Connection, room: Room, catalog: Catalog) -> None:
    room.make(connection, catalog)
    make_tables(connection, catalog.tables)
    create_objects(connection, catalog.objects, room.make_for_objects(connection, catalog))


def test_everything_of_somebody_elses_is_refused_at_once_each_with_the_statement_that_removes_it(
    connection: Connection, schema: str, catalog: Catalog
) -> None:
    run(connection, *OBJECTS, "CREATE TABLE other (a INT)", TRIGGER.replace("ON t", "ON other"))
    text = _refusal(connection, _room(schema), catalog)
    for kind, name in (("VIEW", "v"), ("PROCEDURE", "p"), ("FUNCTION", "f"), ("EVENT", "e"), ("TRIGGER", "g")):
        assert f"DROP {kind} `{schema}`.`{name}`" in text, text
    assert text.count("DropTableIfExists") == 5


def test_views_and_tables_are_told_apart(connection: Connection, schema: str, catalog: Catalog) -> None:
    run(connection, "CREATE VIEW t AS SELECT 1 AS a", "CREATE TABLE v (a INT)")
    text = _refusal(connection, _room(schema), catalog)
    assert f"DROP VIEW `{schema}`.`t`" in text and "where the source has a table" in text
    assert f"DROP TABLE `{schema}`.`v`" in text and "where the source has a view" in text
    _copy(connection, _room(schema, drop=True), catalog)
    kinds = {present.name: present.kind for present, _ in read_present(connection, [schema])}
    assert (kinds["t"], kinds["v"]) == ("TABLE", "VIEW")


def test_a_broken_view_in_the_way_is_told_like_any_other(connection: Connection, schema: str, catalog: Catalog) -> None:
    run(connection, "CREATE TABLE gone (a INT)", "CREATE VIEW t AS SELECT a FROM gone", "DROP TABLE gone")
    with pytest.raises(Refused, match=f"DROP VIEW `{schema}`.`t`"):
        _room(schema).make(connection, catalog)


def test_a_copy_that_begins_again_replaces_what_it_has_made_and_nothing_else(
    connection: Connection, schema: str, catalog: Catalog
) -> None:
    _copy(connection, _room(schema), catalog)
    run(connection, "INSERT INTO t VALUES (1)", "CREATE PROCEDURE mine() SELECT 2", "CREATE TABLE own (a INT)")
    query(connection, "DROP PROCEDURE p")
    rest = replace(catalog, objects=tuple(each for each in catalog.objects if each.kind != "FUNCTION"))
    _copy(connection, _room(schema), rest)
    there = _there(connection, schema)
    assert "FUNCTION f" not in there, "what the source has dropped since goes, no log tells of it"
    assert set(there) >= {"TABLE t", "VIEW v", "PROCEDURE p", "EVENT e", "TRIGGER g", "PROCEDURE mine", "TABLE own"}
    assert query(connection, "SELECT * FROM t") == []


def test_what_a_copy_never_came_to_make_is_not_its_own(connection: Connection, schema: str, catalog: Catalog) -> None:
    """A first run that died among its rows; meanwhile somebody has made a procedure of a copied name."""
    room = _room(schema)
    room.make(connection, catalog)
    make_tables(connection, catalog.tables)
    run(connection, "CREATE PROCEDURE p() SELECT 'somebody else''s'")
    with pytest.raises(Refused, match=f"DROP PROCEDURE `{schema}`.`p`"):
        room.make_for_objects(connection, catalog)
    assert f"DROP PROCEDURE `{schema}`.`p`" in _refusal(connection, room, catalog)
    assert "somebody else" in _there(connection, schema)["PROCEDURE p"]


def test_a_trigger_that_would_go_with_an_empty_table_keeps_the_table(
    connection: Connection, schema: str, catalog: Catalog
) -> None:
    run(connection, "CREATE TABLE t (a INT)", TRIGGER.replace("TRIGGER g", "TRIGGER own"))
    text = _refusal(connection, _room(schema), catalog)
    assert f"DROP TRIGGER `{schema}`.`own`" in text


def test_names_of_routines_are_one_whatever_their_case(connection: Connection, schema: str, catalog: Catalog) -> None:
    run(connection, "CREATE PROCEDURE P() SELECT 'theirs'")
    assert f"DROP PROCEDURE `{schema}`.`P`" in _refusal(connection, _room(schema), catalog)


def test_an_empty_table_goes_and_one_with_rows_stays(connection: Connection, schema: str, catalog: Catalog) -> None:
    run(connection, "CREATE TABLE t (b INT)")
    _room(schema).make(connection, catalog)
    assert Present("TABLE", schema, "t") not in dict(read_present(connection, [schema]))
    run(connection, "CREATE TABLE t (b INT)", "INSERT INTO t VALUES (1)")
    _room(schema).make(connection, catalog)  # noted: its own by now
    query(connection, "DELETE FROM udup.copied_table WHERE job = %s", schema)
    run(connection, "CREATE TABLE t (b INT)", "INSERT INTO t VALUES (1)")
    assert "is not empty" in _refusal(connection, _room(schema), catalog)
    assert query(connection, "SELECT b FROM t") == [(1,)]


def test_the_notes_end_with_the_copy(connection: Connection, schema: str, catalog: Catalog) -> None:
    checkpoint = Checkpoint(connection, schema, "all")
    checkpoint.take_over(1, None)
    _copy(connection, _room(schema), catalog)
    checkpoint.write_first(1, GtidSet())
    assert f"DROP PROCEDURE `{schema}`.`p`" in _refusal(connection, _room(schema), catalog)
