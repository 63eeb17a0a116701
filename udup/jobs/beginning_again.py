"""What to do for a subscription whose source has lost the log behind its position: a snapshot, told to its job.

Drivers say what is to be done for a target database (`base/remedies.py`). A subscription's messages stay where they
are, and a new snapshot goes behind them or elsewhere.
"""

from __future__ import annotations

import shlex
from dataclasses import replace

from udup.base import remedies
from udup.base.errors import Failure, Fault
from udup.pipeline.checks import Check


def for_subscription(job: str, text: str) -> str:
    """Return a text of a subscription with its own remedy in the place of one for a database."""
    for told in remedies.ALL:
        text = text.replace(told, _remedy(job))
    return text


def failure_of(job: str, failure: Failure) -> Failure:
    """Return a subscription's failure, in whose text and faults what to do is its own."""
    faults = tuple(_fault(job, each) for each in failure.faults)
    return replace(failure, text=for_subscription(job, failure.text), faults=faults)


def check_of(job: str, check: Check) -> Check:
    """Return a check of a subscription with its own remedy."""
    return replace(check, found=for_subscription(job, check.found), remedy=for_subscription(job, check.remedy))


def _fault(job: str, fault: Fault) -> Fault:
    problem, remedy = for_subscription(job, fault.problem), for_subscription(job, fault.remedy)
    return replace(fault, problem=problem, remedy=remedy)


def _remedy(job: str) -> str:
    return (
        f"begin with a new snapshot: udup job delete --purge {shlex.quote(job)}, and post the document again without a"
        " start (Gtid, …): all rows come as reads into the same Prefix and stream or topics, behind what is there; or"
        " post it with another ID, Prefix and Stream, and let consumers begin there"
    )
