"""The registry is all that a node needs to know of its drivers; it travels to the actors as its name."""

from __future__ import annotations

import ast
import pickle
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from udup.base.endpoint import Endpoint
from udup.base.errors import Fault, Refused
from udup.drivers import registry as registry_module
from udup.drivers.fake.drivers import FAKE, FakeDrivers, end_of
from udup.drivers.fake.server import FakeServer, forget, register
from udup.drivers.mysql.client.facts import ServerFacts
from udup.drivers.mysql.client.privileges import Privileges
from udup.drivers.mysql.source import MySQLSource
from udup.drivers.registry import KAFKA, MYSQL, NATS, Registry
from udup.jobs.document.acceptance import accept
from udup.pipeline.ownership import Known
from udup.pipeline.ports import DeliveryPlan, End, JobPlan, Scope, SourceLook
from udup.pipeline.selection.selection import Selection
from udup.sandbox.api import job_document

PACKAGE = Path(__file__).parents[2] / "udup"

HERE = End(MYSQL, Endpoint("127.0.0.1", 1, "nobody", "secret"))

UNKNOWN = replace(HERE, driver="Cuneiform")

PLAN = JobPlan("j", HERE, HERE, Scope(Selection()))

FACTS = ServerFacts("127.0.0.1:1", "'a'@'%'", (9, 7, 0), "9.7.0", False, {}, Privileges((), False), {}, frozenset())


def test_it_travels_and_shows_no_password() -> None:
    registry = pickle.loads(pickle.dumps(Registry()))
    assert registry == Registry()
    assert registry.source(HERE).where == registry.target(HERE).where == "nobody@127.0.0.1:1"


def test_a_driver_that_nobody_knows_is_refused_with_the_names_of_those_that_are_known() -> None:
    registry = Registry()
    for task, ask in (
        ("Src", lambda: registry.source(UNKNOWN)),
        ("Dest", lambda: registry.target(UNKNOWN)),
        ("Src", lambda: registry.validate(replace(PLAN, source=UNKNOWN), Known())),
        ("Dest", lambda: registry.validate(replace(PLAN, target=UNKNOWN), Known())),
    ):
        with pytest.raises(Refused) as caught:
            ask()
        [fault] = caught.value.faults
        assert (fault.task, "Cuneiform" in fault.problem, MYSQL in fault.remedy) == (task, True, True)


def test_two_drivers_between_which_no_job_can_run_are_refused_with_the_pairs_that_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each of them is known by itself."""
    other = replace(PLAN, source=replace(HERE, driver="Other"))
    monkeypatch.setattr(registry_module, "_SOURCES", {**registry_module._SOURCES, "Other": MySQLSource})
    registry = Registry()
    assert registry.source(other.source).where == registry.target(other.target).where
    [fault] = registry.start_faults(other, SourceLook(FACTS), FACTS, None, Known())
    assert "'Other' to 'MySQL'" in fault.problem and "MySQL to MySQL" in fault.remedy
    for ask in (lambda: registry.validate(other, Known()), lambda: registry.warnings(other, FACTS, FACTS)):
        with pytest.raises(Refused, match="'Other' to 'MySQL'"):
            ask()


def test_no_document_leads_to_the_driver_in_memory() -> None:
    """It is for tests that hand `FakeDrivers` to a node; the running server does not even import it."""
    server = register(FakeServer("reachable by FakeDrivers"))
    try:
        end = end_of(server)
        assert FakeDrivers().source(end).where == server.name
        with pytest.raises(Refused, match=f"no driver '{FAKE}'"):
            Registry().source(end)
        with pytest.raises(Refused, match=f"no driver '{FAKE}'"):
            Registry().target(end)
    finally:
        forget(server.name)
    document = job_document("j", HERE.endpoint, replace(HERE.endpoint, port=2), ["s"])
    accept(document, local=False)
    document["Tasks"][0]["Driver"] = FAKE
    with pytest.raises(Refused, match="unknown driver"):
        accept(document, local=False)
    outside = [path for path in PACKAGE.rglob("*.py") if PACKAGE / "drivers" / "fake" not in path.parents]
    assert not [path for path in outside if "drivers.fake" in path.read_text("utf-8")]


def test_what_speaks_against_a_start_is_told_as_far_as_both_sides_were_seen() -> None:
    registry, found = Registry(), Fault("Src 127.0.0.1:1", "found in its dictionary", task="Src")
    assert registry.start_faults(PLAN, None, FACTS, None, Known()) == []
    off = replace(FACTS, variables={"log_bin": "OFF", "server_uuid": "u"})
    faults = registry.start_faults(PLAN, SourceLook(off, (found,)), None, None, Known())
    assert faults[0] == found and any("log_bin is OFF" in fault.problem for fault in faults)
    both = registry.start_faults(PLAN, SourceLook(off, (found,)), off, None, Known())
    assert any("the same server" in fault.problem for fault in both[len(faults) :])
    assert {fault.task for fault in both} == {"Src"}, "what lies between the two is shown at the source's task"


def test_warnings_name_both_servers() -> None:
    warned = Registry().warnings(PLAN, FACTS, replace(FACTS, address="127.0.0.1:2"))
    assert any("Src 127.0.0.1:1" in each for each in warned) and any("Dest 127.0.0.1:2" in each for each in warned)


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("room", ["actors", "jobs", "node", "web", "store", "base"])
def test_who_carries_jobs_out_knows_no_database(room: str) -> None:
    """Only the node's start hands the registry to the others."""
    allowed = {("node/node.py", "udup.drivers.registry")}
    found = {
        (path.relative_to(PACKAGE).as_posix(), name)
        for path in (PACKAGE / room).rglob("*.py")
        for name in _imports(path)
        if name.startswith("udup.drivers")
    }
    assert found <= allowed


# ---- Destinations of messages ----

SINKS = [
    End(NATS, Endpoint("", 0, "", ""), delivery=DeliveryPlan("shop1")),
    End(KAFKA, Endpoint("h", 1, "", ""), delivery=DeliveryPlan("shop1", sink={"Brokers": ["h:1"]})),
]


@pytest.mark.parametrize("sink", SINKS, ids=lambda sink: str(sink.driver))
def test_a_sink_is_a_destination_and_no_database(sink: End) -> None:
    registry = Registry()
    assert registry.delivers(sink) and not registry.delivers(HERE)
    assert registry.destination(sink).where
    for ask in (registry.target, registry.target_gate):
        with pytest.raises(Refused, match="is no database"):
            ask(sink)
    with pytest.raises(Refused, match="there is no driver 'MySQL'"):
        registry.destination(HERE)
    with pytest.raises(Refused, match="there is no driver"):
        registry.reader(sink, DeliveryPlan("shop1"))


@pytest.mark.parametrize("sink", SINKS, ids=lambda sink: str(sink.driver))
def test_a_sink_without_a_plan_is_refused(sink: End) -> None:
    with pytest.raises(Refused, match="nothing is said"):
        Registry().destination(replace(sink, delivery=None))


@pytest.mark.parametrize("sink", SINKS, ids=lambda sink: str(sink.driver))
def test_between_mysql_and_a_sink_the_source_alone_is_judged(sink: End) -> None:
    plan = replace(PLAN, target=sink)
    source = replace(FACTS, variables={"binlog_row_metadata": "MINIMAL", "server_uuid": "u"})
    faults = Registry().start_faults(plan, SourceLook(source), source, None, Known())
    assert not any("the same server" in fault.problem for fault in faults)
    assert any("binlog_row_metadata is MINIMAL" in each for each in Registry().warnings(plan, source, source))


def test_a_sink_is_no_source() -> None:
    [fault] = Registry().start_faults(replace(PLAN, source=SINKS[0]), None, None, None, Known())
    assert "no driver 'NATS'" in fault.problem and fault.task == "Src"


def test_the_client_libraries_of_sinks_are_imported_for_their_jobs_alone() -> None:
    program = "import sys, udup.drivers.registry; print(sorted({'nats', 'confluent_kafka'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "confluent_kafka" not in found


def test_a_statement_loads_nothing_that_processes_could_share() -> None:
    """Every process that reads a statement would load it for itself."""
    program = (
        "import sys, udup.drivers.registry\n"
        "from udup.drivers.mysql.ddl.sqltokens import tokenize\n"
        "before = set(sys.modules)\n"
        "tokenize('SELECT 1')\n"
        "print(sorted(set(sys.modules) - before))"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert found == "[]\n"
