"""What is asked of a job that is being cut over is refused before any server is asked."""

from __future__ import annotations

from typing import Any

import pytest

from udup.jobs import IndexConflict, JobRecord, Stage, accept
from udup.node.service import Control
from udup.pipeline.cutover.state import Cutover, Options
from udup.web.openapi.examples import job_document

GTID = "3e11fa47-71ca-11e1-9e33-c80aa9429562:23"


class _Drivers:
    """They count who asks for a target, which takes every settlement."""

    def __init__(self) -> None:
        self.settled: list[str] = []

    def target(self, _end: Any) -> _Drivers:
        return self

    def settle(self, _job: str, gtid: str, *, applied: bool) -> None:
        self.settled.append(gtid)


class _Reads:
    def __init__(self, record: JobRecord) -> None:
        self.record = record

    def job(self, _job_id: str) -> JobRecord:
        return self.record


def _record(cutover: Cutover | None) -> JobRecord:
    _, document = accept(job_document() | {"ID": "one"})
    return JobRecord(id="one", document=document, stage=Stage.FAILED, cutover=cutover)


def _control(record: JobRecord, drivers: _Drivers) -> Control:
    def ask(_message: object, _seconds: float) -> Any:
        raise AssertionError("the supervisor is not asked")

    return Control(ask, lambda: 0, _Reads(record), drivers, "here")  # type: ignore[arg-type]


@pytest.mark.parametrize("switched_ns", [0, 1])
def test_a_settlement_that_a_cut_over_refuses_does_not_reach_the_target(switched_ns: int) -> None:
    drivers = _Drivers()
    control = _control(_record(Cutover.asked(Options()).with_(switched_ns=switched_ns)), drivers)
    with pytest.raises(IndexConflict, match="cut over"):
        control.settle("one", GTID, applied=True)
    assert drivers.settled == []


def test_without_one_the_target_is_asked() -> None:
    drivers = _Drivers()
    with pytest.raises(AssertionError, match="the supervisor"):
        _control(_record(None), drivers).settle("one", GTID, applied=True)
    assert drivers.settled == [GTID]
