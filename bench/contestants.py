"""The two that replicate: MySQL's own replica and Udup, with the same questions to both."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence

from pymysql.constants import ER

from bench.servers import WORKERS, executed, pretend_copied, session
from udup.base.endpoint import Endpoint
from udup.base.errors import Transient, UdupError
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import Connection, MySQLError, error_code, query, scalar
from udup.jobs.words import Stage
from udup.sandbox.api import job_document
from udup.sandbox.node import UdupNode
from udup.verify.compare import compare

#: Seconds between two questions for Udup's progress.
POLL_SECONDS = 0.05

#: Seconds between two questions whether the job has failed.
ASK_SECONDS = 2.0


class Contestant(ABC):
    """Brings a target from a GTID set to the source's present and keeps it there."""

    name: str
    key: str  # for names of folders

    @abstractmethod
    def start(self, source: Endpoint, target: Endpoint, base: str, schemas: Sequence[str]) -> None:
        """Replication from `base` on; returns at once."""

    @abstractmethod
    def wait_level(self, wanted: str, deadline: float) -> None:
        """Returns when the target has all of `wanted`; `UdupError` if it has not after `deadline` seconds."""


class Replica(Contestant):
    """CHANGE REPLICATION SOURCE … SOURCE_AUTO_POSITION = 1, WORKERS appliers, commit order preserved (the default)."""

    name = "MySQL's replica"
    key = "replica"

    def start(self, source: Endpoint, target: Endpoint, base: str, schemas: Sequence[str]) -> None:
        self._target = target
        with session(target) as connection:
            query(connection, f"SET GLOBAL replica_parallel_workers = {WORKERS}")
            query(
                connection,
                "CHANGE REPLICATION SOURCE TO SOURCE_HOST = %s, SOURCE_PORT = %s, SOURCE_USER = %s,"
                " SOURCE_PASSWORD = %s, SOURCE_AUTO_POSITION = 1, GET_SOURCE_PUBLIC_KEY = 1",
                source.host,
                source.port,
                source.user,
                source.password,
            )
            query(connection, "START REPLICA")

    def wait_level(self, wanted: str, deadline: float) -> None:
        with session(self._target) as connection:
            if scalar(connection, "SELECT WAIT_FOR_EXECUTED_GTID_SET(%s, %s)", wanted, deadline) == 0:
                return
            errors = query(
                connection,
                "SELECT LAST_ERROR_MESSAGE FROM performance_schema.replication_applier_status_by_worker"
                " WHERE LAST_ERROR_NUMBER UNION SELECT LAST_ERROR_MESSAGE"
                " FROM performance_schema.replication_connection_status WHERE LAST_ERROR_NUMBER",
            )
        raise UdupError(f"the replica did not get level in {deadline:.0f} s: {errors or 'no error shown'}")


class Udup(Contestant):
    """A Udup server that runs already, given a job through REST."""

    name = "Udup"
    key = "udup"

    def __init__(self, node: UdupNode) -> None:
        self.node = node
        self.job_id = ""
        self.config: dict[str, object] = {}

    def start(self, source: Endpoint, target: Endpoint, base: str, schemas: Sequence[str]) -> None:
        self._target = target
        document = job_document("bench", source, target, schemas, gtid=base, workers=WORKERS)
        document["Tasks"][1]["Config"].update(self.config)
        self.job_id = self.node.post_job(document)

    def wait_level(self, wanted: str, deadline: float) -> None:
        """By the checkpoint on the target, which is committed with the rows: the API tells it up to a second later."""
        end = asked = time.monotonic()
        end += deadline
        with session(self._target) as connection:
            while time.monotonic() < end:
                if _is_in_checkpoint(connection, wanted):
                    return
                if time.monotonic() - asked > ASK_SECONDS:
                    asked = time.monotonic()
                    if self._stage() == Stage.FAILED:
                        break
                time.sleep(POLL_SECONDS)
        job = self.node.job(self.job_id)
        raise UdupError(f"Udup did not get level: stage {job.get('Stage')}, {job.get('Progress')}")

    def _stage(self) -> object:
        try:
            return self.node.job(self.job_id).get("Stage")
        except Transient:
            return None  # busy; it is asked again


class UdupByStatements(Udup):
    """The same with rows by statements, as to a target that denies BINLOG."""

    name = "Udup, by statements"
    key = "udup-statements"

    def __init__(self, node: UdupNode) -> None:
        super().__init__(node)
        self.config = {"ApplyMode": "statements"}


def timed(
    contestant: Contestant, source: Endpoint, target: Endpoint, base: str, schema: str, deadline: float
) -> tuple[float, str]:
    """Seconds until a target that has the data of `base` has all that the source has, and whether they are equal."""
    wanted = executed(source)
    pretend_copied(target, base)
    began = time.monotonic()
    contestant.start(source, target, base, [schema])
    contestant.wait_level(wanted, deadline)
    seconds = time.monotonic() - began
    return seconds, compare(source, target, [schema]).report()


def _is_in_checkpoint(connection: Connection, wanted: str) -> bool:
    try:
        rows = query(connection, "SELECT gtids FROM udup.checkpoint WHERE gtids <> ''")
    except MySQLError as error:
        if error_code(error) in (ER.NO_SUCH_TABLE, ER.BAD_DB_ERROR):
            return False  # the job has not come so far
        raise
    applied = GtidSet.parse(",".join(str(row[0]) for row in rows))
    return bool(applied) and GtidSet.parse(wanted) <= applied
