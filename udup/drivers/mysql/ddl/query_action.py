"""What a Query event of the log means for a job: said by the judge (`judge.py`), carried out by the assembler."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum


class Action(Enum):
    """What a Query event means for the job."""

    BEGIN = "begin"
    COMMIT = "commit"
    IGNORE = "ignore"  # inside a transaction, and nothing to be done: savepoints
    SKIP = "skip"  # a statement by itself that is not the job's
    CARRY = "carry"  # a statement by itself to be run on the target
    CREATE = "create"  # CREATE TABLE … SELECT: runs first in its transaction
    XA = "xa"


@dataclass(frozen=True)
class Verdict:
    """`query` is the event to run instead of the one that was judged, if another one is to be."""

    action: Action
    summary: str = ""
    query: bytes = b""


#: Judges a Query event (CRC included or not, as the flag says); raises `Unsupported` for what cannot be carried.
Judge = Callable[[bytes, bool], Verdict]
