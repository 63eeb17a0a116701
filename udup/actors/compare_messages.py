"""What is said about comparisons: by clients, and between supervisor, the comparing actor, and a run's tasks."""

from __future__ import annotations

from dataclasses import dataclass, field

from udup.actors.messages import Command
from udup.base.errors import Failure
from udup.pipeline.ports import JobPlan
from udup.pipeline.ports.compare import ComparePlan
from udup.pipeline.verify.rounds import Heard, ToApplier, ToExtractor
from udup.pipeline.verify.settings import VerifyProgress, VerifySettings
from udup.pipeline.verify.state import CompareOptions


@dataclass(frozen=True)
class StartCompare(Command):
    """Begin a comparison of a job's two servers."""

    job_id: str
    options: CompareOptions


@dataclass(frozen=True)
class StopCompare(Command):
    """End the comparison that is under way."""

    job_id: str


@dataclass(frozen=True)
class CompareJob:
    """To JobVerifier: compare. Ends by `CompareEnded`."""

    attempt: int
    settings: VerifySettings
    plan: JobPlan = field(repr=False)
    compare: ComparePlan

    @property
    def run(self) -> int:
        return self.attempt


@dataclass(frozen=True)
class AskRun:
    """JobVerifier to the supervisor: for a task of the job's present run."""

    attempt: int
    question: ToApplier | ToExtractor


@dataclass(frozen=True)
class MarkOrder:
    """To a task: of the comparison's."""

    run: int
    order: ToApplier | ToExtractor


@dataclass(frozen=True)
class MarkAnswer:
    """A task's answer."""

    run: int
    answer: Heard


@dataclass(frozen=True)
class RunSaid:
    """To JobVerifier: what a task of the run has answered, or `lost`: why there is none to answer."""

    attempt: int
    answer: Heard | None = None
    lost: str = ""


@dataclass(frozen=True)
class CompareProgress:
    attempt: int
    progress: VerifyProgress


@dataclass(frozen=True)
class CompareEnded:
    """The engine has ended: all was compared, unless there is a failure."""

    attempt: int
    failure: Failure | None = None


@dataclass(frozen=True)
class CompareTick:
    """A wake-up: look whether the job's comparison is to be carried on."""

    job_id: str
