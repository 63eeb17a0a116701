"""/metrics can be read by Prometheus, keeps its naming rules, and is what its documents say; it waits for nobody."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from falcon import testing
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from tests.web.conftest import ACTOR, MemoryJobs
from udup.base.errors import FailureKind, Side, Transient
from udup.jobs import JobProgress, JobRecord, Stage
from udup.jobs.outage import Away, Outage
from udup.jobs.record import Restart
from udup.jobs.skipped import SkippedTransaction
from udup.pipeline.cutover.state import Cutover, CutoverState, Options
from udup.pipeline.verify.state import CompareOptions, Comparison, UnlikeTable
from udup.pipeline.waits import WaitKind
from udup.web.ports import ActorInfo

DOCS = Path(__file__).parents[2] / "docs"

#: Names that are not ours: Prometheus' own, and what its client says of this process.
FOREIGN = re.compile(r"^(up|process_[a-z_]+)$")

NAME = re.compile(r"\b(?:udup_(?:job|node|process|subscription)_[a-z_]+|udup_decoder|process_[a-z_]+)\b")

PROGRESS: dict[str, Any] = {
    "lag_ms": 1500,
    "level": False,
    "waiting": 3,
    "groups": 2,
    "transactions": 12,
    "inserts": 5,
    "updates": 6,
    "deletes": 7,
    "definitions": 1,
    "extracted_transactions": 15,
    "skipped_transactions": 4,
    "sent_messages": 8,
    "sent_bytes": 900,
    "received_messages": 8,
    "received_bytes": 900,
    "copy_sent_messages": 2,
    "copy_sent_bytes": 4096,
    "buffer_fill": 0.25,
    "buffer_messages": 150,
    "buffer_bytes": 1000,
    "tables": {'s."odd\\': {"rows": 10, "total": 40, "complete": False}, "s.b": {"rows": 1, "complete": True}},
    "copied_rows": 11,
    "copy_total_rows": 41,
    "copy_tables": 2,
    "copy_tables_complete": 1,
    "eta_s": 2.5,
    "restarts": 1,
    "tx_per_s": 4.0,
    "followed_tables": 2,
    "changed_tables": 1,
    "busiest_tables": {"s.b": {"inserted": 5, "updated": 6, "deleted": 7, "changed_us": 9_000_000}},
    "waiting_for": {"what": "row lock", "side": "target", "since": 1000},
    "events": {"c": 5, "u": 6, "d": 7, "r": 11, "t": 0, "tombstone": 7, "other": 2, "odd\n": 1},
    "events_by_table": {"s.b": 38},
    "delivered_messages": 30,
    "delivered_bytes": 12345,
    "decoder": "python",
}

ODD = 'a "quoted" \\ name\nof two lines, 数据 \ud800'


@pytest.fixture
def jobs(memory: MemoryJobs) -> MemoryJobs:
    """One job for each of three stages; the first has an odd name."""
    for job_id, name, stage in (("one", ODD, Stage.COPYING), ("two", "b", Stage.RUNNING), ("three", "c", Stage.FAILED)):
        memory.records[job_id] = JobRecord(
            id=job_id,
            document={"name": name, "Type": "synchronous"},
            stage=stage,
            progress=PROGRESS,
            restart_history=(Restart(time_ns=5_000_000_000, error="x"),),
        )
    stopped = Cutover.asked(Options()).with_(state=CutoverState.STOPPED)
    memory.records["three"] = memory.records["three"].model_copy(
        update={
            "cutover": stopped,
            "comparison": Comparison.asked(CompareOptions()),
            "growing_shown": {"State": "copying", "Percent": 40.0},
        }
    )
    return memory


def test_the_state_of_a_cut_over_is_told_of_jobs_that_have_one(client: testing.TestClient, jobs: MemoryJobs) -> None:
    family = _families(client)["udup_job_cutover"]
    assert _values(family, job_id="three", state="stopped") == [1] and sum(_values(family, job_id="three")) == 1
    assert len(_values(family, job_id="three")) == len(CutoverState) and _values(family, job_id="one") == []


def test_tables_are_counted_by_state_and_the_busiest_are_series_of_their_own(
    client: testing.TestClient, jobs: MemoryJobs
) -> None:
    busiest = {'s."odd': {"inserted": 1, "updated": 2, "deleted": 3, "changed_us": 5_500_000}}
    told = JobProgress(followed_tables=10_000, changed_tables=700, busiest_tables=busiest)
    jobs.records["two"] = jobs.records["two"].model_copy(
        update={
            "progress": told,
            "comparison": Comparison.asked(CompareOptions()).model_copy(
                update={"unlike": (UnlikeTable(name="s.b", differences=3),)}
            ),
        }
    )
    found = _families(client)
    states = found["udup_job_tables"]
    assert _values(states, job_id="two", state="live") == [9_999]
    assert _values(states, job_id="two", state="diverged") == [1]
    assert sum(_values(states, job_id="two")) == 10_000
    assert [_values(states, job_id="one", state=each) for each in ("copied", "copying", "waiting")] == [[1], [1], [0]]
    assert _values(found["udup_job_changed_tables"], job_id="two") == [700]
    rows = found["udup_job_table_changed_rows"]
    assert [_values(rows, job_id="two", table='s."odd', operation=each) for each in ("insert", "update", "delete")] == [
        [1],
        [2],
        [3],
    ]
    assert _values(found["udup_job_table_last_change_timestamp_seconds"], job_id="two") == [5.5]


def test_a_subscription_tells_what_it_delivers_and_tables_do_not_become_series(
    client: testing.TestClient, jobs: MemoryJobs
) -> None:
    jobs.records["three"] = jobs.records["three"].model_copy(update={"progress": JobProgress(lag_ms=3)})
    found = _families(client)
    events = found["udup_subscription_events"]
    assert _values(events, job_id="one", op="tombstone") == [7] and _values(events, job_id="one", op="r") == [11]
    assert {each.labels["op"] for each in events.samples} == {"c", "u", "d", "r", "t", "tombstone", "other"}
    assert _values(found["udup_subscription_messages"], job_id="two") == [30]
    assert _values(found["udup_subscription_bytes"], job_id="two") == [12345]
    lag = found["udup_subscription_lag_seconds"]
    assert _values(lag, job_id="two") == [1.5] and _values(lag, job_id="one") == [], "it copies"
    assert _values(found["udup_decoder"], job_id="two", kind="python") == [1]
    assert not any(_values(found[name], job_id="three") for name in found if name.startswith("udup_subscription"))


def test_a_cut_over_that_has_stopped_or_is_long_being_undone_is_alerted() -> None:
    rules = [rule for group in yaml.safe_load((DOCS / "alerts.yml").read_text())["groups"] for rule in group["rules"]]
    alerts = {rule["expr"]: rule for rule in rules}
    assert "for" not in alerts['udup_job_cutover{state="stopped"} == 1']
    assert alerts['udup_job_cutover{state="undoing"} == 1']["for"] == "1m"


def test_what_a_job_waits_for_is_measured_by_known_words_alone(client: testing.TestClient, jobs: MemoryJobs) -> None:
    odd = {"waiting_for": {"what": "odd\nword", "side": "target", "since": 1000}}
    record = jobs.records["two"].model_copy(update={"progress": JobProgress.of(odd)})
    jobs.records["two"] = record
    family = _families(client)["udup_job_waiting_seconds"]
    [waited] = [sample for sample in family.samples if sample.labels["job_id"] == "one"]
    assert (waited.labels["side"], waited.labels["what"]) == ("target", "row lock") and waited.value > 1e6
    assert [sample for sample in family.samples if sample.labels["job_id"] == "two"] == []


def test_each_wait_has_the_alert_that_tells_the_truth_of_it() -> None:
    """Only for locks there is a session in the way, and only what is the other side's doing has no alert of its own."""
    rules = [rule for group in yaml.safe_load((DOCS / "alerts.yml").read_text())["groups"] for rule in group["rules"]]
    alerts: dict[str, list[str]] = {}
    for rule in rules:
        for what in re.findall(r'udup_job_waiting_seconds\{what=~?"([^"]+)"\}', rule["expr"]):
            for word in what.split("|"):
                alerts.setdefault(word, []).append(rule["alert"])
    locks = {kind.value for kind in WaitKind if kind.value.endswith(" lock")}
    assert {word for word, found in alerts.items() if "UdupJobWaits" in found} == locks
    assert alerts["full disk"] == ["UdupTargetDiskFull"] and alerts["statement"] == ["UdupJobWaitsLong"]
    assert set(alerts) == set(WaitKind) - {WaitKind.CREDITS, WaitKind.COPY_CREDITS}
    assert all(len(found) == 1 for found in alerts.values())


def test_transactions_that_were_passed_over_are_counted(client: testing.TestClient, jobs: MemoryJobs) -> None:
    entry = SkippedTransaction(time_ns=1, gtid="u:1", error="x", confirmed=True)
    jobs.records["two"] = jobs.records["two"].model_copy(update={"skipped": (entry,)})
    family = _families(client)["udup_job_passed_over_transactions"]
    assert _values(family, job_id="one") == [0] and _values(family, job_id="two") == [1]


def _families(client: testing.TestClient) -> dict[str, Metric]:
    answer = client.simulate_get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return {family.name: family for family in text_string_to_metric_families(answer.text)}


def _values(family: Metric, **labels: str) -> list[float]:
    return [sample.value for sample in family.samples if labels.items() <= sample.labels.items()]


def _sample_names(families: dict[str, Metric]) -> set[str]:
    return {sample.name for family in families.values() for sample in family.samples}


def test_what_jobs_report_is_told_in_base_units(client: testing.TestClient, jobs: MemoryJobs) -> None:
    families = _families(client)
    assert _values(families["udup_job_lag_seconds"], job_id="two", job_name="b") == [1.5]
    assert _values(families["udup_job_lag_seconds"], job_id="three") == [], "what an ended run has left is not now"
    assert _values(families["udup_job_applied_rows"], job_id="three", operation="delete") == [7]
    assert _values(families["udup_job_stage"], job_id="one", stage="copying") == [1]
    assert sum(_values(families["udup_job_stage"])) == 3
    assert [_values(families["udup_job_shown"], job_id=each, state="copying") for each in ("one", "two")] == [[1], []]
    assert len(families["udup_job_shown"].samples) == 3
    assert _values(families["udup_job_last_failure_timestamp_seconds"], job_id="one") == [5]
    assert _values(families["udup_job_table_copied_rows"]) == [10], "of a job that copies, what is not complete"
    assert _values(families["udup_job_copied_rows"], job_id="two") == [11]
    [sample] = families["udup_process_resident_memory_bytes"].samples
    assert (sample.value, sample.labels["role"]) == (ACTOR.rss, ACTOR.role)
    assert _values(families["udup_node_ready"]) == [1]


@pytest.mark.parametrize(
    ("side", "kind", "away"),
    [
        (Side.TARGET, FailureKind.UNAVAILABLE, {"target"}),
        (Side.NATS, FailureKind.UNAVAILABLE, {"nats"}),
        (None, FailureKind.UNAVAILABLE, {"source", "target"}),
        (Side.TARGET, FailureKind.CONTENDED, set()),
    ],
)
def test_what_a_job_waits_for_is_not_connected(
    client: testing.TestClient, jobs: MemoryJobs, side: Side | None, kind: FailureKind, away: set[str]
) -> None:
    since = time.time() - 100
    waits = Outage(side=side, kind=kind, why="gone", since=since, next_try=since)
    jobs.records["two"] = jobs.records["two"].model_copy(update={"outage": waits})
    families = _families(client)
    for each in ("source", "target", "nats"):
        assert _values(families["udup_job_connected"], job_id="two", side=each) == [float(each not in away)]
        [seconds] = _values(families["udup_job_disconnected_seconds"], job_id="two", side=each)
        assert 99 < seconds < 160 if each in away else seconds == 0
    assert _values(families["udup_job_connected"], job_id="one") == [1, 1, 1]
    assert _values(families["udup_job_connected"], job_id="three") == [], "a failed job connects to nothing"


def test_each_side_is_away_for_a_time_of_its_own(client: testing.TestClient, jobs: MemoryJobs) -> None:
    now = time.time()
    sides = (Away(side=Side.SOURCE, since=now - 300), Away(side=Side.TARGET, since=now - 100))
    waits = Outage(side=Side.SOURCE, why="gone", since=now - 300, next_try=now, sides=sides)
    jobs.records["two"] = jobs.records["two"].model_copy(update={"outage": waits})
    families = _families(client)
    for side, away in (("source", 300), ("target", 100), ("nats", 0)):
        assert _values(families["udup_job_connected"], job_id="two", side=side) == [float(not away)]
        [seconds] = _values(families["udup_job_disconnected_seconds"], job_id="two", side=side)
        assert away - 1 < seconds < away + 60 if away else seconds == 0


def test_odd_names_come_through_whole(client: testing.TestClient, jobs: MemoryJobs) -> None:
    [sample] = [each for each in _families(client)["udup_job_info"].samples if each.labels["job_id"] == "one"]
    assert sample.labels["job_name"] == ODD.replace("\ud800", "\\ud800")
    assert sample.labels["type"] == "synchronous"


def test_names_keep_the_rules_of_prometheus(client: testing.TestClient, jobs: MemoryJobs) -> None:
    families = _families(client)
    series = [
        (sample.name, tuple(sorted(sample.labels.items()))) for each in families.values() for sample in each.samples
    ]
    assert len(series) == len(set(series)), "a series comes once"
    for name, family in families.items():
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
        assert family.documentation.endswith(".") or FOREIGN.match(name), name
        assert not re.search(r"_(ms|milliseconds|minutes|kb|mb|percent|gauge|counter)(_|$)", name), name
        for sample in family.samples:
            assert sample.name.endswith("_total") == (family.type == "counter"), sample.name
            assert "job" not in sample.labels, "Prometheus' own label"


def test_openmetrics_is_answered_to_whoever_asks_for_it(client: testing.TestClient, jobs: MemoryJobs) -> None:
    answer = client.simulate_get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    families = {family.name: family for family in parse_openmetrics(answer.text)}
    assert _sample_names(families) == _sample_names(_families(client))


def test_a_supervisor_that_does_not_answer_holds_no_scrape(client: testing.TestClient, jobs: MemoryJobs) -> None:
    answered = threading.Event()

    def hanging() -> list[ActorInfo]:
        assert answered.wait(60)
        return [ACTOR, ACTOR]

    jobs.actors = hanging  # type: ignore[method-assign]
    try:
        families = _families(client)  # comes although nobody has answered
        assert not answered.is_set()
        assert not families["udup_process_resident_memory_bytes"].samples
        assert not families["udup_node_processes_age_seconds"].samples
    finally:
        answered.set()
    asking = [thread for thread in threading.enumerate() if thread.name == "metrics-actors"]
    for thread in asking:
        thread.join(60)
    assert len(_families(client)["udup_process_resident_memory_bytes"].samples) == 1, "one series for one place"


def test_a_scrape_shows_how_the_node_was_found_last_and_has_nobody_look(
    client: testing.TestClient, jobs: MemoryJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look() -> list[str]:
        raise AssertionError("a scrape would wait for the supervisor and the store")

    monkeypatch.setattr(jobs, "problems", look)
    assert _values(_families(client)["udup_node_ready"]) == [1]


def test_a_node_that_cannot_read_its_store_says_so(client: testing.TestClient, jobs: MemoryJobs) -> None:
    jobs.unready = ["NATS is not there"]
    jobs.fail_with = Transient("NATS is not there")
    families = _families(client)
    assert _values(families["udup_node_ready"]) == [0]
    assert not families["udup_job_info"].samples


def _expressions(node: Any) -> Iterator[str]:
    """Everything that is a query, at any depth."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "expr" or (key == "query" and node.get("type") == "query"):
                yield value
            yield from _expressions(value)
    elif isinstance(node, list):
        for each in node:
            yield from _expressions(each)


def test_documents_name_what_is_there(client: testing.TestClient, jobs: MemoryJobs) -> None:
    there = _sample_names(_families(client))
    ours = {name for name in there if not FOREIGN.match(name)}
    text = (DOCS / "metrics.md").read_text()
    assert set(re.findall(r"^\| `(udup_[a-z_]+)` \|", text, re.MULTILINE)) == ours
    assert set(NAME.findall(text)) <= there | {"udup_job_copy_sent_", "process_"}

    rules = [rule for group in yaml.safe_load((DOCS / "alerts.yml").read_text())["groups"] for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules) >= 6
    assert all({"expr", "labels", "annotations"} <= rule.keys() for rule in rules)
    assert set(NAME.findall(" ".join(rule["expr"] for rule in rules))) <= there

    dashboard = json.loads((DOCS / "grafana-dashboard.json").read_text())
    expressions = list(_expressions(dashboard))
    assert len(expressions) > 20
    assert all(NAME.search(expression) for expression in expressions)
    assert set(NAME.findall(" ".join(expressions))) <= there
    [source] = [each for each in dashboard["templating"]["list"] if each["type"] == "datasource"]
    assert source["name"] == "DS_PROMETHEUS", "the source is chosen in the dashboard, imported or provisioned"
    sources = set(re.findall(r"\$\{(\w+)\}", json.dumps(dashboard)))
    assert sources == {"DS_PROMETHEUS"}
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
