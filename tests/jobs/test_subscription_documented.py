"""docs/jobs.md names every key of a subscription's Dest, with its default, and no others."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.jobs.subscriptions import CONNECTION
from udup.jobs import accept
from udup.jobs.document.destinations import KafkaConfig, KafkaDest, NatsConfig, NatsDest
from udup.jobs.document.model import Model

TEXT = (
    (Path(__file__).parents[2] / "docs" / "jobs.md").read_text("utf-8").split("## Subscriptions")[1].split("\n## ")[0]
)

_PARTS = re.split(r"\n`Config` of the Dest|\n`NatsConfig`, a stream|\n`KafkaConfig`\. The keys", TEXT)


def _named(part: str) -> set[str]:
    cells = [line.split("|")[1] for line in part.splitlines() if line.startswith("| `")]
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


@pytest.mark.parametrize(
    ("place", "models"),
    [(1, (NatsDest, KafkaDest)), (2, (NatsConfig,)), (3, (KafkaConfig,))],
    ids=["Config", "NatsConfig", "KafkaConfig"],
)
def test_every_key_is_in_its_table(place: int, models: tuple[type[Model], ...]) -> None:
    assert _named(_PARTS[place]) == {key for model in models for key in model.key_names()}


def test_the_example_is_a_job() -> None:
    [example] = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)
    spec, _ = accept(json.loads(example.replace("{…}", json.dumps(CONNECTION))))
    assert spec.delivers
