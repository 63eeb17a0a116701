"""A comparison as it is kept in its job's record: what was asked, how far it is, what it has found."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Self

from udup.base import runtime
from udup.base.kept import Kept
from udup.pipeline.ports.compare import DefinitionDifference
from udup.pipeline.verify.settings import VerifyProgress

#: Letters of a text, of a table's, and of a definition's that are kept.
TEXT_MAX, TABLE_TEXT_MAX, DEFINITION_TEXT_MAX = 1000, 300, 700


class CompareState(StrEnum):
    """`FAILED`: it could not be carried out to its end. The values are words of the API's."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


class CompareOptions(Kept):
    """`tables` are schema.table on the source, () for all of the job's. `rows_per_second`: 0 for no bound.

    `repair`: the rows of the ledger are put right, and nothing is compared. `stands_still`: the job does, and
    tables are put right as the source has them now.
    """

    tables: tuple[str, ...] = ()
    rows_per_second: int = 0
    continuous: bool = False
    repair: bool = False
    stands_still: bool = False


class UnlikeTable(Kept):
    """A table that differs, or could not be compared: `problem` says why."""

    name: str
    differences: int = 0
    problem: str = ""


class UnlikeDefinition(Kept):
    """Something that is defined otherwise. `counts`: the servers are not equal by it; else it is told, no more."""

    text: str
    counts: bool = True
    remedy: str = ""


class Comparison(Kept):
    """`round` counts from 1. `tables`, `rows` and `differences` are of this round, `found` are its first rows.

    So many `definitions` differ, and `defined` are the first of these and of what is told beside.
    `last_*` are those of the round before, of a continuous one. `text` says what it waits for, or why it has failed.
    `then` is what begins behind it: a comparison that a repair has ended. `document` is
    what the job's document wanted last that was begun; `of_document`: this is it.
    """

    id: str
    options: CompareOptions
    since_ns: int
    state: CompareState = CompareState.RUNNING
    ended_ns: int = 0
    round: int = 1
    tables: int = 0
    rows: int = 0
    differences: int = 0
    unlike: tuple[UnlikeTable, ...] = ()
    found: tuple[str, ...] = ()
    failed_tries: int = 0
    definitions: int = 0
    defined: tuple[UnlikeDefinition, ...] = ()
    last_ended_ns: int = 0
    last_differences: int = 0
    last_definitions: int = 0
    text: str = ""
    then: CompareOptions | None = None
    document: CompareOptions | None = None
    of_document: bool = False

    @classmethod
    def asked(cls, options: CompareOptions, then: CompareOptions | None = None) -> Comparison:
        """Return one that begins now."""
        return cls(id=runtime.new_id(), options=options, since_ns=runtime.wall_ns(), then=then)

    @property
    def is_active(self) -> bool:
        """Whether an engine is to carry it on."""
        return self.state is CompareState.RUNNING

    @property
    def equal(self) -> bool:
        """Whether everything that was asked for was compared, and is equal."""
        return self.state is CompareState.DONE and not (self.differences or self.unlike or self.definitions)

    def at(self, progress: VerifyProgress) -> Self:
        """Return it as its engine says that it stands."""
        ended: dict[str, Any] = {}
        if progress.round > self.round:
            ended = {"last_ended_ns": runtime.wall_ns(), "last_differences": self.differences}
            ended["last_definitions"] = self.definitions
        if progress.ended:
            ended = {"state": CompareState.DONE, "ended_ns": runtime.wall_ns()}
        unlike = tuple(
            UnlikeTable(
                name=f"{table.schema}.{table.table}",
                differences=table.differences + table.unsearched,
                problem=table.problem[:TABLE_TEXT_MAX],
            )
            for table in progress.unlike
        )
        told = {"round": progress.round, "tables": progress.tables, "rows": progress.rows, "unlike": unlike}
        told |= {"differences": progress.differences, "found": progress.found, "text": progress.waits[:TEXT_MAX]}
        told |= {"definitions": progress.definitions, "defined": tuple(map(_defined, progress.defined))}
        return self.model_copy(update={**told, "failed_tries": progress.failed_tries, **ended})

    def over(self, state: CompareState, text: str = "") -> Self:
        """Return it as ended otherwise than by its last table."""
        return self.model_copy(update={"state": state, "ended_ns": runtime.wall_ns(), "text": text[:TEXT_MAX]})


def _defined(difference: DefinitionDifference) -> UnlikeDefinition:
    text, remedy = str(difference)[:DEFINITION_TEXT_MAX], difference.remedy[:DEFINITION_TEXT_MAX]
    return UnlikeDefinition(text=text, counts=difference.counts, remedy=remedy)
