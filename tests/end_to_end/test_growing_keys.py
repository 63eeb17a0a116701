"""Foreign keys, and statements, between tables of a job that stand apart: carried when they are together again."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, closing

from tests.end_to_end.conftest import World, value, wait_for
from tests.end_to_end.growing import begin, document, equal, live, put, writing
from udup.drivers.mysql.apply import ahead
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import connect, query, scalar
from udup.pipeline.positions import AheadNote, AheadNotes
from udup.pipeline.selection.selection import Selection


def _keys(world: World, name: str) -> list[tuple[str, str]]:
    """Return the target's foreign keys."""
    sql = (
        "SELECT TABLE_NAME, REFERENCED_TABLE_NAME FROM information_schema.REFERENTIAL_CONSTRAINTS"
        f" WHERE CONSTRAINT_SCHEMA = '{name}' ORDER BY 1, 2"
    )
    with closing(connect(world.target.endpoint)) as connection:
        return [(str(child), str(parent)) for child, parent in query(connection, sql)]


def _families(world: World, name: str) -> AbstractContextManager[None]:
    """Transactions that make a parent and its child, and take both away again, in orders that a foreign key minds."""

    def write(ends: threading.Event) -> None:
        with closing(connect(world.source.endpoint, autocommit=True)) as connection:
            while not ends.wait(0.004):
                query(connection, f"INSERT INTO {name}.a (n) VALUES (7)")
                made = query(connection, "SELECT LAST_INSERT_ID()")[0][0]
                query(connection, f"INSERT INTO {name}.child (n, a_id) VALUES (1, {made})")
                if made % 3:
                    query(connection, f"DELETE FROM {name}.child WHERE a_id = {made}")
                    query(connection, f"DELETE FROM {name}.a WHERE id = {made}")

    return writing(write)


def test_a_foreign_key_that_only_checks_is_made_when_both_tables_are_joined(world: World, name: str) -> None:
    """The child comes to its parent's job; the parent is loaded again; then the key is dropped."""
    begin(world, name, "a")
    world.on_source(
        f"CREATE TABLE {name}.child (id INT AUTO_INCREMENT PRIMARY KEY, n INT NOT NULL, a_id INT,"
        f" CONSTRAINT of_a FOREIGN KEY (a_id) REFERENCES {name}.a (id))",
        f"INSERT INTO {name}.child (n, a_id) SELECT n, id FROM {name}.a",
    )

    def has_key() -> bool:
        return _keys(world, name) == [("child", "a")]

    with _families(world, name):
        world.post(document(world, name, "a", "child"))
        live(world, name)
        wait_for(has_key, lambda: world.node.job(name))
        assert put(world, f"/v1/job/{name}/tables/{name}.a/reload").status_code == 200
        live(world, name)
        wait_for(has_key, lambda: world.node.job(name))
    assert value(world.target.endpoint, "SELECT COUNT(*) FROM udup.later_key WHERE job = %s", name) == 0
    world.on_source(f"ALTER TABLE {name}.child DROP FOREIGN KEY of_a", f"INSERT INTO {name}.child (n) VALUES (3)")
    equal(world, name, "a", "child")
    assert _keys(world, name) == []


def test_a_key_of_the_target_alone_that_changes_rows_is_told_before_a_reload(world: World, name: str) -> None:
    begin(world, name, "a", "b")
    world.on_target(
        f"ALTER TABLE {name}.b ADD CONSTRAINT own FOREIGN KEY (id) REFERENCES {name}.a (id) ON DELETE CASCADE"
    )
    refused = put(world, f"/v1/job/{name}/reload", table=f"{name}.a")
    assert refused.status_code == 400 and "own of" in refused.text and "DROP FOREIGN KEY `own`" in refused.text
    assert f"udup job reload {name} {name}.b {name}.a" in refused.text
    world.on_target(f"ALTER TABLE {name}.b DROP FOREIGN KEY `own`")
    assert put(world, f"/v1/job/{name}/reload", table=f"{name}.a").status_code == 200
    live(world, name)
    equal(world, name, "a", "b")


def test_a_table_that_is_behind_a_statement_is_loaded_again_by_itself(world: World, name: str) -> None:
    """Two tables are exchanged, of which one has it already: as a copy that was resumed in between leaves them."""
    begin(world, name, "a")
    world.post(world.document(name, [name]))
    live(world, name)
    assert put(world, f"/v1/job/{name}/pause").status_code == 200
    wait_for(lambda: world.node.job(name)["Status"] == "pause", lambda: world.node.job(name))
    world.on_source(
        f"RENAME TABLE {name}.a TO {name}.x, {name}.c TO {name}.a, {name}.x TO {name}.c",
        f"INSERT INTO {name}.a (n) VALUES (-7)",
        f"INSERT INTO {name}.c (n) VALUES (-8)",
    )
    with closing(connect(world.source.endpoint)) as source, closing(connect(world.target.endpoint)) as target:
        rows = query(source, f"SELECT id, n FROM {name}.c")
        query(target, f"DELETE FROM {name}.c")
        query(target, f"INSERT INTO {name}.c (id, n) VALUES " + ", ".join(f"({each[0]}, {each[1]})" for each in rows))
        has = GtidSet.parse(str(scalar(source, "SELECT @@gtid_executed")))
        others = Selection.of([(name, [])]).without(Selection.of([(name, ["a", "b"])]))
        notes = AheadNotes([AheadNote(others, has, objects=True)])
        digest = str(scalar(target, "SELECT selection FROM udup.checkpoint WHERE job = %s AND slot = 0", name))
        ahead.write(target, name, notes)
        sql = "UPDATE udup.checkpoint SET selection = %s WHERE job = %s AND slot = 0"
        query(target, sql, ahead.digest_with(notes, digest), name)
    assert put(world, f"/v1/job/{name}/resume").status_code == 200
    wait_for(lambda: world.node.job(name)["Growing"] is not None, lambda: world.node.job(name))
    assert [each["Table"] for each in world.node.job(name)["Growing"]["Tables"]] == [f"{name}.a"]
    live(world, name)
    equal(world, name, *"abc")
