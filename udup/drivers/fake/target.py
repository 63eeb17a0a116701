"""A fake server as a target."""

from __future__ import annotations

from udup.drivers.fake.control import FakeControl
from udup.drivers.fake.copy_writer import FakeLoader
from udup.drivers.fake.position import FakePosition
from udup.drivers.fake.server import FakeServer
from udup.drivers.fake.session import FakeApplySession
from udup.pipeline.ports import ControlSettings


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

    def open_session(self, job: str, slot: int) -> FakeApplySession:
        return FakeApplySession(self._server, job, slot)

    def open_loader(self, job: str, slot: int, instructions: bytes) -> FakeLoader:
        return FakeLoader(self._server, job, slot, instructions)

    def purge(self, job: str) -> None:
        connection = self._server.connect("", "purge", "Target.purge connect")
        try:
            with self._server.call("Target.purge", connection):
                for each in [each for each in self._server.connections if each.job == job]:
                    self._server.end_now(each)
                self._server.jobs.purge(job)
                for name in [name for name, claim in self._server.claims.items() if claim.job == job]:
                    del self._server.claims[name]
        finally:
            self._server.end(connection)

    def settle(self, job: str, gtid: str, *, applied: bool) -> None:
        connection = self._server.connect("", "settle", "Target.settle connect")
        try:
            with self._server.call("Target.settle", connection):
                self._server.jobs.settle(job, gtid, applied=applied)
        finally:
            self._server.end(connection)
