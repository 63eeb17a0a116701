"""What the target of a small world keeps of jobs whose tables change: who has a checkpoint of which tables.

It does what `drivers/mysql/apply/joining.py` does, and notes what must never be: a side job that runs beside its join,
a copy of tables that are there, a checkpoint that a run does not know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from udup.base.errors import Failure, FailureKind, Fault
from udup.pipeline.apply.settings import ApplierSettings

if TYPE_CHECKING:
    from tests.actors.small_world import World

POSITION = "u:1-5"


class Checkpoints:
    """`of` is the digest of each job's selection; `apart` why no side job can be taken in now."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.of: dict[str, str] = {}
        self.apart = ""
        self.wrong: list[str] = []
        self.joins = 0
        self.copies: list[str] = []

    def take_over(self, settings: ApplierSettings) -> tuple[str | None, str] | Failure:
        """Return position and why the side job stands apart, or a refusal."""
        job, digest, join = settings.job, settings.selection.digest, settings.join
        there = self.of.get(job)
        if join is not None and self._runs(join.side):
            self.wrong.append(f"{join.side} runs while {job} takes it in")
        if join is not None and there == join.kept.digest:
            return self._join(settings, digest)
        if join is not None and (there != digest or join.side in self.of):
            return self._refused(f"{job} has nothing to take in")
        if there is None:
            return None, ""
        if there not in (digest, settings.leaves and settings.leaves.before):
            return self._refused(f"the checkpoint of {job} is of other tables")
        self.of[job] = digest
        return POSITION, ""

    def _join(self, settings: ApplierSettings, digest: str) -> tuple[str | None, str] | Failure:
        join = settings.join
        assert join is not None
        if self.apart:
            return POSITION, self.apart
        if self.of.get(join.side) != join.taken.digest:
            return self._refused(f"{join.side} has no checkpoint of its tables")
        del self.of[join.side]
        self.of[settings.job], self.joins = digest, self.joins + 1
        return POSITION, ""

    def _refused(self, why: str) -> Failure:
        self.wrong.append(why)
        fault = Fault("Dest", why)
        return Failure(FailureKind.REFUSED, str(fault), (fault,))

    def _runs(self, job: str) -> bool:
        applier = self._world.child_of("applier", job)
        return applier is not None and applier.run != 0

    def copied(self, settings: ApplierSettings) -> None:
        """A full copy has ended."""
        if settings.job not in self.of:
            self.of[settings.job] = settings.selection.digest
            self.copies.append(settings.job)

    def purge(self, job: str) -> None:
        self.of.pop(job, None)
