"""`ports.Drivers` for servers in memory: an end's host is the name of a registered server."""

from __future__ import annotations

from udup.base.endpoint import Endpoint
from udup.base.errors import Fault, Refused, UdupError
from udup.drivers.fake.gates import FakeSourceGate, FakeTargetGate
from udup.drivers.fake.position import FakePosition
from udup.drivers.fake.server import FakeServer, server_named
from udup.drivers.fake.source import FakeSource
from udup.drivers.fake.target import FakeTarget
from udup.pipeline.checks import DEST, SRC, Check, Outcome
from udup.pipeline.ownership import Known
from udup.pipeline.ports import (
    DeliveryPlan,
    Destination,
    Drivers,
    End,
    JobPlan,
    RecordReader,
    ServerInfo,
    Source,
    SourceGate,
    SourceLook,
    Target,
    TargetGate,
)
from udup.pipeline.ports.compare import ComparePlan, Comparer, Ledger
from udup.pipeline.ports.inspect import Grants, Inspector
from udup.pipeline.ports.rows import Rows
from udup.pipeline.selection.selection import Selection

#: The name of the driver, as an `End` has it.
FAKE = "fake"


def end_of(server: FakeServer) -> End:
    return End(FAKE, Endpoint(server.name, 0, FAKE, ""))


class FakeDrivers(Drivers):
    """Holds nothing, so that it can be pickled; servers are found in the process that asks."""

    def share_logs(self) -> None:
        """Do nothing: a log in memory costs nothing to read."""

    def source(self, end: End) -> Source:
        return FakeSource(_server(end))

    def target(self, end: End) -> Target:
        return FakeTarget(_server(end))

    def delivers(self, end: End) -> bool:
        return False

    def destination(self, end: End) -> Destination:
        raise Refused([Fault("Driver", f"there is no destination {end.driver!r}")])

    def reader(self, end: End, plan: DeliveryPlan) -> RecordReader:
        raise Refused([Fault("Driver", f"nothing reads the records of {end.driver!r}")])

    def delivery_faults(self, source: str, target: str, plan: DeliveryPlan) -> list[Fault]:
        return []

    def comparer(self, source: End, target: End, selection: Selection, plan: ComparePlan) -> Comparer:
        raise Refused([Fault("Driver", "servers in memory are compared by their tests")])

    def ledger(self, target: End, job: str) -> Ledger:
        raise Refused([Fault("Driver", "servers in memory are compared by their tests")])

    def inspector(self, end: End) -> Inspector:
        raise Refused([Fault("Driver", "servers in memory are looked at by their tests")])

    def grants(self, plan: JobPlan, source_version: str, target_version: str) -> tuple[Grants, Grants]:
        return Grants(note="servers in memory have no accounts"), Grants(note="servers in memory have no accounts")

    def rows(self, source: End, target: End, selection: Selection, job: str) -> Rows:
        raise Refused([Fault("Driver", "servers in memory are compared by their tests")])

    def look_to_wire(self, end: End, look: SourceLook) -> bytes:
        raise Refused([Fault("Driver", "a server in memory is not on another node")])

    def look_from_wire(self, end: End, data: bytes) -> SourceLook:
        raise Refused([Fault("Driver", "a server in memory is not on another node")])

    def source_gate(self, end: End) -> SourceGate:
        return FakeSourceGate(_server(end))

    def target_gate(self, end: End) -> TargetGate:
        return FakeTargetGate(_server(end))

    def start_faults(
        self, plan: JobPlan, source: SourceLook | None, target: ServerInfo | None, start_after: str | None, known: Known
    ) -> list[Fault]:
        faults = list(source.faults) if source is not None else []
        if source is not None and target is not None and source.info.uuid == target.uuid:
            faults.append(Fault("Dest", "is the server that is copied from"))
        for feed in source.feeds if source is not None else ():
            if target is not None and feed.claim.source_uuid == target.uuid and not known.is_gone(feed.claim):
                faults.append(Fault("Src", f"{'.'.join(feed.claim.table)} is brought from the target: a ring"))
        if start_after is not None and source is not None:
            server = _server(plan.source)
            missing = FakePosition.parse(start_after).of(server.uuid) - server.log.executed
            if missing:
                faults.append(Fault("Src", f"has never executed {missing}"))
        return faults

    def warnings(self, plan: JobPlan, source: ServerInfo, target: ServerInfo) -> list[str]:
        return []

    def validate(self, plan: JobPlan, known: Known) -> list[Check]:
        checks = []
        for task, end in ((SRC, plan.source), (DEST, plan.target)):
            try:
                server = _server(end)
                found = [fault.problem for fault in server.settings.faults]
                server.end(server.connect("", "validate", "Drivers.validate"))
            except UdupError as error:
                found = [str(error)]
            checks += [Check(task, "server", Outcome.FAIL, each) for each in found]
            checks += [] if found else [Check(task, "server", Outcome.PASS, end.endpoint.host)]
        return checks


def _server(end: End) -> FakeServer:
    server = server_named(end.endpoint.host) if end.driver == FAKE else None
    if server is None:
        raise Refused([Fault("Driver", f"there is no {end.driver} server {end.endpoint.host!r}")])
    return server
