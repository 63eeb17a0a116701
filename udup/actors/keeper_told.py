"""What a node's keeper tells its supervisor, beside what is in `cluster/told.py`: answers, and what has happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from udup.cluster.asking import Answer, Ask
from udup.cluster.orders import Ordered


@dataclass(frozen=True)
class Holding:
    """These jobs are this node's, by the first reading of the bucket; what it carries besides, it has lost."""

    jobs: frozenset[str]


@dataclass(frozen=True)
class Begun:
    """A run of the job may begin, by this number; or not, `number` 0, and why."""

    job: str
    token: int
    number: int
    why: str = ""


@dataclass(frozen=True)
class Routed:
    """Where a wish belongs: the other node's `answer`; or `here`; or nobody's who lives, `node` had it last.

    `failed` says why it could not be found out, or that nobody knows whether it was heard.
    """

    ticket: int
    answer: Answer | None = None
    here: bool = False
    node: str = ""
    failed: str = ""


@dataclass(frozen=True)
class Asked:
    """Another node asks. `AnswerNode` of its number answers."""

    number: int
    ask: Ask


@dataclass(frozen=True)
class NobodyElse:
    """No node is left that could try a job which has failed here; `others`: what those that tried have met."""

    job: str
    token: int
    others: Mapping[str, str]


@dataclass(frozen=True)
class NobodyReaches:
    """No other node is to be tried now with a job whose server is away; `again_in`: seconds until to ask again."""

    job: str
    token: int
    again_in: float


@dataclass(frozen=True)
class OrderGiven:
    """What comes of an operator's order."""

    ticket: int
    ordered: Ordered


@dataclass(frozen=True)
class Gone:
    """This node has said that it is gone."""


@dataclass(frozen=True)
class AreYouThere:
    """Needs no answer: it is noted that it was handled (`pulse.py`)."""


@dataclass(frozen=True)
class Hangs:
    """The supervisor has handled nothing for so long: its process is to be ended."""

    seconds: float
