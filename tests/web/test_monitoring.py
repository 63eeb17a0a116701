"""Alert rules fire when they should, by Prometheus' own tool; the dashboard asks for what /metrics really has."""

from __future__ import annotations

import json
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from falcon import testing
from prometheus_client.parser import text_string_to_metric_families

from tests.promtool import MISSING, promtool
from tests.web.conftest import MemoryJobs
from tests.web.test_metrics import jobs

__all__ = ["jobs"]  # a fixture

REPOSITORY = Path(__file__).parents[2]
RULES, DASHBOARD = REPOSITORY / "docs" / "alerts.yml", REPOSITORY / "docs" / "grafana-dashboard.json"
TESTS = REPOSITORY / "deploy" / "alerts.test.yml"


#: A metric with its selector, as an expression has it, and the labels by which it is put together with another.
_SELECTOR = re.compile(r"\b((?:udup|process)_[a-z_]+|up)\b(?:\{([^}]*)\})?")
_MATCHER = re.compile(r'([a-z_]+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"')
_GROUPING = re.compile(r"\b(?:by|on|ignoring|without)\s*\(([^)]*)\)")

#: Labels that Prometheus adds to whatever it scrapes.
_OF_A_SCRAPE = {"job", "instance"}

#: Labels of which /metrics has every value at any time, so that one which it does not have is misspelt.
_CLOSED = {"stage", "side", "operation", "op"}


def _rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def _dashboard() -> Iterator[tuple[str, str]]:
    """Yield each expression of the dashboard with its panel's title, as Grafana sends it."""
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel.get("targets", []):
            text = str(target["expr"]).replace("$job_name", ".*")
            yield str(panel["title"]), text.replace("$__rate_interval", "1m").replace("$__range", "1h")


def _ran(*words: str | Path) -> None:
    tool = promtool()
    if tool is None:
        pytest.skip(MISSING)
    done = subprocess.run([tool, *map(str, words)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_fires_in_its_history_and_not_before() -> None:
    _ran("check", "rules", RULES)
    _ran("test", "rules", TESTS)


def test_every_alert_has_a_history() -> None:
    cases = yaml.safe_load(TESTS.read_text())["tests"]
    fires, quiet = set(), set()
    for case in cases:
        for each in case.get("promql_expr_test", []):
            found = {re.findall(r'alertname="(\w+)"', sample["labels"])[0] for sample in each["exp_samples"]}
            (fires if case["name"] in found else quiet).add(case["name"])
    assert fires == quiet == {rule["alert"] for rule in _rules()}


def test_prometheus_can_read_every_expression_of_the_dashboard(tmp_path: Path) -> None:
    expressions = [{"record": f"panel:{number}", "expr": text} for number, (_, text) in enumerate(_dashboard())]
    assert len(expressions) > 20
    file = tmp_path / "panels.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": expressions}]}))
    _ran("check", "rules", file)


def test_metrics_and_labels_that_are_asked_for_are_there(client: testing.TestClient, jobs: MemoryJobs) -> None:
    labels: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for family in text_string_to_metric_families(client.simulate_get("/metrics").text):
        for sample in family.samples:
            for name, text in {**sample.labels, **dict.fromkeys(_OF_A_SCRAPE, "")}.items():
                labels[sample.name][name].add(text)
    labels["up"]["job"].add("udup")
    asked = [*_dashboard(), *((rule["alert"], rule["expr"]) for rule in _rules())]
    faults = [f"{where}: {fault}" for where, text in asked for fault in _faults(text, labels)]
    assert not faults, "\n".join(faults)


def _faults(text: str, there: dict[str, dict[str, set[str]]]) -> Iterator[str]:
    """Yield what an expression asks for that is not there."""
    names = [found for found in _SELECTOR.finditer(re.sub(_GROUPING, "", text)) if found[1] != "up" or found[2]]
    for found in names:
        metric, labels = found[1], there.get(found[1])
        if labels is None:
            yield f"there is no metric {metric}"
            continue
        for name, sign, value in _MATCHER.findall(found[2] or ""):
            if name not in labels:
                yield f"{metric} has no label {name}"
            elif name in _CLOSED and sign in ("=", "!=") and value not in labels[name]:
                yield f"{metric} has no {name} {value!r}: {sorted(labels[name])}"
    known = {name for found in names for name in there.get(found[1], {})}
    for group in _GROUPING.findall(text):
        for name in map(str.strip, group.split(",")):
            if name not in known:
                yield f"nothing has the label {name} that is grouped by"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("udup_job_lag_second", "there is no metric"),
        ('udup_job_stage{stages="failed"} == 1', "has no label stages"),
        ('udup_job_stage{stage="fialed"} == 1', "has no stage 'fialed'"),
        ("sum by (job_names) (udup_job_stage)", "nothing has the label job_names"),
    ],
)
def test_what_is_misspelt_is_found(text: str, told: str) -> None:
    there = {"udup_job_stage": {"stage": {"failed"}, "job_name": {"a"}}}
    [fault] = _faults(text, there)
    assert told in fault


def test_what_alerts_tell_of_their_labels_is_there(client: testing.TestClient, jobs: MemoryJobs) -> None:
    samples = text_string_to_metric_families(client.simulate_get("/metrics").text)
    there = {name for family in samples for sample in family.samples for name in sample.labels} | _OF_A_SCRAPE
    told = {name for rule in _rules() for text in rule["annotations"].values() for name in _labels(text)}
    assert {"instance", "job_id", "side"} <= told <= there


def _labels(text: str) -> list[str]:
    return re.findall(r"\$labels\.(\w+)", text)
