"""Whether the target has everything that the source has executed, asked now."""

from __future__ import annotations

from udup.base.errors import UdupError
from udup.pipeline.cutover.asking import ask
from udup.pipeline.cutover.check import listed
from udup.pipeline.cutover.state import shortened
from udup.pipeline.ports import Drivers, JobPlan, Source

#: Characters of a set of transactions in a message.
_SHOWN = 200


def ask_level(drivers: Drivers, plan: JobPlan) -> tuple[str, str]:
    """Return what the source has executed and "" where the target has all of it; "" and what is missing otherwise.

    The order counts: no transaction that could still commit is left before the source is asked what it has executed.
    """
    if unfinished := drivers.source_gate(plan.source).unfinished():
        return "", f"XA transactions are not ended on the source: {listed(unfinished)}"
    executed = drivers.source(plan.source).executed()
    have = drivers.target(plan.target).executed(plan.job)
    if have is None:
        return "", f"the target has no checkpoint of job {plan.job}"
    if missing := executed - have:
        return "", f"{len(missing)} transactions are not on the target, the first of {shortened(str(missing), _SHOWN)}"
    if kept := drivers.target_gate(plan.target).kept(plan.job):
        return "", f"prepared transactions are kept on the target: {listed(kept)}"
    return str(executed), ""


async def late_on(source: Source, until: str, seconds: float) -> str:
    """Return what the old source has executed since the switch, for people: nobody carries it over."""
    try:
        executed = await ask(source.executed, seconds=seconds)
    except UdupError as error:
        return f"; whether the old source has executed anything since is not known: {error}"
    written = executed - source.position(until)
    if not written:
        return ""
    return f"; THE OLD SOURCE HAS EXECUTED {shortened(str(written), 300)} SINCE: that is not on the target, look at it"
