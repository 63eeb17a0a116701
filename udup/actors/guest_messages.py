"""What the supervisor and the node's keeper say to each other of tasks on another node than their job's owner.

What the keeper tells is in `cluster/guests.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

from udup.cluster.guest_words import Word


@dataclass(frozen=True)
class TellGuest:
    """Say something to the guest of a run on another node; the first word makes it."""

    job: str
    run: int
    node: str
    word: Word


@dataclass(frozen=True)
class EndGuest:
    """The run is over, or needs no source any more."""

    job: str
    run: int


@dataclass(frozen=True)
class GuestSays:
    """A guest that is here says something to its job's owner."""

    job: str
    run: int
    word: Word


@dataclass(frozen=True)
class Abroad:
    """In place of an actor's address: the SrcExtractor of a job on another node."""

    job_id: str


@dataclass(frozen=True)
class LookAgain:
    """A wake-up: the job's record may be stored by now, so that its source can be looked at elsewhere."""

    job_id: str
    run: int
