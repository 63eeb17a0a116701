"""Of two jobs that would write the same table one has it, and the other is told whose it is."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import closing

import pytest

from udup.base.errors import Refused, Transient
from udup.drivers.mysql.apply.claims import Claims
from udup.drivers.mysql.apply.own_tables import create_tables
from udup.drivers.mysql.apply.purge import purge
from udup.drivers.mysql.client.connection import Connection, connect, query
from udup.drivers.mysql.ddl.classify import classify
from udup.drivers.mysql.ddl.statement import Statement
from udup.drivers.mysql.dictionary.claims import read_claims, rings
from udup.pipeline.ownership import Claim, Feed, Known
from udup.sandbox.server import MysqlServer

UUID = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"


@pytest.fixture
def connection(target: MysqlServer) -> Iterator[Connection]:
    with closing(connect(target.endpoint)) as connection:
        create_tables(connection)
        yield connection


@pytest.fixture
def jobs(connection: Connection, schema: str) -> Iterator[tuple[Claims, Claims]]:
    """Two jobs, whose node knows both."""
    names = [f"{schema}-{number}" for number in (1, 2)]
    known = Known("here", frozenset(names))
    one, two = (Claims(name, known, "Dest t", UUID, f"the source of {name}") for name in names)
    yield one, two
    for name in names:
        query(connection, "DELETE FROM udup.claim WHERE job = %s", name)


def _begin(claims: Claims, connection: Connection, schema: str, *tables: str, all_of_them: bool = False) -> None:
    names = {(schema, table): ("s", table) for table in tables}
    claims.begin(connection, names, all_of_them=all_of_them)


def _of(claims: Claims, connection: Connection) -> list[str]:
    return sorted(claim.table[1] for claim in read_claims(connection) if claim.job == claims.job)


def _run(claims: Claims, connection: Connection, schema: str, sql: str) -> None:
    statement = _statement(schema, sql)
    claims.before(connection, statement)
    claims.after(connection, statement)


def _statement(schema: str, sql: str) -> Statement:
    return classify(sql.encode(), schema)


def test_a_table_of_another_job_is_refused_with_the_jobs_name_and_the_statement_that_frees_it(
    connection: Connection, schema: str, jobs: tuple[Claims, Claims]
) -> None:
    one, two = jobs
    _begin(one, connection, schema, "a", "b", "c")
    _begin(one, connection, schema, "a", "b")
    with pytest.raises(Refused) as refused:
        _begin(two, connection, schema, "b", "c", "d")
    text = str(refused.value)
    assert one.job in text and "the source of" in text and f"`{schema}`.`b`, `{schema}`.`c`" in text
    assert f"DELETE FROM udup.claim WHERE job = '{one.job}'" in text
    assert _of(one, connection) == ["a", "b", "c"] and _of(two, connection) == []
    _begin(two, connection, schema, "d", "A")  # another name on a server that tells case apart
    query(connection, f"DELETE FROM udup.claim WHERE job = '{one.job}'")
    _begin(two, connection, schema, "b", all_of_them=True)
    assert _of(two, connection) == ["b"]


def test_names_are_compared_as_the_target_compares_them(
    connection: Connection, schema: str, jobs: tuple[Claims, Claims]
) -> None:
    one, two = jobs
    one.folds = two.folds = True
    _begin(one, connection, schema, "Orders")
    with pytest.raises(Refused, match="orders"):
        _begin(two, connection, schema.upper(), "ORDERS")


def test_definitions_in_the_log_take_the_claims_with_them(
    connection: Connection, schema: str, jobs: tuple[Claims, Claims]
) -> None:
    one, two = jobs
    _begin(one, connection, schema, "a", "b")
    _begin(two, connection, schema, "theirs")
    for _ in range(2):  # a definition that was interrupted is run again
        _run(one, connection, schema, "CREATE TABLE IF NOT EXISTS c (x INT)")
        _run(one, connection, schema, "CREATE TABLE d LIKE a")
        _run(one, connection, schema, "CREATE TABLE e START TRANSACTION")
        _run(one, connection, schema, "ALTER TABLE c ADD y INT")
    assert _of(one, connection) == ["a", "b", "c", "d", "e"]
    _run(one, connection, schema, "RENAME TABLE a TO t, b TO a, t TO b")
    assert _of(one, connection) == ["a", "b", "c", "d", "e"]
    _run(one, connection, schema, "ALTER TABLE c RENAME TO cc")
    _run(one, connection, schema, "DROP TABLE a, d, e")
    assert _of(one, connection) == ["b", "cc"]
    for sql in ("CREATE TABLE theirs (x INT)", "RENAME TABLE b TO theirs", f"DROP DATABASE {schema}"):
        with pytest.raises(Refused, match=two.job):
            one.before(connection, _statement(schema, sql))
    assert _of(one, connection) == ["b", "cc"]
    _run(two, connection, schema, "DROP TABLE theirs")
    _run(one, connection, schema, f"DROP DATABASE {schema}")
    assert _of(one, connection) == []


def test_claims_of_a_job_that_was_deleted_here_are_nobodys_and_those_of_another_nodes_stay(
    connection: Connection, schema: str, jobs: tuple[Claims, Claims]
) -> None:
    one, two = jobs
    _begin(one, connection, schema, "a")
    two.known = Known("here", frozenset({two.job}))
    _begin(two, connection, schema, "a")
    assert _of(one, connection) == [] and _of(two, connection) == ["a"]
    one.known = Known("there", frozenset({one.job}))
    with pytest.raises(Refused, match=two.job):
        _begin(one, connection, schema, "a")


def test_a_purge_takes_the_claims_along(
    target: MysqlServer, connection: Connection, schema: str, jobs: tuple[Claims, Claims]
) -> None:
    _begin(jobs[0], connection, schema, "a")
    purge(target.endpoint, jobs[0].job)
    assert _of(jobs[0], connection) == []
    _begin(jobs[1], connection, schema, "a")


def test_of_two_that_claim_in_the_same_moment_the_server_lets_one(
    target: MysqlServer, connection: Connection, schema: str, jobs: tuple[Claims, Claims]
) -> None:
    one, two = jobs
    with closing(connect(target.endpoint)) as other:
        _begin(one, other, schema, "a")
        with pytest.raises(Transient, match="another job claims"):
            two._add(connection, {(schema, "a"): ("s", "a")})


def _feed(origin: str, table: str, onward: str, *, source: str = UUID, job: str = "back", node: str = "x") -> Feed:
    return Feed(Claim(("s", table), job, source, ("s", origin), "root@b", node), ("s", onward))


def test_a_ring_is_what_comes_back_to_the_table_that_it_left() -> None:
    nobody = Known("x", frozenset())
    ring = [_feed("t", "t", "t", node="y")]
    assert rings(ring, "there", UUID, nobody)
    assert not rings(ring, "there", str(uuid.uuid4()), nobody), "a chain goes on to a third server"
    assert not rings(ring, "back", UUID, nobody), "its own claim"
    assert not rings([_feed("t", "t", "t")], "there", UUID, nobody), "of a job that was deleted here"
    assert not rings([_feed("t", "u", "v", node="y")], "there", UUID, nobody), "another table"
    two_steps = [_feed("t", "u", "v", node="y"), _feed("v", "w", "t", node="y")]
    assert len(rings(two_steps, "there", UUID, nobody)) == 2


def test_a_job_that_came_after_the_run_began_keeps_what_it_has_claimed(
    connection: Connection, schema: str, jobs: tuple[Claims, Claims]
) -> None:
    """A run knows the jobs of its node as of its beginning, and lives for months."""
    one, two = jobs
    one.known = Known("here", frozenset({one.job}))
    _begin(one, connection, schema, "a")
    _begin(two, connection, schema, "b")
    for sql in ("RENAME TABLE a TO b", "CREATE TABLE b (i INT)", f"DROP DATABASE {schema}"):
        with pytest.raises(Refused, match=two.job):
            one.before(connection, _statement(schema, sql))
    assert _of(two, connection) == ["b"]


def test_what_a_deleted_job_of_the_same_node_has_left_is_in_nobodys_way(
    connection: Connection, schema: str, jobs: tuple[Claims, Claims]
) -> None:
    one, two = jobs
    _begin(two, connection, schema, "b")
    query(connection, "UPDATE udup.claim SET since = NOW() - INTERVAL 1 DAY WHERE job = %s", two.job)
    one.known = Known("here", frozenset({one.job}))
    _begin(one, connection, schema, "a")
    one.before(connection, _statement(schema, "RENAME TABLE a TO b"))
    assert _of(two, connection) == [] and _of(one, connection) == ["a", "b"]


def test_a_job_that_has_come_since_is_known_whatever_becomes_of_the_targets_clock(
    connection: Connection, schema: str, jobs: tuple[Claims, Claims]
) -> None:
    """Its claims would be taken for those of a job that is gone, and both would write the table."""
    one, two = jobs
    one.known = Known("here", frozenset({one.job}))  # the other one was made after this run began
    _begin(one, connection, schema, "a")
    query(connection, "SET timestamp = UNIX_TIMESTAMP() - 3600")
    _begin(two, connection, schema, "theirs")
    query(connection, "SET timestamp = DEFAULT")
    with pytest.raises(Refused, match=two.job):
        one.before(connection, _statement(schema, "CREATE TABLE theirs (x INT)"))
    assert _of(two, connection) == ["theirs"]
