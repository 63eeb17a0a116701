"""Whether a sink can serve a job, asked before the job starts; nothing is changed there."""

from __future__ import annotations

from udup.base import runtime
from udup.base.errors import Refused, UdupError
from udup.pipeline.checks import DEST, Check, Outcome
from udup.pipeline.ports import DeliverySettings, Destination, End

_REACH = "look at the Dest's settings, that the server runs, and that it lets this machine in"


def sink_checks(destination: Destination, job: str, end: End) -> list[Check]:
    """Return what a start would meet at the sink. The node's own NATS is not asked: the node would not be here."""
    assert end.delivery is not None, f"{end} takes no messages"
    settings = DeliverySettings.asking(job, end.delivery, "")
    try:
        destination.open_encoder(settings)  # refuses options that nobody knows
        if end.endpoint.host:
            runtime.run_loop(_reached(destination, settings))
    except Refused as refused:
        return [_failed(f"{each.where}: {each.problem}", each.remedy) for each in refused.faults]
    except UdupError as error:
        return [_failed(str(error))]
    return [Check(DEST, "connection", Outcome.PASS, destination.where)]


def _failed(found: str, remedy: str = "") -> Check:
    return Check(DEST, "connection", Outcome.FAIL, found, remedy or _REACH)


async def _reached(destination: Destination, settings: DeliverySettings) -> None:
    delivery = destination.open_delivery(settings, lambda _number: None)
    try:
        await delivery.connect()
    finally:
        await delivery.close()
