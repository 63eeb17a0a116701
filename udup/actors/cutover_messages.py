"""What is said about cut-overs: by clients, and between the supervisor and the actor that carries one out."""

from __future__ import annotations

from dataclasses import dataclass, field

from udup.actors.messages import Command
from udup.base.errors import Failure
from udup.pipeline.cutover.host import CutoverSettings, JobNow
from udup.pipeline.cutover.state import Cutover, Options


@dataclass(frozen=True)
class StartCutover(Command):
    """Begin a cut-over, or carry on the one that has stopped."""

    job_id: str
    options: Options


@dataclass(frozen=True)
class AbortCutover(Command):
    """Undo a cut-over that has not switched yet."""

    job_id: str


@dataclass(frozen=True)
class CarryOn:
    """To CutoverCarrier: carry it on from where it is. Ends by `CutoverEnded`."""

    settings: CutoverSettings = field(repr=False)

    @property
    def run(self) -> int:
        return self.settings.attempt


@dataclass(frozen=True)
class Question:
    """Of the engine's to the supervisor; each is answered by `Answered` of its number."""

    attempt: int
    number: int


@dataclass(frozen=True)
class Keep(Question):
    """Store it, unless it is to be undone; see `pipeline/cutover/host.py`."""

    cutover: Cutover


@dataclass(frozen=True)
class AskJob(Question):
    """How is the job now?"""


@dataclass(frozen=True)
class AskTaken(Question):
    """Is there a job of this ID?"""

    job_id: str


@dataclass(frozen=True)
class CreateWayBack(Question):
    """Make the job that brings changes back."""

    cutover: Cutover


@dataclass(frozen=True)
class Answered:
    """`abort` and `taken` stand for the errors of these names, `failure` for any other."""

    attempt: int
    number: int
    job: JobNow | None = None
    is_taken: bool = False
    abort: str = ""
    taken: str = ""
    failure: Failure | None = None


@dataclass(frozen=True)
class CutoverEnded:
    """An engine has ended: what came of it is in the record, unless there is a failure."""

    attempt: int
    failure: Failure | None = None


@dataclass(frozen=True)
class CutoverTick:
    """A wake-up: the pause after an engine that died is over."""

    job_id: str
    attempt: int
