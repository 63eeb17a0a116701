"""What is said about a run that looks level where its job is to end: see `completion.py`."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class AskExecuted:
    """To SrcExtractor: ask the source what it has executed, now. Answered by `SourceExecuted` or `RunEnded`."""

    run: int


@dataclass(frozen=True)
class SourceExecuted:
    """The whole position, however long: what was committed before the question is in it."""

    run: int
    executed: str = field(repr=False)


@dataclass(frozen=True)
class Reach:
    """To DestApplier: say when all of this is executed. Answered by `HasReached`."""

    run: int
    executed: str = field(repr=False)


@dataclass(frozen=True)
class HasReached:
    run: int
