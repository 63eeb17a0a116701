"""`udup job tail`: messages as people and programs read them, and when it ends."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.cli.conftest import Asking
from tests.web.conftest import MemoryJobs
from udup.cli.commands import ExitCode
from udup.cli.event_lines import VALUE_WIDTH, lines, raw_line
from udup.pipeline.ports import Seen, TailRequest
from udup.web.openapi.examples import JOB_ID, job_document

_GTID = "3e11fa47-71ca-11e1-9e33-c80aa9429562:17"


def _event(value: object, key: object = None, name: str = "shop.orders:0", **more: Any) -> Mapping[str, Any]:
    return {
        "Subject": "shop1.shop.orders",
        "Key": json.dumps({"id": 7} if key is None else key),
        "Value": value if value is None or isinstance(value, str) else json.dumps(value),
        "ID": f"{_GTID}:{name}",
        "Operation": "",
        "Time": "2026-01-02T03:04:05.678Z",
        **more,
    }


_BEFORE = {"id": 7, "state": "new", "note": None}
_AFTER = {"id": 7, "state": "paid", "note": None}


@pytest.mark.parametrize(
    ("value", "word", "told"),
    [
        ({"before": None, "after": _BEFORE, "op": "c"}, "create", 'id: 7, state: "new", note: null'),
        ({"before": _BEFORE, "after": _AFTER, "op": "u"}, "update", 'state: "new" → "paid"'),
        ({"before": _BEFORE, "after": _BEFORE, "op": "u"}, "update", "nothing is another value"),
        ({"before": _BEFORE, "after": None, "op": "d"}, "delete", 'id: 7, state: "new", note: null'),
        ({"schema": {}, "payload": {"before": _BEFORE, "after": _AFTER, "op": "u"}}, "update", 'state: "new" → "paid"'),
        ({**_AFTER, "__op": "u", "__gtid": "g", "__ts_us": 1, "__deleted": "false"}, "update", 'id: 7, state: "paid"'),
        ({"id": "1", "iodebeziumop": "u", "data": {"before": _BEFORE, "after": _AFTER}}, "update", 'state: "new" → '),
    ],
)
def test_a_row_is_told_in_two_lines_whatever_the_form(value: object, word: str, told: str) -> None:
    first, second = lines(_event(value))
    assert first == f"03:04:05.678  {word:<9}  shop.orders  id=7  {_GTID}"
    assert second.startswith(f"    {told}")


def test_what_is_no_row_is_told_too() -> None:
    tombstone = list(lines(_event(None, name="shop.orders:0:t")))
    assert tombstone == [f"03:04:05.678  tombstone  shop.orders  id=7  {_GTID}"]
    ddl = list(lines(_event({"source": {}, "ddl": "DROP TABLE t"}, name="ddl", Subject="shop1")))
    assert ddl == [f"03:04:05.678  ddl        shop1  {_GTID}", "    DROP TABLE t"]
    truncated = list(lines(_event({"before": None, "after": None, "op": "t"}, name="shop.orders:trunc")))
    assert truncated[0].split()[1:3] == ["truncate", "shop.orders"]
    snapshot = list(lines(_event({"before": None, "after": _AFTER, "op": "r"}) | {"ID": "s1:shop.orders:2:5"}))
    assert snapshot[0] == "03:04:05.678  read       shop.orders  id=7  s1"
    (line, said) = lines(_event("no JSON", name="shop.orders:0"))
    assert said == "    no JSON" and "message" in line


def test_several_rows_of_a_message_have_a_line_each() -> None:
    rows = [{"before": None, "after": {"id": number}, "op": "c"} for number in (1, 2)]
    assert [line.strip() for line in lines(_event(rows, key={"table": "shop.orders"}, name="shop.orders:0-1"))] == [
        f"03:04:05.678  create     shop.orders  {_GTID}",
        "id: 1",
        f"03:04:05.678  create     shop.orders  {_GTID}",
        "id: 2",
    ]


def test_long_and_odd_values_are_cut_and_cannot_drive_a_terminal() -> None:
    _, said = lines(_event({"before": None, "after": {"a": "x" * 1000, "b": "\x1b[31m\x9b"}, "op": "c"}))
    assert said.startswith(f'    a: "{"x" * (VALUE_WIDTH - 2)}…, b: ') and said.isprintable()
    _, said = lines(_event('{"before":null,"after":{"a":0.10000000000000000001},"op":"c"}'))
    assert said == "    a: 0.10000000000000000001"


def test_a_raw_line_has_every_digit() -> None:
    line = raw_line(_event('{"a":0.10000000000000000001,\n"b":1E2}'))
    assert '"value":{"a":0.10000000000000000001, "b":1E2}' in line
    assert json.loads(line)["key"] == {"id": 7} and set(json.loads(line)) == {"subject", "key", "value", "id"}
    assert json.loads(raw_line(_event("not JSON")))["value"] == "not JSON"
    assert json.loads(raw_line(_event(None)))["value"] is None


def test_it_ends_with_what_is_there(jobs: MemoryJobs, asking: Asking) -> None:
    jobs.register(job_document(), None)
    value = b'{"before":null,"after":{"id":1},"op":"c"}'
    jobs.delivered = [Seen("p.s.t", b'{"id":1}', value, f"{_GTID}:s.t:{n}", "c", 1000) for n in range(3)]
    found = asking("job", "tail", JOB_ID[:4], "--from", "start", "--no-follow", "--table", "s.t")
    assert found.exit_code == 0 and found.output.count("create") == 3, found.output
    assert jobs.tails[-1] == TailRequest("start", "", ("s", "t"), follow=False)
    found = asking("job", "tail", JOB_ID, "--no-follow", "--json")
    assert [json.loads(line)["id"] for line in found.output.splitlines()] == [f"{_GTID}:s.t:{n}" for n in range(3)]


def test_what_cannot_be_is_said(jobs: MemoryJobs, asking: Asking) -> None:
    jobs.register(job_document(), None)
    found = asking("job", "tail", JOB_ID, "--from", "yesterday")
    assert found.exit_code == ExitCode.FAILED and "neither start, now nor the GTID" in found.output
    assert asking("job", "tail", "nobody").exit_code == ExitCode.FAILED
