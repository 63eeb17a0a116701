"""The recipes of the documentation, run command by command as a reader would, each in the situation that it is for."""

from __future__ import annotations

import json
import shlex
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from tests.end_to_end.conftest import World, forget_settings_of_the_command_line, run, value, wait_for
from tests.recipes import Step, sections, steps
from udup.cli import cli
from udup.drivers.mysql.client.connection import MySQLError, connect, query
from udup.sandbox.api import Json, job_document
from udup.verify.compare import compare

DOCS = Path(__file__).parents[2] / "docs"

#: Every section of these is a recipe.
GUIDES = tuple(DOCS / f"{name}.md" for name in ("moving", "changing", "trouble"))

#: What the documents call the job, its schema, and the job of its way back.
JOB, BACK, OTHER, NEXT = "shop", "shop-back", "crm", "shop-next"

READ_ONLY = "SELECT @@global.read_only + @@global.super_read_only"


@dataclass
class Operator:
    """Somebody who reads the recipes in a folder of their own. `said` holds what the commands have printed so far."""

    world: World
    folder: Path
    variables: dict[str, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    def write(self, file: str, document: Json) -> None:
        (self.folder / file).write_text(json.dumps(document))
        self.world.posted.add(document["ID"])

    def document(self, *tables: str, job: str = JOB, **more: object) -> Json:
        chosen: Json = {"TableSchema": JOB}
        if tables:
            chosen["Tables"] = [{"TableName": table} for table in tables]
        return self.world.document(job, [JOB], src={"ReplicateDoDb": [chosen]}, **more)

    def take(self, step: Step) -> None:
        if step.where == "sh":
            self._call(step)
        else:
            run((self.world.source if step.where == "source" else self.world.target).endpoint, step.text)

    def _call(self, step: Step) -> None:
        text = step.text
        for name, content in self.variables.items():
            text = text.replace(f"${name}", content)
        program, *words = shlex.split(text)
        assert program == "udup" and "$" not in text, text
        environment = {"HOME": str(self.folder), "UDUP_CONFIG": str(self.world.node.config)}
        result = CliRunner().invoke(cli, words, env=environment, prog_name="udup")
        assert result.exit_code == step.exit_code, f"{text} ended with {result.exit_code}:\n{result.output}"
        self.said.append(result.output)

    @property
    def all_said(self) -> str:
        return "\n".join(self.said)


Situation = Callable[[Operator], AbstractContextManager[None]]

#: What each recipe is for: brings it about, lets the recipe run, and looks at what has come of it.
SITUATIONS: dict[str, Situation] = {}


def recipe(title: str) -> Callable[[Callable[[Operator], Iterator[None]]], Situation]:
    def listed(function: Callable[[Operator], Iterator[None]]) -> Situation:
        SITUATIONS[title] = contextmanager(function)
        return SITUATIONS[title]

    return listed


@pytest.fixture
def operator(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Operator]:
    monkeypatch.chdir(tmp_path)
    forget_settings_of_the_command_line(monkeypatch)
    world.on_source(
        f"CREATE DATABASE {JOB}",
        f"CREATE TABLE {JOB}.item (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(20))",
        f"CREATE TABLE {JOB}.sale (id INT PRIMARY KEY)",
        f"CREATE TABLE {JOB}.visit (id INT PRIMARY KEY)",
        f"INSERT INTO {JOB}.item (name) VALUES ('one'), ('two'), ('three')",
    )
    yield Operator(world, tmp_path)
    servers = (world.source, world.target)
    for server in servers:
        run(server.endpoint, "SET GLOBAL super_read_only = OFF", "SET GLOBAL read_only = OFF")
    for job in list(world.posted):
        httpx.delete(f"{world.node.url}/v1/job/{job}?purge=true", timeout=30)
        world.posted.discard(job)
    for server in servers:
        run(server.endpoint, f"DROP DATABASE IF EXISTS {JOB}")


def _begin(operator: Operator, **more: object) -> None:
    """Have the job of this guide run."""
    operator.write("shop.json", document := operator.document(**more))
    operator.world.post(document)
    operator.world.runs(JOB)


def _write_on_target(operator: Operator, *statements: str) -> None:
    """Change the target as somebody would who must not."""
    run(operator.world.target.endpoint, *statements)


def _stage(operator: Operator, job: str = JOB) -> str:
    return str(operator.world.node.job(job)["Stage"])


@contextmanager
def _writer(operator: Operator) -> Iterator[None]:
    """An application that writes to the source for as long as that takes its rows."""
    stopped = threading.Event()

    def write() -> None:
        with closing(connect(operator.world.source.endpoint, None)) as connection:
            number = 0
            while not stopped.wait(0.005):
                number += 1
                try:
                    query(connection, f"INSERT INTO {JOB}.sale VALUES ({number})")
                except MySQLError:
                    return

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


# ---- The recipes ----


@recipe("Wait until the target has everything")
def _wait(operator: Operator) -> Iterator[None]:
    _begin(operator)
    with _writer(operator):
        time.sleep(0.3)
    yield
    operator.world.assert_equal(JOB)


@recipe("Cut over")
def _cut_over(operator: Operator) -> Iterator[None]:
    world = operator.world
    world.on_source(f"CREATE EVENT {JOB}.ticks ON SCHEDULE EVERY 1 DAY DO DELETE FROM {JOB}.visit")
    _begin(operator)
    with _writer(operator):
        yield
    comparison = compare(world.source.endpoint, world.target.endpoint, [JOB])
    assert comparison.definitions == (f"EVENT {JOB}.ticks: enabled on the target",) and not comparison.different
    assert value(world.source.endpoint, READ_ONLY) == 2
    sql = f"SELECT STATUS FROM information_schema.EVENTS WHERE EVENT_SCHEMA = '{JOB}'"
    assert value(world.target.endpoint, sql) == "ENABLED"
    assert _stage(operator) == "completed"


@recipe("Cut over, and back")
def _cut_over_and_back(operator: Operator) -> Iterator[None]:
    world = operator.world
    _begin(operator)
    world.posted.add(BACK)
    with _writer(operator):
        yield
    world.assert_equal(JOB)
    assert (_stage(operator), _stage(operator, BACK)) == ("completed", "completed")
    assert value(world.target.endpoint, READ_ONLY) == 2, "the second server is closed now"
    assert value(world.source.endpoint, READ_ONLY) == 0, "and applications may write to the first one again"
    opens = f"applications may write to {world.source.endpoint} as soon as SET GLOBAL read_only = OFF was run there"
    assert opens in operator.said[-1] and f"{world.source.endpoint} now" not in operator.said[-1]


@recipe("Migrate with little downtime")
def _migrate(operator: Operator) -> Iterator[None]:
    world = operator.world
    operator.write("shop.json", operator.document())
    world.posted.add(BACK)
    yield
    world.assert_equal(JOB)
    assert _stage(operator) == "completed"
    world.runs(BACK)
    assert value(world.source.endpoint, READ_ONLY) == 1, "closed for applications, open for the way back"


@recipe("Upgrade MySQL")
def _upgrade(operator: Operator) -> Iterator[None]:
    operator.write("shop.json", operator.document())
    yield
    operator.world.assert_equal(JOB)


@recipe("Leave MyISAM")
def _leave_myisam(operator: Operator) -> Iterator[None]:
    world = operator.world
    world.on_source(f"CREATE TABLE {JOB}.old (id INT PRIMARY KEY) ENGINE=MyISAM", f"INSERT INTO {JOB}.old VALUES (1)")
    operator.write("innodb.json", operator.document(dest={"Engine": "InnoDB"}))
    yield
    world.on_source(f"INSERT INTO {JOB}.old VALUES (2)")
    world.level(JOB)
    assert value(world.target.endpoint, f"SELECT COUNT(*) FROM {JOB}.old") == 2
    engine = f"SELECT ENGINE FROM information_schema.TABLES WHERE TABLE_SCHEMA = '{JOB}' AND TABLE_NAME = 'old'"
    assert value(world.target.endpoint, engine) == "InnoDB"


@recipe("RDS in and out")
def _rds(operator: Operator) -> Iterator[None]:
    operator.write("shop.json", operator.document())
    yield
    operator.world.assert_equal(JOB)
    assert _stage(operator) == "completed"


@recipe("Migrate, held level")
def _held_level(operator: Operator) -> Iterator[None]:
    operator.write("migration.json", operator.document() | {"Type": "migration", "EndWhen": "finished"})
    yield
    wait_for(lambda: _stage(operator) == "completed", lambda: operator.world.node.job(JOB))
    operator.world.assert_equal(JOB)


@recipe("A server was away")
def _was_away(operator: Operator) -> Iterator[None]:
    world = operator.world
    _begin(operator)
    world.target.stop()

    def reconnects() -> bool:
        return bool(world.node.job(JOB)["Progress"].get("reconnecting"))

    back = threading.Thread(target=world.target.start)
    try:
        world.on_source(f"INSERT INTO {JOB}.sale VALUES (1)")
        wait_for(reconnects, lambda: world.node.job(JOB))
    finally:
        back.start()
    try:
        yield
    finally:
        back.join()
    world.assert_equal(JOB)


@recipe("A copy was killed")
def _was_killed(operator: Operator) -> Iterator[None]:
    world = operator.world
    world.on_source(
        f"CREATE TABLE {JOB}.bill (id INT PRIMARY KEY, text VARCHAR(1000))",
        f"INSERT INTO {JOB}.bill WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 1000)"
        " SELECT n, REPEAT('x', 1000) FROM r",
        *(f"INSERT INTO {JOB}.bill SELECT id + {1000 << each}, text FROM {JOB}.bill" for each in range(4)),
        f"ANALYZE TABLE {JOB}.bill",
    )
    operator.write("shop.json", document := operator.document())
    world.post(document)

    def is_under_way() -> bool:
        with suppress(MySQLError):
            found = value(world.target.endpoint, "SELECT COUNT(*) FROM udup.copied_chunk")
            return bool(found) or _stage(operator) == "running"
        return False

    wait_for(is_under_way, lambda: world.node.job(JOB))
    world.node.kill()
    world.node.end_leftovers()
    world.node.start()
    yield
    world.assert_equal(JOB)


@recipe("A job stands still")
def _stands_still(operator: Operator) -> Iterator[None]:
    world = operator.world
    _begin(operator)
    with closing(connect(world.target.endpoint, None, autocommit=False)) as holder:
        [(session,)] = query(holder, "SELECT CONNECTION_ID()")
        query(holder, f"SELECT * FROM {JOB}.item FOR UPDATE")
        world.on_source(f"UPDATE {JOB}.item SET name = 'other' WHERE id = 1")

        def blocker() -> Json:
            waiting: Json = world.node.job(JOB)["Progress"].get("waiting_for") or {}
            return waiting.get("blocked_by") or {}

        wait_for(lambda: bool(blocker()), lambda: world.node.job(JOB))
        yield
        assert f"session {session}" in operator.all_said, operator.all_said
        query(holder, "ROLLBACK")
    world.level_and_equal(JOB, JOB)


def _diverge(operator: Operator) -> str:
    """Have the job fail at a row that is not on the target; return the GTID of the transaction."""
    _begin(operator)
    _write_on_target(operator, f"DELETE FROM {JOB}.item WHERE id = 2")
    before = operator.world.executed()
    operator.world.on_source(f"UPDATE {JOB}.item SET name = 'changed' WHERE id = 2")
    operator.world.failure(JOB)
    gtid = value(operator.world.source.endpoint, "SELECT GTID_SUBTRACT(@@global.gtid_executed, %s)", before)
    return str(gtid).replace("\n", "")


@recipe("A row differs")
def _row_differs(operator: Operator) -> Iterator[None]:
    gtid = _diverge(operator)
    yield
    said = operator.said[0]
    assert gtid in said, said
    for command in ("repair shop shop.item", "resume shop", "compare shop shop.item", f"skip shop --gtid {gtid}"):
        assert f"udup job {command}" in said, said
    operator.world.level_and_equal(JOB, JOB)


@recipe("Skip a transaction")
def _skip(operator: Operator) -> Iterator[None]:
    operator.variables["GTID"] = gtid = _diverge(operator)
    yield
    assert gtid in operator.said[-1], operator.said[-1]
    assert value(operator.world.target.endpoint, f"SELECT COUNT(*) FROM {JOB}.item WHERE id = 2") == 0


@recipe("Change a running job")
def _change(operator: Operator) -> Iterator[None]:
    _begin(operator)
    wrong = operator.document()
    wrong["Tasks"][1]["Config"]["ConnectionConfig"]["Password"] = "not this one"
    operator.write("wrong.json", wrong)
    operator.write("better.json", operator.document(dest={"ParallelWorkers": 2}))
    yield
    assert "ParallelWorkers" in operator.all_said, operator.all_said
    operator.world.on_source(f"INSERT INTO {JOB}.sale VALUES (1)")
    operator.world.level_and_equal(JOB, JOB)


@recipe("Add a table")
def _add(operator: Operator) -> Iterator[None]:
    operator.world.post(operator.document("item", "sale"))
    operator.world.runs(JOB)
    operator.write("more-tables.json", operator.document("item", "sale", "visit"))
    operator.world.on_source(f"INSERT INTO {JOB}.visit VALUES (1)")
    yield
    operator.world.on_source(f"INSERT INTO {JOB}.visit VALUES (2)")
    operator.world.level_and_equal(JOB, JOB)


@recipe("Reload a table")
def _reload(operator: Operator) -> Iterator[None]:
    _begin(operator)
    _write_on_target(operator, f"DELETE FROM {JOB}.item WHERE id = 2")
    yield
    operator.world.level_and_equal(JOB, JOB)


@recipe("Chain servers")
def _chain(operator: Operator) -> Iterator[None]:
    world = operator.world
    operator.write("first.json", operator.document())
    second = job_document(NEXT, world.target.endpoint, world.source.endpoint, [JOB])
    second["ID"] = NEXT
    second["Tasks"][0]["Config"]["ReplicateDoDb"] = [{"TableSchema": JOB, "TableSchemaRename": "shop_next"}]
    operator.write("second.json", second)
    try:
        yield
        world.on_source(f"INSERT INTO {JOB}.sale VALUES (1)")
        world.level(JOB)
        wait_for(
            lambda: value(world.source.endpoint, "SELECT COUNT(*) FROM shop_next.sale") == 1,
            lambda: world.node.job(NEXT),
        )
    finally:
        httpx.delete(f"{world.node.url}/v1/job/{NEXT}?purge=true", timeout=30)
        run(world.source.endpoint, "DROP DATABASE IF EXISTS shop_next")


@recipe("Fan out")
def _fan_out(operator: Operator) -> Iterator[None]:
    world = operator.world
    operator.write("shop.json", operator.document())
    other = operator.document(job=OTHER)
    other["Tasks"][0]["Config"]["ReplicateDoDb"] = [{"TableSchema": JOB, "TableSchemaRename": "shop_other"}]
    operator.write("other.json", other)
    try:
        yield
        world.on_source(f"INSERT INTO {JOB}.sale VALUES (1)")
        world.level(JOB)
        world.level(OTHER)
        assert value(world.target.endpoint, "SELECT COUNT(*) FROM shop_other.sale") == 1
    finally:
        run(world.target.endpoint, "DROP DATABASE IF EXISTS shop_other")


@recipe("Be gentle to a busy server")
def _gentle(operator: Operator) -> Iterator[None]:
    operator.write("gentle.json", operator.document(dest={"ParallelWorkers": 1}))
    yield
    operator.world.assert_equal(JOB)


@recipe("Fan in")
def _two_jobs(operator: Operator) -> Iterator[None]:
    document = operator.document("item", "sale")
    operator.world.post(document)
    operator.world.runs(JOB)
    operator.write("crm.json", operator.document("visit", job=OTHER))
    again = operator.document("item", job="shop-again", gtid=operator.world.executed())
    (operator.folder / "shop-again.json").write_text(json.dumps(again))
    yield
    assert JOB in operator.said[-1]
    operator.world.runs(OTHER)
    operator.world.on_source(f"INSERT INTO {JOB}.visit VALUES (1)")
    operator.world.level(OTHER)
    operator.world.assert_equal(JOB)


@recipe("Begin again with a copy")
def _again(operator: Operator) -> Iterator[None]:
    _begin(operator, dest={"DropTableIfExists": True})
    _write_on_target(operator, f"DELETE FROM {JOB}.item WHERE id = 2")
    yield
    operator.world.assert_equal(JOB)


@recipe("Begin after a backup")
def _after_a_backup(operator: Operator) -> Iterator[None]:
    world = operator.world
    with closing(connect(world.source.endpoint)) as connection:
        [(file, offset, *_)] = query(connection, "SHOW BINARY LOG STATUS")
    _write_on_target(
        operator,
        f"CREATE DATABASE {JOB}",
        f"CREATE TABLE {JOB}.item (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(20))",
        f"CREATE TABLE {JOB}.sale (id INT PRIMARY KEY)",
        f"CREATE TABLE {JOB}.visit (id INT PRIMARY KEY)",
        f"INSERT INTO {JOB}.item (name) VALUES ('one'), ('two'), ('three')",
    )
    world.on_source(f"UPDATE {JOB}.item SET name = 'since' WHERE id = 2", "FLUSH BINARY LOGS")
    document = operator.document()
    document["Tasks"][0]["Config"] |= {"BinlogFile": file, "BinlogPos": offset}
    operator.write("backup.json", document)
    yield
    assert f"at {file}:{offset}: after" in operator.said[0], operator.said[0]
    world.assert_equal(JOB)


@recipe("Copy now, follow later")
def _copy_now(operator: Operator) -> Iterator[None]:
    operator.write("shop.json", document := operator.document())
    document["Tasks"][0]["Config"]["SkipIncrementalCopy"] = True
    operator.write("copy.json", document)
    with _writer(operator):
        yield
    operator.world.level_and_equal(JOB, JOB)
    assert _stage(operator) == "running"


@recipe("A target with tables of its own")
def _tables_of_its_own(operator: Operator) -> Iterator[None]:
    document = operator.document("item")
    (table,) = document["Tasks"][0]["Config"]["ReplicateDoDb"][0]["Tables"]
    table |= {"ColumnMapFrom": ["id", "name"], "ColumnMapTo": ["nr", "label"]}
    document["Tasks"][1]["Config"] |= {"SkipCreateDbTable": True, "ApproveHeterogeneous": True}
    operator.write("mapped.json", document)
    try:
        yield
        operator.world.on_source(f"INSERT INTO {JOB}.item (name) VALUES ('four')")
        operator.world.level(JOB)
        with closing(connect(operator.world.target.endpoint)) as connection:
            rows = query(connection, f"SELECT * FROM {JOB}.item ORDER BY nr")
        assert rows == [(name, None, nr) for nr, name in enumerate(("one", "two", "three", "four"), start=1)]
    finally:
        operator.world.on_source("SET GLOBAL binlog_row_metadata = 'MINIMAL'")


@recipe("Take Udup's server down")
def _down(operator: Operator) -> Iterator[None]:
    _begin(operator)
    yield
    operator.world.assert_equal(JOB)


# ---- Running them ----


def recipes() -> dict[str, str]:
    """Return the text of every recipe by its title."""
    return {title: text for guide in GUIDES for title, text in sections(guide).items()}


@pytest.mark.parametrize("title", list(SITUATIONS))
def test_a_recipe_does_what_it_says(operator: Operator, title: str) -> None:
    with SITUATIONS[title](operator):
        for step in steps(recipes()[title]):
            operator.take(step)
