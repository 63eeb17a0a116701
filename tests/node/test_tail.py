"""What of a job's sink may be read, decided by its document alone."""

from __future__ import annotations

from contextlib import closing
from typing import Any, cast

import pytest

from tests.jobs.subscriptions import to_nats
from udup.base.errors import Refused
from udup.drivers.fake.messages import FakeDestination, FakeSink
from udup.jobs import JobRecord
from udup.node.tail import open_tail
from udup.pipeline.ports import DeliverySettings, Destination, Drivers, End, Message, Tail, TailRequest
from udup.pipeline.ports.tail import START
from udup.sandbox.api import job_document
from udup.sandbox.server import Endpoint

_CHOSEN = {"ReplicateDoDb": [{"TableSchema": "shop", "Tables": [{"TableName": "orders"}]}]}
_RENAMED = {"ReplicateDoDb": [{"TableSchema": "shop", "TableSchemaRename": "store"}]}


class _Drivers:
    def __init__(self) -> None:
        self.sink = FakeSink()
        self.sink.stored.append((Message("topic", None, b"1", "u:1:shop.orders:0"), None))
        self.asked: list[DeliverySettings] = []

    def destination(self, end: End) -> Destination:
        assert end.delivery is not None and end.delivery.prefix == "shop1"
        made = FakeDestination(self.sink)
        return cast(Destination, _Noting(made, self.asked))


class _Noting:
    def __init__(self, made: FakeDestination, asked: list[DeliverySettings]) -> None:
        self._made, self._asked = made, asked

    def tail(self, settings: DeliverySettings, wanted: TailRequest) -> Tail:
        self._asked.append(settings)
        return self._made.tail(settings, wanted)


def _open(document: dict[str, Any], wanted: TailRequest, drivers: _Drivers | None = None) -> Tail:
    record = JobRecord(id=document["ID"], document=document)
    return open_tail(cast(Drivers, drivers or _Drivers()), record, wanted, "nats://here")


def test_the_sink_is_read_by_the_nodes_own_url() -> None:
    drivers = _Drivers()
    with closing(_open(to_nats(), TailRequest(START), drivers)) as tail:
        assert [each.id for each in tail.read()] == ["u:1:shop.orders:0"] and tail.at_end
    assert [(each.job, each.run, each.nats_url) for each in drivers.asked] == [("events", 0, "nats://here")]


def test_a_job_to_a_database_has_no_messages() -> None:
    source, target = (Endpoint("127.0.0.1", port, "u", "p") for port in (1, 2))
    with pytest.raises(Refused, match="job shop is no subscription: its changes go to a database"):
        _open(job_document("shop", source, target, ["s"]) | {"ID": "shop"}, TailRequest())


@pytest.mark.parametrize(
    ("chosen", "table", "there"),
    [
        (_CHOSEN, ("shop", "orders"), True),
        (_CHOSEN, ("SHOP", "Orders"), True),  # whether names fold the source alone can say
        (_CHOSEN, ("shop", "items"), False),
        (_CHOSEN, ("other", "orders"), False),
        (_RENAMED, ("store", "orders"), True),
        ({}, ("any", "table"), True),
    ],
)
def test_a_table_that_the_job_does_not_have_is_refused(
    chosen: dict[str, Any], table: tuple[str, str], there: bool
) -> None:
    document, wanted = to_nats(source=chosen), TailRequest(table=table)
    if there:
        _open(document, wanted).close()
        return
    with pytest.raises(Refused, match=f"the job delivers no table {'.'.join(table)}"):
        _open(document, wanted)
