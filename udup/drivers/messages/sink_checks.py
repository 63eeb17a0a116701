"""Whether a sink can serve a job, asked before the job starts; nothing is changed there."""

from __future__ import annotations

from udup.base import runtime
from udup.base.errors import Refused, UdupError
from udup.pipeline.checks import DEST, Check, Outcome
from udup.pipeline.ports import DeliveryPlan, DeliverySettings, Destination

_REACH = "look at the Dest's settings, that the server runs, and that it lets this machine in"


def sink_checks(destination: Destination, job: str, plan: DeliveryPlan) -> list[Check]:
    """Return what a start would meet at the sink."""
    settings = DeliverySettings(job, 0, "validate", plan)
    try:
        runtime.run_loop(_reached(destination, settings))
    except Refused as refused:
        return [
            Check(DEST, "connection", Outcome.FAIL, f"{each.where}: {each.problem}", each.remedy or _REACH)
            for each in refused.faults
        ]
    except UdupError as error:
        return [Check(DEST, "connection", Outcome.FAIL, str(error), _REACH)]
    return [Check(DEST, "connection", Outcome.PASS, destination.where)]


async def _reached(destination: Destination, settings: DeliverySettings) -> None:
    destination.open_encoder(settings)  # refuses options that nobody knows
    delivery = destination.open_delivery(settings, lambda _number: None)
    try:
        await delivery.connect()
    finally:
        await delivery.close()
