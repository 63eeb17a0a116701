"""What clients ask of single tables of a job."""

from __future__ import annotations

from dataclasses import dataclass

from udup.actors.messages import Command
from udup.pipeline.ports import Apart


@dataclass(frozen=True)
class WishSnapshot(Command):
    """The rows of these tables (`schema.table` on the source) are to be delivered once more."""

    job_id: str
    tables: tuple[str, ...]


@dataclass(frozen=True)
class ReloadTables(Command):
    """Load tables again, `schema.table` as on the source, while the job goes on for all others."""

    job_id: str
    tables: tuple[str, ...]


@dataclass(frozen=True)
class GiveUpTables(Command):
    """The tables that a job gets, or loads again, are not wanted any more: it goes on with those that it has."""

    job_id: str


@dataclass(frozen=True)
class KnowApart:
    """To SrcExtractor: a part of the job's tables is copied beside the run that goes on."""

    run: int
    apart: Apart
