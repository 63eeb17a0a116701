"""What a job's checkpoint keeps of how the job began.

A job's start may be replaced by another document as long as the job has not begun. A run of the older document may
begin just then. The next run finds a checkpoint and goes on by it, so the newer start would have no effect, and
transactions could be left out. So the first checkpoint keeps a note: which incarnation of the job has made it, and a
digest of the position that it was told to begin after. A run that is told to begin elsewhere is refused.

Another incarnation is another job of the same ID: the one before was deleted and its checkpoint left, or another node
carries the job out. It goes on by the checkpoint, whatever its start says (`docs/jobs.md`). So does a job whose
checkpoint was made by a version that kept no note.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from udup.base.errors import Fault, Refused
from udup.base.long_text import cut_set
from udup.pipeline.checks import SRC

#: In the place of a digest: the job began with a full copy.
_BY_COPY = "copy"

#: Characters of a GTID set that are shown.
_SHOWN = 200


@dataclass(frozen=True)
class JobStart:
    """How a run's document has its job begin: by `position`, None for a full copy.

    `incarnation` tells the job from others of its ID, "" if that is not known. `copy_alone`: it is complete when its
    copy is on the target.
    """

    job: str
    incarnation: str = ""
    position: str | None = None
    copy_alone: bool = False

    @property
    def note(self) -> str:
        """Return what the first checkpoint keeps, at most 100 characters of ASCII; "" if nothing is to be kept."""
        if not self.incarnation:
            return ""
        digest = _BY_COPY if self.position is None else hashlib.sha256(self.position.encode()).hexdigest()
        return f"{self.incarnation} {digest}"

    def check_begun(self, note: str, executed: str) -> None:
        """Raise `Refused` if the job has begun otherwise, by the note of its checkpoint, which is at `executed` now.

        A document that names no start goes on by the checkpoint, unless it is one of a copy alone.
        """
        incarnation, _, digest = note.partition(" ")
        if not digest or incarnation != self.incarnation or note == self.note:
            return
        if self.position is not None:
            raise Refused([self._begun_elsewhere(executed, by_copy=digest == _BY_COPY)])
        if self.copy_alone:
            raise Refused([self._begun_without_copy(executed)])

    def _begun_elsewhere(self, executed: str, *, by_copy: bool) -> Fault:
        how = "by a full copy" if by_copy else "after another position"
        problem = (
            f"job {self.job} had begun already, {how}, when its document was replaced by one that begins after "
            f"{_shown(self.position or '')}: it would go on after its checkpoint, {_shown(executed)}, all the same"
        )
        remedy = (
            "if it is right to go on after the checkpoint, post the document without a start; to begin elsewhere, "
            f"delete the job with its checkpoint (udup job delete --purge {self.job}), have the tables on the target "
            "as they were at that place, and post the document again"
        )
        return Fault("Src", problem, remedy, SRC)

    def _begun_without_copy(self, executed: str) -> Fault:
        problem = (
            f"job {self.job} had begun already, without a copy, when its document was replaced by one of a copy alone: "
            f"nothing was copied, and its checkpoint is at {_shown(executed)}"
        )
        remedy = (
            "leave SkipIncrementalCopy out to go on after the checkpoint; to copy, delete the job with its checkpoint "
            f"(udup job delete --purge {self.job}) and post the document again"
        )
        return Fault("Src", problem, remedy, SRC)


def _shown(position: str) -> str:
    return cut_set(position, _SHOWN) or "nothing"
