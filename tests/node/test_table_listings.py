"""A job's tables are asked for once for many pages, by however many requests at a time, and not for long."""

from __future__ import annotations

import threading
import time
from typing import Any, cast

import pytest

from udup.base.errors import Transient
from udup.jobs import JobRecord, Stage
from udup.jobs.table_pages import TableSort, TablesWanted
from udup.node import table_listings
from udup.node.ends import Ends
from udup.node.table_listings import TableListings
from udup.node.tables import page_found
from udup.pipeline.ports.inspect import TableSize
from udup.pipeline.ports.tables import TableChange, TablesOnTarget
from udup.web.openapi.examples import job_document
from udup.web.ports import NotReady

TABLES = 10_000


class ManyTables:
    """Both ends of a job of ten thousand tables."""

    def __init__(self) -> None:
        self.names = [("s", f"t{number:05}") for number in range(TABLES)]
        self.asked: list[str] = []
        self.fails: Exception | None = None
        self.tells_sizes = True

    def tables(self, asked: object) -> list[tuple[str, str]]:
        self.asked.append("tables")
        time.sleep(0.02)  # so that others come meanwhile
        if self.fails is not None:
            raise self.fails
        return self.names

    def sizes(self, asked: object) -> list[TableSize]:
        if not self.tells_sizes:
            raise Transient("the source tells no sizes")
        return [TableSize("s", name, 1, number) for number, (_, name) in enumerate(self.names)]

    def on_target(self, asked: object, side: str, names: list[tuple[str, str]]) -> TablesOnTarget:
        self.asked.append("target")
        return TablesOnTarget(1, tuple(TableChange(*each, inserted=1) for each in names))


@pytest.fixture
def ends() -> ManyTables:
    return ManyTables()


@pytest.fixture
def listings(ends: ManyTables) -> TableListings:
    return TableListings(cast(Ends, ends))


def _record(**values: Any) -> JobRecord:
    return JobRecord(id="j", document=job_document(), stage=Stage.RUNNING, **values)


def test_many_pages_ask_the_source_once(ends: ManyTables, listings: TableListings) -> None:
    record = _record()
    for at in range(0, TABLES, 2000):
        wanted = TablesWanted(limit=200, offset=at, sort=TableSort.SIZE)
        found = page_found(record, listings.of(record, None), wanted)
        assert (found.tables[0].name, found.matching) == (f"s.t{TABLES - 1 - at:05}", TABLES)
        assert found.sizes[found.tables[0].name].bytes == TABLES - 1 - at and len(found.sizes) == 200
        assert found.tables[0].change is not None and found.tables[0].change.inserted == 1
    assert ends.asked.count("tables") == 1
    assert ends.asked.count("target") == 2, "of five thousand at a time"


def test_requests_that_come_together_wait_for_one_answer(ends: ManyTables, listings: TableListings) -> None:
    record, found = _record(), []
    asking = [threading.Thread(target=lambda: found.append(listings.of(record, None))) for _ in range(8)]
    for each in asking:
        each.start()
    for each in asking:
        each.join()
    assert len(found) == 8 and ends.asked.count("tables") == 1


def test_a_listing_is_none_any_more_when_the_job_is_another(ends: ManyTables, listings: TableListings) -> None:
    listings.of(_record(), None)
    for changed in (_record(job_modify_index=9), _record(job_modify_index=9, incarnation="x")):
        listings.of(changed, None)
        listings.of(changed, None)
    assert ends.asked.count("tables") == 3


def test_a_listing_is_kept_for_some_seconds(
    ends: ManyTables, listings: TableListings, monkeypatch: pytest.MonkeyPatch
) -> None:
    listings.of(_record(), None)
    monkeypatch.setattr(table_listings, "KEPT_SECONDS", 0.0)
    listings.of(_record(), None)
    assert ends.asked.count("tables") == 2


def test_a_source_that_is_away_is_told_and_asked_again(ends: ManyTables, listings: TableListings) -> None:
    ends.fails = Transient("nobody there")
    for _ in range(2):
        with pytest.raises(NotReady, match="nobody there"):
            listings.of(_record(), None)
    ends.fails = None
    assert len(listings.of(_record(), None).shown) == TABLES


def test_a_source_that_tells_no_sizes_has_its_tables_told(ends: ManyTables, listings: TableListings) -> None:
    ends.tells_sizes = False
    assert listings.of(_record(), None).sizes == {}


def test_the_listings_of_some_jobs_are_kept(ends: ManyTables, listings: TableListings) -> None:
    ends.names = ends.names[:1]
    for number in range(20):
        listings.of(_record().model_copy(update={"id": f"j{number}"}), None)
    assert len(listings._kept) == table_listings.KEPT_JOBS
