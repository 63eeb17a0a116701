"""Which drivers there are, and between which of them jobs run: the only place of the running server that imports them.

A driver offers sources or targets or both; what two servers must be to each other is told by pair (`_PAIRS`). The
driver in memory (`drivers/fake/`) is not here, so no job's document leads to it.

The node makes the registry before it forks its actors, so that they share the memory of what is imported here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module

from udup.base import runtime
from udup.base.endpoint import Endpoint
from udup.base.errors import Fault, Refused
from udup.drivers.messages.sink_checks import sink_checks
from udup.drivers.mysql.checks import start, subscription
from udup.drivers.mysql.checks.grants import source_grants, target_grants
from udup.drivers.mysql.checks.inspector import MySQLInspector
from udup.drivers.mysql.checks.validate import validate, validate_target
from udup.drivers.mysql.compare.catching_up import MySQLCatchUp
from udup.drivers.mysql.compare.comparer import MySQLComparer
from udup.drivers.mysql.compare.ledger import MySQLLedger
from udup.drivers.mysql.compare.repairer import MySQLRepairer
from udup.drivers.mysql.compare.row_look import MySQLRows
from udup.drivers.mysql.cutover.source_gate import MySQLSourceGate
from udup.drivers.mysql.cutover.target_gate import MySQLTargetGate
from udup.drivers.mysql.look_on_wire import look_from_wire, look_to_wire
from udup.drivers.mysql.source import MySQLSource
from udup.drivers.mysql.stream.sharing import SHARING
from udup.drivers.mysql.target import MySQLTarget
from udup.drivers.oracle import checks as of_oracle
from udup.drivers.oracle.source import OracleSource
from udup.drivers.oracle.source import look_from_wire as oracle_look_from_wire
from udup.drivers.oracle.source import look_to_wire as oracle_look_to_wire
from udup.pipeline.checks import BOTH, DEST, SRC, Check, Outcome
from udup.pipeline.ownership import Known
from udup.pipeline.ports import (
    ApplyMode,
    DeliveryPlan,
    Destination,
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

#: The names of drivers as a job's document has them.
MYSQL, ORACLE, NATS, KAFKA = "MySQL", "Oracle", "NATS", "Kafka"


@dataclass(frozen=True)
class _Pair:
    """What a source's driver and a target's have to say of each other; the methods of `Drivers` of these names."""

    start_faults: Callable[[JobPlan, SourceLook | None, ServerInfo | None, str | None, Known], list[Fault]]
    warnings: Callable[[JobPlan, ServerInfo, ServerInfo], list[str]]
    validate: Callable[[JobPlan, Known], list[Check]]


def _nats(plan: DeliveryPlan) -> Destination:
    from udup.drivers.messages.sinks import nats_destination  # a job to it alone needs its client library

    return nats_destination(plan)


def _kafka(plan: DeliveryPlan) -> Destination:
    from udup.drivers.messages.sinks import kafka_destination

    return kafka_destination(plan)


def _nats_faults(plan: DeliveryPlan) -> list[Fault]:
    from udup.drivers.messages.sinks import nats_faults

    return nats_faults(plan)


def _kafka_faults(plan: DeliveryPlan) -> list[Fault]:
    from udup.drivers.messages.sinks import kafka_faults

    return kafka_faults(plan)


def _mysql_rows(endpoint: Endpoint, plan: DeliveryPlan) -> RecordReader:
    from udup.drivers.mysql.rowtext.reader import open_reader  # loads its compiled part

    return open_reader(endpoint, plan)


def _validate_delivery(plan: JobPlan, known: Known) -> list[Check]:
    """Return every check of a job that delivers messages: of its source, and of its sink."""
    return _with_sink(plan, subscription.validate(plan))


def _with_sink(plan: JobPlan, checks: list[Check]) -> list[Check]:
    try:
        destination = Registry().destination(plan.target)
    except Refused as refused:
        found = [(f"{each.where}: {each.problem}", each.remedy) for each in refused.faults]
        return [*checks, *(Check(DEST, "settings", Outcome.FAIL, *each) for each in found)]
    return [*checks, *sink_checks(destination, plan.job, plan.target)]


def _validate_oracle(plan: JobPlan, known: Known) -> list[Check]:
    return [*of_oracle.validate_source(Registry().source(plan.source), plan), *validate_target(plan)]


def _oracle_delivery_faults(
    plan: JobPlan, source: SourceLook | None, target: ServerInfo | None, start_after: str | None, known: Known
) -> list[Fault]:
    found = of_oracle.start_faults(plan, source, target, start_after, known)
    return found if source is None else [*found, *subscription.option_faults(plan)]


def _validate_oracle_delivery(plan: JobPlan, known: Known) -> list[Check]:
    of_source = of_oracle.validate_source(Registry().source(plan.source), plan)
    return _with_sink(plan, [*of_source, *subscription.option_checks(plan)])


_SOURCES: Mapping[str, Callable[[End], Source]] = {
    MYSQL: lambda end: MySQLSource(end.endpoint),
    ORACLE: lambda end: OracleSource(end.endpoint, dict(end.settings)),
}

#: A look at a source as another node is told of it: written, and read.
_LOOKS: Mapping[str, tuple[Callable[[SourceLook], bytes], Callable[[bytes], SourceLook]]] = {
    MYSQL: (look_to_wire, look_from_wire),
    ORACLE: (oracle_look_to_wire, oracle_look_from_wire),
}

_TARGETS: Mapping[str, Callable[[Endpoint, ApplyMode], Target]] = {MYSQL: MySQLTarget}

_SOURCE_GATES: Mapping[str, Callable[[Endpoint], SourceGate]] = {MYSQL: MySQLSourceGate}

_TARGET_GATES: Mapping[str, Callable[[Endpoint], TargetGate]] = {MYSQL: MySQLTargetGate}

_COMPARERS: Mapping[tuple[str, str], Callable[[Endpoint, Endpoint, Selection, ComparePlan], Comparer]] = {
    (MYSQL, MYSQL): MySQLComparer
}

_REPAIRERS: Mapping[tuple[str, str], Callable[[Endpoint, Endpoint, Selection, ComparePlan], Comparer]] = {
    (MYSQL, MYSQL): MySQLRepairer
}

_CATCHING_UP: Mapping[tuple[str, str], Callable[[Endpoint, Endpoint, Selection, ComparePlan], Comparer]] = {
    (MYSQL, MYSQL): MySQLCatchUp
}

_LEDGERS: Mapping[str, Callable[[Endpoint, str], Ledger]] = {MYSQL: MySQLLedger}

_INSPECTORS: Mapping[str, Callable[[Endpoint], Inspector]] = {MYSQL: MySQLInspector}

_SOURCE_GRANTS: Mapping[str, Callable[[JobPlan, str], Grants]] = {MYSQL: source_grants}
_TARGET_GRANTS: Mapping[str, Callable[[JobPlan, str], Grants]] = {MYSQL: target_grants}

#: Where it is said what accounts need that are not made by these statements.
_NO_GRANTS = {
    ORACLE: "what an account of Oracle needs is in docs/oracle.md",
    NATS: "what a user of another NATS server needs is in docs/subscription-nats.md",
    KAFKA: "what a principal of Kafka needs is in docs/subscription-kafka.md",
}

#: What imports the driver of a sink and makes it: each brings a client library of its own.
_DESTINATIONS: Mapping[str, Callable[[DeliveryPlan], Destination]] = {NATS: _nats, KAFKA: _kafka}

#: What a job to a sink loads, the client library among it.
_LOADED_LATE = tuple(f"udup.drivers.messages.{name}" for name in ("sinks", "nats.destination", "kafka.destination"))

#: Rows travel as events of MySQL's, whatever database they come from.
_READERS: Mapping[str, Callable[[Endpoint, DeliveryPlan], RecordReader]] = {MYSQL: _mysql_rows, ORACLE: _mysql_rows}

#: What speaks against a plan of messages without a server: how values look, by source; all else, by sink.
_VALUES: Mapping[str, Callable[[DeliveryPlan], list[Fault]]] = {
    MYSQL: subscription.value_faults,
    ORACLE: subscription.value_faults,
}

_SINKS: Mapping[str, Callable[[DeliveryPlan], list[Fault]]] = {NATS: _nats_faults, KAFKA: _kafka_faults}

_DELIVERED = _Pair(subscription.start_faults, subscription.warnings, _validate_delivery)

_DELIVERED_FROM_ORACLE = _Pair(_oracle_delivery_faults, of_oracle.warnings, _validate_oracle_delivery)

_PAIRS: Mapping[tuple[str, str], _Pair] = {
    (MYSQL, MYSQL): _Pair(start.start_faults, start.warnings, validate),
    (MYSQL, NATS): _DELIVERED,
    (MYSQL, KAFKA): _DELIVERED,
    (ORACLE, MYSQL): _Pair(of_oracle.start_faults, of_oracle.warnings, _validate_oracle),
    (ORACLE, NATS): _DELIVERED_FROM_ORACLE,
    (ORACLE, KAFKA): _DELIVERED_FROM_ORACLE,
}


@dataclass(frozen=True)
class Registry:
    """The `Drivers` of a node (`pipeline/ports/`). It holds nothing, so it travels to actors as its name.

    Every method raises `Refused` for a driver that is not known, and for two that do not go together.
    """

    def load(self) -> None:
        """Load what is otherwise loaded when a job needs it: the processes that a node forks share it then."""
        for name in _LOADED_LATE:
            import_module(name)

    def share_logs(self) -> None:
        SHARING.turn_on()

    def source(self, end: End) -> Source:
        _check_known(end, SRC, _SOURCES)
        return _SOURCES[end.driver](end)

    def target(self, end: End) -> Target:
        if self.delivers(end):
            raise Refused([_no_database(end)])
        _check_known(end, DEST, _TARGETS)
        return _TARGETS[end.driver](end.endpoint, end.apply_mode)

    def delivers(self, end: End) -> bool:
        return end.driver in _DESTINATIONS

    def destination(self, end: End) -> Destination:
        _check_known(end, DEST, _DESTINATIONS)
        return _DESTINATIONS[end.driver](_delivery_of(end))

    def reader(self, end: End, plan: DeliveryPlan) -> RecordReader:
        _check_known(end, SRC, _READERS)
        return _READERS[end.driver](end.endpoint, plan)

    def delivery_faults(self, source: str, target: str, plan: DeliveryPlan) -> list[Fault]:
        found = [fault for judge in (_VALUES[source], _SINKS[target]) for fault in judge(plan)]
        return list({fault.where: fault for fault in reversed(found)}.values())[::-1]

    def source_gate(self, end: End) -> SourceGate:
        if end.driver == ORACLE:
            raise Refused([_NO_GATE])
        _check_known(end, SRC, _SOURCE_GATES)
        return _SOURCE_GATES[end.driver](end.endpoint)

    def target_gate(self, end: End) -> TargetGate:
        if self.delivers(end):
            raise Refused([_no_database(end)])
        _check_known(end, DEST, _TARGET_GATES)
        return _TARGET_GATES[end.driver](end.endpoint)

    def comparer(self, source: End, target: End, selection: Selection, plan: ComparePlan) -> Comparer:
        if (source.driver, target.driver) not in _COMPARERS:
            problem = f"a source of {source.driver} and a target of {target.driver} cannot be compared"
            raise Refused([Fault("Driver", problem, "compare jobs from MySQL to MySQL", BOTH)])
        made = _COMPARERS if not plan.repairs else _CATCHING_UP if plan.stands_still else _REPAIRERS
        return made[source.driver, target.driver](source.endpoint, target.endpoint, selection, plan)

    def ledger(self, target: End, job: str) -> Ledger:
        _check_known(target, DEST, _LEDGERS)
        return _LEDGERS[target.driver](target.endpoint, job)

    def inspector(self, end: End) -> Inspector:
        _check_known(end, SRC, _INSPECTORS)
        return _INSPECTORS[end.driver](end.endpoint)

    def grants(self, plan: JobPlan, source_version: str, target_version: str) -> tuple[Grants, Grants]:
        source = _SOURCE_GRANTS.get(plan.source.driver, _no_grants(plan.source))
        target = _TARGET_GRANTS.get(plan.target.driver, _no_grants(plan.target))
        with runtime.Pool(2, "grants") as pool:  # each may wait for its server
            asked = pool.submit(source, plan, source_version), pool.submit(target, plan, target_version)
            return asked[0].result(), asked[1].result()

    def rows(self, source: End, target: End, selection: Selection, job: str) -> Rows:
        if (source.driver, target.driver) != (MYSQL, MYSQL):
            problem = f"rows of a source of {source.driver} and a target of {target.driver} are not compared"
            raise Refused([Fault("Driver", problem, "ask for a job from MySQL to MySQL", BOTH)])
        return MySQLRows(source.endpoint, target.endpoint, selection, job)

    def look_to_wire(self, end: End, look: SourceLook) -> bytes:
        _check_known(end, SRC, _LOOKS)
        return _LOOKS[end.driver][0](look)

    def look_from_wire(self, end: End, data: bytes) -> SourceLook:
        _check_known(end, SRC, _LOOKS)
        return _LOOKS[end.driver][1](data)

    def start_faults(
        self, plan: JobPlan, source: SourceLook | None, target: ServerInfo | None, start_after: str | None, known: Known
    ) -> list[Fault]:
        try:
            pair = _pair(plan)
        except Refused as refused:
            return list(refused.faults)
        return pair.start_faults(plan, source, target, start_after, known)

    def warnings(self, plan: JobPlan, source: ServerInfo, target: ServerInfo) -> list[str]:
        return _pair(plan).warnings(plan, source, target)

    def validate(self, plan: JobPlan, known: Known) -> list[Check]:
        return _pair(plan).validate(plan, known)


def _check_known(end: End, task: str, drivers: Mapping[str, object]) -> None:
    if end.driver not in drivers:
        raise Refused([Fault("Driver", f"there is no driver {end.driver!r}", f"write {_any_of(drivers)}", task)])


_NO_GATE = Fault(
    "Driver",
    "a cut-over cannot close an Oracle source",
    "stop its applications, wait until the job is level, and pause it; then open the target by hand",
    SRC,
)


def _no_grants(end: End) -> Callable[[JobPlan, str], Grants]:
    return lambda _plan, _version: Grants(note=_NO_GRANTS.get(end.driver, ""))


def _no_database(end: End) -> Fault:
    remedy = "ask for it in a job to a database; a subscription goes on by itself where its destination stands"
    return Fault("Driver", f"{end.driver} takes messages and is no database", remedy, DEST)


def _delivery_of(end: End) -> DeliveryPlan:
    if end.delivery is None:
        raise Refused([Fault("Driver", f"nothing is said of what {end.driver} is to get", "give it a Prefix", DEST)])
    return end.delivery


def _pair(plan: JobPlan) -> _Pair:
    """Return what is known of a source and a target of these drivers; `Refused` if no job can run between them."""
    _check_known(plan.source, SRC, _SOURCES)
    _check_known(plan.target, DEST, {**_TARGETS, **_DESTINATIONS})
    source, target = plan.source.driver, plan.target.driver
    if (source, target) not in _PAIRS:
        remedy = "jobs run from " + ", ".join(f"{a} to {b}" for a, b in _PAIRS)
        raise Refused([Fault("Driver", f"no job can run from {source!r} to {target!r}", remedy, BOTH)])
    return _PAIRS[source, target]


def _any_of(names: Mapping[str, object]) -> str:
    return " or ".join(map(repr, names))
