"""What a comparison is to do, and how it stands."""

from __future__ import annotations

from dataclasses import dataclass

from udup.pipeline.ports.compare import DefinitionDifference, TableCompared


@dataclass(frozen=True)
class VerifySettings:
    """`id` tells this comparison from others of the job.

    `continuous`: begin again when the last table was compared, after a pause. `whole`: of all the job's tables.
    """

    job: str
    id: str = ""
    first_round: int = 1
    continuous: bool = False
    whole: bool = True
    snapshot_seconds: float = 60.0
    pause_seconds: float = 5.0


@dataclass(frozen=True)
class VerifyProgress:
    """How a comparison stands. `round` counts from 1; `tables` are compared in this round, `unlike` those of them
    that differ or could not be compared, as many as are told. `found` names the
    first rows that differ. So many `definitions` differ; `defined` are the first of them, and of what is told beside.

    `rows` were compared in this round, `differences` found. `position` is that of the snapshots under comparison.
    `waits` says why there are none now. `ended`: a single comparison is complete.
    """

    round: int = 1
    tables: int = 0
    unlike: tuple[TableCompared, ...] = ()
    found: tuple[str, ...] = ()
    rows: int = 0
    differences: int = 0
    position: str = ""
    waits: str = ""
    ended: bool = False
    failed_tries: int = 0
    definitions: int = 0
    defined: tuple[DefinitionDifference, ...] = ()
