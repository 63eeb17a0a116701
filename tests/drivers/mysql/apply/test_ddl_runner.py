"""Definitions without GTIDs on the target: each runs once, and one that was refused runs when it can."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.applied import records, run
from tests.managed import managed_account
from udup.base.endpoint import Endpoint
from udup.base.errors import Divergence, Refused, Superseded, Transient, UdupError
from udup.drivers.mysql.apply import ddl_runner, intents, unsure
from udup.drivers.mysql.apply.checkpoint import Checkpoint
from udup.drivers.mysql.apply.claims import Claims
from udup.drivers.mysql.apply.created_table import drop_unfilled
from udup.drivers.mysql.apply.ddl_runner import DdlRunner
from udup.drivers.mysql.apply.own_tables import create_tables
from udup.drivers.mysql.apply.skip import skip
from udup.drivers.mysql.binlog.event import HEADER_SIZE
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import Connection, connect, query, scalar
from udup.pipeline.ownership import Known
from udup.pipeline.records import Definition
from udup.pipeline.selection.selection import Selection
from udup.sandbox.server import MysqlServer


class Job:
    """One owner of the job at a time; `take_over` begins another run, whose runner knows nothing of the one before."""

    def __init__(self, account: Endpoint, schema: str) -> None:
        self.account, self.name = account, schema
        self.control = connect(account)
        create_tables(self.control)
        intents.prepare(self.control)
        unsure.prepare(self.control, schema)
        self.own = "3e11fa47-71ca-11e1-9e33-c80aa9429562:1"
        self.take_over()

    def take_over(self) -> None:
        self.checkpoint = Checkpoint(self.control, self.name, "", has_intents=True)
        self.checkpoint.take_over(1, GtidSet())
        self.runner = DdlRunner(self.account, self.name, Claims(self.name, Known("here", frozenset()), "Dest"))
        self.runner.notes_intents = True

    def run(self, definition: Definition) -> None:
        self.runner.run(self.control, definition, self.own, self.checkpoint.version, b"", b"")

    @property
    def answer(self) -> str:
        intent = intents.read(self.control, self.name)
        return "none" if intent is None else intent.answer


@pytest.fixture
def job(target: MysqlServer, schema: str) -> Iterator[Job]:
    with managed_account(target) as account:
        made = Job(account, schema)
        yield made
        if made.control.open:
            made.control.close()


@pytest.fixture
def both(source: MysqlServer, target: MysqlServer, schema: str) -> str:
    for server in (source, target):
        run(server.endpoint, f"CREATE DATABASE {schema}", f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, a INT)")
    return schema


def _definition(source: MysqlServer, schema: str, *statements: str) -> Definition:
    """Return the last of these, as the log has it."""
    made = records(source.endpoint, run(source.endpoint, *statements), Selection.of([(schema, [])]))
    return [each for each in made if isinstance(each, Definition)][-1]


def _number(server: MysqlServer, sql: str) -> int:
    with closing(connect(server.endpoint)) as connection:
        return int(scalar(connection, sql))


def _die_behind(monkeypatch: pytest.MonkeyPatch, job: Job, definition: Definition) -> None:
    """Run it, and have the connection break when it has run."""
    run_ddl = ddl_runner.run_ddl

    def dies(*args: object) -> None:
        run_ddl(*args)  # type: ignore[arg-type]
        raise Transient("the connection is lost")

    with monkeypatch.context() as patch, pytest.raises(Transient):
        patch.setattr(ddl_runner, "run_ddl", dies)
        job.run(definition)


def test_a_statement_is_not_sent_to_another_server_than_the_one_that_fences_it(
    source: MysqlServer, job: Job, both: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One address may lead to several: what is noted on one proves nothing on the other."""
    definition = _definition(source, both, f"ALTER TABLE {both}.t ADD INDEX k (a)")
    monkeypatch.setattr(ddl_runner, "connect", lambda _, session: connect(source.endpoint, session))
    with pytest.raises(Transient, match="leads to two servers"):
        job.run(definition)
    assert job.answer == "none"


@pytest.mark.parametrize(
    ("statement", "in_the_way", "fix", "there"),
    [
        (
            "CREATE TABLE {s}.n (id INT, b INT)",
            "CREATE TABLE {s}.n (id INT)",
            "DROP TABLE {s}.n",
            "SELECT COUNT(*) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = '{s}' AND TABLE_NAME = 'n'"
            " AND COLUMN_NAME = 'b'",
        ),
        (
            "ALTER TABLE {s}.t ADD INDEX k (id, a)",
            "ALTER TABLE {s}.t ADD INDEX k (a)",
            "ALTER TABLE {s}.t DROP INDEX k",
            "SELECT COUNT(*) - 1 FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = '{s}' AND INDEX_NAME = 'k'",
        ),
        (
            "ALTER TABLE {s}.t ADD UNIQUE KEY u (a)",
            "INSERT INTO {s}.t VALUES (1, 1), (2, 1)",
            "DELETE FROM {s}.t; OPTIMIZE TABLE {s}.t",
            "SELECT COUNT(*) FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = '{s}' AND INDEX_NAME = 'u'",
        ),
    ],
)
def test_what_was_refused_runs_when_it_was_made_possible(
    source: MysqlServer, target: MysqlServer, job: Job, both: str, statement: str, in_the_way: str, fix: str, there: str
) -> None:
    definition = _definition(source, both, statement.format(s=both))
    run(target.endpoint, in_the_way.format(s=both))
    for _ in range(2):
        with pytest.raises(UdupError):
            job.run(definition)
        assert job.answer == intents.NOT_APPLIED
        job.take_over()
    run(target.endpoint, *fix.format(s=both).split("; "))
    job.run(definition)
    assert _number(target, there.format(s=both)) == 1
    job.take_over()
    job.run(definition)  # seen by its objects: nobody has refused it


def test_a_part_of_what_was_refused_makes_somebody_be_asked(
    source: MysqlServer, target: MysqlServer, job: Job, both: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What undoes nothing may have done a part of it, which no state can tell."""
    definition = _definition(source, both, f"ALTER TABLE {both}.t ADD COLUMN b INT")
    run(target.endpoint, f"ALTER TABLE {both}.t ADD COLUMN b INT")
    state_of, calls = ddl_runner.state_of, iter(range(9))

    def changed(*args: object) -> object:
        if next(calls) == 1:
            run(target.endpoint, f"ALTER TABLE {both}.t ADD COLUMN c INT")
        return state_of(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(ddl_runner, "state_of", changed)
    with pytest.raises(Divergence):
        job.run(definition)
    job.take_over()
    with pytest.raises(Divergence, match=f"udup job settle {both}"):
        job.run(definition)
    unsure.settle(job.account, both, definition.id.gtid.upper(), applied=True)
    job.run(definition)


def test_an_answer_is_taken_where_somebody_was_asked(
    source: MysqlServer, job: Job, both: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that came too early would count for the next crash."""
    definition = _definition(source, both, f"TRUNCATE TABLE {both}.t")
    _die_behind(monkeypatch, job, definition)
    with pytest.raises(Refused, match="nothing of job"):
        unsure.settle(job.account, both, definition.id.gtid, applied=True)


def test_one_that_failed_on_the_source_and_not_here_is_done_when_it_was_told(
    source: MysqlServer, target: MysqlServer, job: Job, both: str
) -> None:
    definition = _definition(source, both, f"CREATE TABLE {both}.n (id INT)")
    code = HEADER_SIZE + 9  # behind the thread, the seconds that it took, and the length of the schema's name
    query_event = definition.query[:code] + struct.pack("<H", 1064) + definition.query[code + 2 :]
    failed = Definition(definition.id, query_event, definition.summary)
    with pytest.raises(Divergence, match="succeeded on the target"):
        job.run(failed)
    run(target.endpoint, f"DROP TABLE {both}.n")
    job.take_over()
    job.run(failed)
    assert _number(target, f"SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = '{both}'") == 1


def test_a_run_that_was_frozen_before_its_connection_stood_runs_nothing_behind_its_successor(
    source: MysqlServer, target: MysqlServer, job: Job, both: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    definition = _definition(source, both, f"TRUNCATE TABLE {both}.t")
    open_one = ddl_runner.connect

    def freezes(endpoint: Endpoint, session: object) -> Connection:
        monkeypatch.setattr(ddl_runner, "connect", open_one)
        successor = Job(job.account, both)
        successor.run(definition)
        run(target.endpoint, f"INSERT INTO {both}.t VALUES (1, 1)")
        successor.control.close()
        return open_one(endpoint, session)  # type: ignore[arg-type]

    monkeypatch.setattr(ddl_runner, "connect", freezes)
    with pytest.raises(Superseded):
        job.run(definition)
    assert _number(target, f"SELECT COUNT(*) FROM {both}.t") == 1


def test_skipping_forgets_what_was_noted(
    source: MysqlServer, target: MysqlServer, job: Job, both: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    definition = _definition(source, both, f"ALTER TABLE {both}.t ADD COLUMN b INT")
    other = "3e11fa47-71ca-11e1-9e33-c80aa9429562:7"
    _die_behind(monkeypatch, job, definition)
    run(target.endpoint, f"CREATE TABLE {both}.half (id INT)", f"CREATE TABLE {both}.other (id INT)")
    intents.note_made(job.control, both, intents.Made(both, "half", f"{other},{definition.id.gtid}"))
    job.control.close()
    assert skip(job.account, both, definition.id.gtid, "")
    with closing(connect(job.account)) as connection:
        assert query(connection, "SELECT kind FROM udup.intent WHERE job = %s", both) == []
        intents.note_made(connection, both, intents.Made(both, "other", other))
        assert skip(job.account, both, definition.id.gtid[:-1] + "999999", "")
        drop_unfilled(connection, both)
    tables = f"SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = '{both}' AND TABLE_NAME = "
    assert _number(target, f"{tables}'half'") == 1 and _number(target, f"{tables}'other'") == 0


def test_what_is_noted_goes_with_a_checkpoint_that_was_deleted_by_hand(
    source: MysqlServer, job: Job, both: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _die_behind(monkeypatch, job, _definition(source, both, f"ALTER TABLE {both}.t ADD COLUMN b INT"))
    query(job.control, "DELETE FROM udup.checkpoint WHERE job = %s", both)
    job.take_over()
    assert job.answer == "none"
