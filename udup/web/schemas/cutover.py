"""A cut-over as answers show it, and as it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from udup.base.errors import Fault, Refused
from udup.pipeline.cutover import state
from udup.web.schemas.shape import Shape, rfc3339

#: Seconds that anything before the switch may be tried for.
LONGEST_TIMEOUT_S = 3600.0


class CutoverStep(Shape):
    """One step, in its order. `Time` is when its state changed last."""

    step: str = Field(description=", ".join(state.StepName))
    state: str = Field(description=", ".join(state.StepState))
    time: str
    text: str


class Cutover(Shape):
    """How far a job's cut-over is. `Switched`: the target is the new server, and nothing is undone any more."""

    id: str
    state: str = Field(description=", ".join(state.CutoverState))
    since: str
    switched: str = Field(description="when the job was ended for it; 0001-01-01T00:00:00Z before")
    source_read_only: bool
    writes_stopped: bool
    enable_events: bool
    reverse: bool
    dry_run: bool
    timeout: float
    text: str = Field(description="what came of it, and what is left to do")
    position: str = Field(description="what the target had executed when the job had ended: the way back begins there")
    way_back: str = Field(description="the ID of the job that brings changes back")
    steps: list[CutoverStep]


class CutoverRequest(Shape):
    """What is asked of a cut-over; whatever is absent is false. One that has stopped goes on as it began."""

    source_read_only: bool = Field(default=False, description="have Udup make the source read-only for everybody")
    writes_stopped: bool = Field(default=False, description="your word that nothing writes to the source")
    enable_events: bool = Field(
        default=False, description="enable on the target the events that the source has enabled"
    )
    reverse: bool = Field(default=False, description="start a job that brings changes back to the source")
    dry_run: bool = Field(default=False, description="check, and tell what would be done")
    timeout: float = Field(
        default=state.DEFAULT_TIMEOUT_S,
        gt=0,
        le=LONGEST_TIMEOUT_S,
        description="seconds for what comes before the switch",
    )


def cutover_of(cutover: state.Cutover) -> dict[str, Any]:
    """Return the answer's object."""
    options = cutover.options
    return Cutover(
        id=cutover.id,
        state=cutover.state.value,
        since=rfc3339(cutover.since_ns),
        switched=rfc3339(cutover.switched_ns),
        source_read_only=options.source_read_only,
        writes_stopped=options.writes_stopped,
        enable_events=options.enable_events,
        reverse=options.reverse,
        dry_run=options.dry_run,
        timeout=options.timeout_s,
        text=cutover.text,
        position=cutover.position,
        way_back=cutover.way_back if cutover.options.reverse else "",
        steps=[
            CutoverStep(step=each.name.value, state=each.state.value, time=rfc3339(each.time_ns), text=each.text)
            for each in cutover.steps
        ],
    ).to_json()


_FLAGS = {
    "SourceReadOnly": "source_read_only",
    "WritesStopped": "writes_stopped",
    "EnableEvents": "enable_events",
    "Reverse": "reverse",
    "DryRun": "dry_run",
}


def options_of(body: object) -> state.Options:
    """Return what a request's body asks for; `Refused` with every fault of it."""
    if not isinstance(body, Mapping):
        raise Refused([Fault("the request's body", "must be a JSON object", 'as {"SourceReadOnly": true}')])
    faults: list[Fault] = []
    said: dict[str, Any] = {}
    for key, value in body.items():
        if key in _FLAGS and isinstance(value, bool):
            said[_FLAGS[key]] = value
        elif key in _FLAGS:
            faults.append(Fault(key, f"must be true or false, got {str(value)[:80]!r}", f'write "{key}": true'))
        elif key == "Timeout":
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= LONGEST_TIMEOUT_S:
                faults.append(
                    Fault(key, f"must be seconds, more than 0 and at most {LONGEST_TIMEOUT_S:.0f}", 'as "Timeout": 60')
                )
            else:
                said["timeout_s"] = float(value)
        else:
            known = ", ".join([*_FLAGS, "Timeout"])
            faults.append(Fault(str(key)[:80], "is no key of a cut-over", f"known are {known}"))
    if faults:
        raise Refused(faults)
    return state.Options(**said)
