"""The documents and options that the documentation of subscriptions shows are taken as they stand there."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.jobs.subscriptions import to_nats
from udup.drivers.messages.options import option_faults
from udup.drivers.mysql.rowtext.options import parse_options
from udup.jobs import accept
from udup.pipeline.ports.delivery import DeliveryPlan

ROOT = Path(__file__).parents[2]

DOCUMENTS = sorted((ROOT / "docs").glob("subscription*.md"))

#: Between fences, or set in by four spaces.
_BLOCK = re.compile(r"^```json\n(.*?)^```|^((?: {4}[^\n]*\n|\n)+)", re.MULTILINE | re.DOTALL)


def _objects(wanted: str) -> list[Any]:
    """Return the JSON of all blocks that begin with the text, which stands for what is no example's own."""
    found = []
    for document in DOCUMENTS:
        for block in _BLOCK.finditer(document.read_text("utf-8")):
            for text in re.split(r"\n\s*\n", block[1] or block[2]):
                if text.strip().startswith(wanted):
                    body = text.strip() if wanted.startswith("{") else f"{{{text.strip()}}}"
                    found.append(json.loads(body))
    return found


def test_there_are_as_many_examples_as_are_looked_for() -> None:
    assert len(_objects('{"ID"')) == 1 and len(_objects('{"Type": "Dest"')) == 2
    assert len(_objects('"Options"')) == 3 and len(_objects('"Snapshot"')) == 1


@pytest.mark.parametrize("document", _objects('{"ID"'), ids=lambda each: each["ID"])
def test_jobs_are_taken(document: dict[str, Any]) -> None:
    accept(document, local=False)


@pytest.mark.parametrize("dest", _objects('{"Type": "Dest"'), ids=lambda each: each["Driver"])
def test_ends_are_taken(dest: dict[str, Any]) -> None:
    document = to_nats()
    document["Tasks"] = [document["Tasks"][0], dest]
    accept(document, local=False)


@pytest.mark.parametrize("keys", [*_objects('"Options"'), *_objects('"Snapshot"')])
def test_options_are_taken(keys: dict[str, Any]) -> None:
    accept(to_nats(**keys), local=False)
    options = {
        name: str(value).lower() if isinstance(value, bool) else value for name, value in keys["Options"].items()
    }
    assert option_faults(DeliveryPlan("shop1", options)) == []
    parse_options(options)
