"""A fake server as a target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from udup.base.errors import Unavailable
from udup.drivers.fake.control import FakeControl
from udup.drivers.fake.copy_writer import FakeLoader
from udup.drivers.fake.position import FakePosition
from udup.drivers.fake.server import FakeServer
from udup.drivers.fake.session import FakeApplySession
from udup.pipeline.ports import ControlSettings
from udup.pipeline.ports.tables import TableNames, TablesOnTarget


class FakeCheckpointReader:
    def __init__(self, server: FakeServer, job: str) -> None:
        self._server, self._job = server, job
        self._connection = server.connect("", "checkpoint", "Target.open_checkpoint")

    def executed(self) -> FakePosition | None:
        with self._server.call("CheckpointReader.executed", self._connection):
            return _executed(self._server, self._job)

    def close(self) -> None:
        self._server.end(self._connection)


class FakeTarget:
    def __init__(self, server: FakeServer) -> None:
        self._server = server

    @property
    def where(self) -> str:
        return self._server.name

    def position(self, text: str) -> FakePosition:
        return FakePosition.parse(text)

    def open_control(self, settings: ControlSettings) -> FakeControl:
        return FakeControl(self._server, settings)

    def executed(self, job: str) -> FakePosition | None:
        with self._server.visit("executed", "Target.executed"):
            return _executed(self._server, job)

    def look_at_tables(self, job: str, side: str, names: Sequence[TableNames]) -> TablesOnTarget:
        changed = self._server.jobs.changed
        with self._server.visit("tables", "Target.look_at_tables"):
            kept = changed.of(job)
            found = [
                replace(kept[name.target_schema, name.target_table], schema=name.schema, table=name.table)
                for name in names
                if (name.target_schema, name.target_table) in kept
            ]
            return TablesOnTarget(changed.since_us.get(job, 0), tuple(found))

    def open_checkpoint(self, job: str) -> FakeCheckpointReader:
        return FakeCheckpointReader(self._server, job)

    def open_session(self, job: str, slot: int) -> FakeApplySession:
        return FakeApplySession(self._server, job, slot)

    def open_loader(self, job: str, slot: int, instructions: bytes) -> FakeLoader:
        return FakeLoader(self._server, job, slot, instructions)

    def purge(self, job: str, number: int = 0) -> None:
        server = self._server
        with server.visit("purge", "Target.purge"):
            server.jobs.enter(job, number)
            for each in [each for each in server.connections if each.job == job]:
                server.end_now(each)
            server.jobs.purge(job)
            for name in [name for name, claim in server.claims.items() if claim.job == job]:
                del server.claims[name]

    def settle(self, job: str, gtid: str, *, applied: bool) -> None:
        with self._server.visit("settle", "Target.settle"):
            self._server.jobs.settle(job, gtid, applied=applied)

    def skip(self, job: str, gtid: str, kept: str) -> bool:
        server = self._server
        with server.visit("skip", "Target.skip"):
            if any(each.job == job and each.place == "control" for each in server.connections):
                raise Unavailable(f"cannot pass over {gtid}: job {job} is being carried out")
            for each in [each for each in server.connections if each.job == job]:
                server.end_now(each)
            rows = server.jobs.rows.get(job)
            is_next = rows is not None and kept == f"{rows.mark}:{rows.definitions + 1}"
            skipped = server.jobs.skip(job, gtid, is_next and kept in server.statements_run)
            if skipped:
                server.jobs.forget_kept(job, kept)
                server.committed()
            return skipped


def _executed(server: FakeServer, job: str) -> FakePosition | None:
    """Return what the job's rows say. Under the server's lock."""
    rows = server.jobs.rows.get(job)
    return None if rows is None or rows.is_copying else rows.position()
