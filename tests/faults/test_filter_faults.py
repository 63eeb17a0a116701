"""Kills of a job with row filters, while rows move into and out of them: the target has just the rows that pass."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.faults.conftest import AFTER, BEFORE, JOB, LEVEL_SECONDS, STAGE_SECONDS, Household, kill, wait_for
from udup.base.errors import UdupError
from udup.drivers.mysql.client.connection import MySQLError, connect, query, scalar
from udup.jobs import accept
from udup.sandbox.api import job_document
from udup.sandbox.server import MysqlServer
from udup.verify.compare import compare, wait_level
from udup.verify.sums import samples

SCHEMA = "chosen"

#: Rows of the table at the beginning, and of a chunk of the copy: enough of these to hit it in its middle.
ROWS, CHUNK = 30_000, 100

#: Numbers decide a part of it here, texts are asked of the source.
WHERE = "total % 3 <> 0 AND (region = 'eu' OR note LIKE 'x%')"

TABLES: list[dict[str, str]] = [
    {"TableName": "orders", "Where": WHERE},
    {"TableName": "keyless", "Where": "n BETWEEN 10 AND 90"},
    {"TableName": "beat"},
]


@dataclass
class Writer:
    """Moves rows about on the source until it is ended; a source that is away is tried again."""

    server: MysqlServer
    ended: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def end(self) -> None:
        self.ended.set()
        self._thread.join(30)
        assert not self._thread.is_alive()

    def _work(self) -> None:
        chance = random.Random(5)
        while not self.ended.is_set():
            try:
                with closing(connect(self.server.endpoint, database=SCHEMA)) as connection:
                    while not self.ended.wait(0.005):
                        self._write(connection, chance)
            except (MySQLError, OSError, UdupError):
                self.ended.wait(0.1)

    @staticmethod
    def _write(connection: Any, chance: random.Random) -> None:
        row, number, word = chance.randrange(ROWS), chance.randrange(100), chance.randrange(1, 4)
        statements = [
            f"UPDATE orders SET region = ELT({word}, 'eu', 'EU', 'us') WHERE id BETWEEN {row} AND {row + 5}",
            f"UPDATE orders SET total = total + 1 WHERE id BETWEEN {row} AND {row + 20}",
            f"UPDATE orders SET note = ELT({word}, NULL, 'xyz', 'abc'), total = {number} WHERE id = {row}",
            f"UPDATE IGNORE orders SET id = -id WHERE id IN ({row}, -{row}) ORDER BY id DESC LIMIT 1",
            f"DELETE FROM orders WHERE id = {row}",
            f"INSERT IGNORE INTO orders VALUES ({row}, 'eu', {number}, 'x')",
            f"INSERT INTO keyless VALUES ({number}), ({number}), ({100 - number})",
            f"UPDATE keyless SET n = n + {chance.randrange(-20, 20)} WHERE n = {number} LIMIT 3",
            f"DELETE FROM keyless WHERE n = {number} LIMIT 1",
        ]
        query(connection, "BEGIN")
        for statement in chance.sample(statements, 3):
            query(connection, statement)
        query(connection, "INSERT INTO beat VALUES ()")
        query(connection, "COMMIT")


@dataclass
class Chosen:
    """A job with filters, its writer, and its check."""

    home: Household
    document: dict[str, Any]
    writer: Writer

    def beats(self) -> int:
        with closing(connect(self.home.target.endpoint)) as connection:
            return int(scalar(connection, f"SELECT COUNT(*) FROM {SCHEMA}.beat"))

    def goes_on(self, transactions: int = AFTER) -> None:
        before = self.beats()

        def has_gone_on() -> bool:
            assert self.writer.is_alive, "nobody writes any more"
            job = self.home.node.job(JOB)
            assert job["Stage"] != "failed", job["StatusDescription"]
            return self.beats() >= before + transactions

        wait_for(has_gone_on, 2 * STAGE_SECONDS, f"the job goes on after {before}: {self.home.node.job(JOB)}")

    def check(self) -> None:
        """Every table has what SELECT … WHERE says on the source."""
        self.writer.end()
        source, target = self.home.source.endpoint, self.home.target.endpoint
        assert wait_level(source, self.home.applied, LEVEL_SECONDS), self.home.node.job(JOB)
        comparison = compare(source, target, [SCHEMA], accept(self.document)[0].selection())
        told = samples(source, target, (SCHEMA, "orders"), condition=WHERE) if not comparison.equal else []
        assert comparison.equal, f"{comparison.report()} {told}"
        with closing(connect(source)) as connection:
            chosen = int(scalar(connection, f"SELECT COUNT(*) FROM {SCHEMA}.orders WHERE {WHERE}"))
            all_of_them = int(scalar(connection, f"SELECT COUNT(*) FROM {SCHEMA}.orders"))
        assert 0 < chosen < all_of_them, "some are chosen"


@pytest.fixture
def chosen(home: Household) -> Iterator[Chosen]:
    """The job is posted, and rows are written."""
    home.revive()
    home.begin_anew()
    with closing(connect(home.source.endpoint)) as connection:
        query(connection, f"CREATE DATABASE {SCHEMA}")
        query(connection, f"USE {SCHEMA}")
        query(connection, "CREATE TABLE orders (id INT PRIMARY KEY, region VARCHAR(5), total INT, note VARCHAR(9))")
        query(connection, "CREATE TABLE keyless (n INT)")
        query(connection, "CREATE TABLE beat (id INT AUTO_INCREMENT PRIMARY KEY)")
        query(connection, f"SET cte_max_recursion_depth = {ROWS}")
        numbers = f"WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {ROWS})"
        query(
            connection, f"INSERT INTO orders {numbers} SELECT n, ELT(1 + n % 3, 'eu', 'us', 'EU'), n % 50, 'x' FROM n"
        )
        query(connection, "INSERT INTO keyless SELECT total FROM orders WHERE id < 200")
    document = {**job_document(JOB, home.source.endpoint, home.target.endpoint, [SCHEMA]), "ID": JOB}
    document["Tasks"][0]["Config"] |= {
        "ReplicateDoDb": [{"TableSchema": SCHEMA, "Tables": TABLES}], "ChunkSize": CHUNK
    }  # fmt: skip
    made = Chosen(home, document, Writer(home.source))
    try:
        home.node.post_job(document)
        yield made
    finally:
        made.writer.end()
        home.revive()
        home.node.delete_job(JOB)
        for server in (home.source, home.target):
            with closing(connect(server.endpoint)) as connection:
                query(connection, f"DROP DATABASE IF EXISTS {SCHEMA}")


@pytest.fixture
def following(chosen: Chosen) -> Chosen:
    """The job follows the log."""
    chosen.home.node.wait_stage(JOB, deadline=STAGE_SECONDS)
    chosen.goes_on(BEFORE)
    return chosen


@pytest.fixture
def copying(chosen: Chosen) -> Chosen:
    """A full copy in its middle."""

    def is_halfway() -> bool:
        return int(chosen.home.node.job(JOB)["Progress"].get("copied_rows") or 0) > ROWS // 20

    wait_for(is_halfway, STAGE_SECONDS, "rows are copied")
    return chosen


def _kill(home: Household, what: str) -> None:
    match what:
        case "node":
            home.node.kill()
            wait_for(lambda: not home.node.pids(), 5, "every process of the killed server ends")
            home.node.start()
        case "source" | "target":
            server = home.source if what == "source" else home.target
            server.kill()
            server.restart()
        case _:
            kill(home.pid_of(what))


def test_kills_in_the_log_leave_the_rows_that_pass(following: Chosen) -> None:
    for what in ("worker", "source", "extractor", "node", "applier", "target"):
        if what == "worker":
            following.home.need_a_worker(f"INSERT INTO {SCHEMA}.keyless SELECT 50 FROM {SCHEMA}.orders WHERE id < 9000")
        _kill(following.home, what)
        following.goes_on()
    following.check()


@pytest.mark.parametrize("what", ["applier", "extractor", "node", "source"])
def test_kills_in_the_copy_leave_the_rows_that_pass(copying: Chosen, what: str) -> None:
    _kill(copying.home, what)
    copying.home.node.wait_stage(JOB, deadline=STAGE_SECONDS)
    copying.goes_on(BEFORE)
    copying.check()
