"""Whether the node's own JetStream can serve a subscription, asked before it starts; drivers ask all other sinks."""

from __future__ import annotations

from udup.base import runtime
from udup.base.errors import Refused, UdupError
from udup.pipeline.checks import DEST, Check, Outcome
from udup.pipeline.ports import DeliverySettings, Drivers, JobPlan

_LATER = "see what the node's health says (udup node status), and try again"


def own_sink_checks(drivers: Drivers, plan: JobPlan, nats_url: str) -> list[Check]:
    """Return what a start would meet in the node's own JetStream; nothing of a job whose target is elsewhere."""
    end = plan.target
    if end.delivery is None or end.endpoint.host or not nats_url:
        return []
    settings = DeliverySettings.asking(plan.job, end.delivery, nats_url)
    try:
        delivery = drivers.destination(end).open_delivery(settings, lambda _number: None)

        async def reach() -> None:
            try:
                await delivery.connect()
            finally:
                await delivery.close()

        runtime.run_loop(reach())
    except Refused as refused:
        return [
            Check(DEST, "stream", Outcome.FAIL, f"{each.where}: {each.problem}", each.remedy) for each in refused.faults
        ]
    except UdupError as error:
        return [Check(DEST, "stream", Outcome.FAIL, str(error), _LATER)]
    return [Check(DEST, "stream", Outcome.PASS, "it is this job's, or there is none yet")]
