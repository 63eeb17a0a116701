"""What is asked of a job to a database alone is refused for a subscription before anybody else is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.jobs.subscriptions import to_kafka, to_nats
from udup.actors.cutover_rules import asked
from udup.base.errors import FailureKind, Refused
from udup.jobs import IndexConflict, JobRecord, Stage, accept
from udup.jobs.stopped import Stopped
from udup.node.service import Control
from udup.pipeline.cutover.state import Options

GTID = "3e11fa47-71ca-11e1-9e33-c80aa9429562:23"


class _Reads:
    def __init__(self, record: JobRecord) -> None:
        self.record = record

    def job(self, _job_id: str) -> JobRecord:
        return self.record


class _Nobody:
    """Who is not to be asked."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} is asked")


def _record(posted: dict[str, Any]) -> JobRecord:
    _, document = accept(posted)
    stopped = Stopped(time_ns=1, kind=FailureKind.DIVERGENCE, text="a row is missing", gtid=GTID)
    return JobRecord(id="events", document=document, stage=Stage.FAILED, stopped=stopped)


@pytest.mark.parametrize(
    "ask",
    [lambda control: control.settle("events", GTID, applied=True), lambda control: control.skip("events", GTID)],
    ids=["settle", "skip"],
)
def test_no_transaction_of_it_is_settled_or_passed_over(ask: Callable[[Control], object]) -> None:
    def tell(_message: object, _seconds: float) -> Any:
        raise AssertionError("the supervisor is not asked")

    control = Control(tell, lambda: 0, _Reads(_record(to_nats())), _Nobody(), "here")  # type: ignore[arg-type]
    with pytest.raises(IndexConflict, match="job events is a subscription"):
        ask(control)


@pytest.mark.parametrize(("posted", "driver"), [(to_nats(), "NATS"), (to_kafka(), "Kafka")])
def test_it_is_not_cut_over(posted: dict[str, Any], driver: str) -> None:
    with pytest.raises(Refused, match=f"is a subscription, and {driver} takes the place of no database"):
        asked(_record(posted), Options())
