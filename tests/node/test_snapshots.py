"""A snapshot is wished for tables that the source has: of a misspelt one no row would ever come."""

from __future__ import annotations

from typing import Any

import pytest

from tests.jobs.subscriptions import to_nats
from udup.base.errors import Refused, Unavailable
from udup.jobs import JobRecord, accept
from udup.node.ends import Ends
from udup.node.servers import Servers
from udup.node.snapshots import SnapshotChecks
from udup.pipeline.ownership import Known
from udup.pipeline.records import Tables


class _Source:
    def __init__(self, answer: Tables | Exception) -> None:
        self._answer = answer

    def source(self, _end: object) -> _Source:
        return self

    def tables(self, _scope: object, _copied: object) -> Tables:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


_HAS = Tables("u", "s:1", [("shop", "Orders", "shop", "Orders"), ("shop", "users", "shop", "users")])


def _check(*tables: str, answer: Tables | Exception = _HAS) -> None:
    _, document = accept(to_nats(None, {"ReplicateDoDb": [{"TableSchema": "shop"}]}), local=False)
    drivers: Any = _Source(answer)
    SnapshotChecks(Ends(Servers(drivers, Known, ""))).check(JobRecord(id="events", document=document), tables)


def test_tables_that_are_there_pass_also_where_a_server_folds_names() -> None:
    _check("shop.Orders", "shop.users")
    _check("shop.orders")


def test_one_that_is_not_there_is_named() -> None:
    with pytest.raises(Refused, match=r"has no table 'shop\.oders'") as refused:
        _check("shop.users", "shop.oders")
    assert refused.value.faults[0].remedy


def test_what_is_for_others_to_refuse_is_left_to_them() -> None:
    _check("other.t")
    _check("nonsense")
    _check()


def test_a_source_that_is_away_refuses_nothing() -> None:
    _check("shop.oders", answer=Unavailable("it is away"))
