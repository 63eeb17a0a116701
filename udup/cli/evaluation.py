"""Waiting for an evaluation, as the original does after it has registered a job."""

from __future__ import annotations

import time
from typing import Any

from udup.cli import exits
from udup.cli.options import Session
from udup.cli.output import short

#: Seconds between two looks.
POLL_SECONDS = 1.0

#: The exit code for tasks that found no place.
NOT_PLACED = 2

_OVER = ("complete", "failed", "canceled")


def monitor(session: Session, eval_id: str, verbose: bool) -> int:
    """Tell what becomes of an evaluation until it is over; the exit code."""
    name, told = short(eval_id, verbose), ""
    say = session.out.say
    say(f'==> Monitoring evaluation "{name}"')
    while True:
        found = session.api.get(f"/v1/evaluation/{eval_id}")
        if not told:
            say(f'    Evaluation triggered by job "{found["JobID"]}"')
        if found["Status"] != told:
            say(f'    Evaluation status changed: "{told or "pending"}" -> "{found["Status"]}"')
            told = found["Status"]
        if told in _OVER:
            break
        time.sleep(POLL_SECONDS)
    for allocation in session.api.get(f"/v1/evaluation/{eval_id}/allocations"):
        _tell_placed(session, allocation, verbose)
    say(f'==> Evaluation "{name}" finished with status "{told}"')
    if found["FailedTGAllocs"]:
        say(f"    No place was found for: {', '.join(found['FailedTGAllocs'])}")
        return NOT_PLACED
    return exits.OK if told == "complete" else exits.FAILED


def _tell_placed(session: Session, allocation: dict[str, Any], verbose: bool) -> None:
    identity, node = short(allocation["ID"], verbose), short(allocation["NodeID"], verbose)
    session.out.say(f'    Allocation "{identity}" created: node "{node}", task "{allocation["Task"]}"')
