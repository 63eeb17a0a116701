"""What a Query event of the log means for a job: decided by `query_classifier.py`, done by the assembler."""

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
class QueryDecision:
    """What to do with a Query event. `query` is the event to run instead of it, if another one is to be."""

    action: Action
    summary: str = ""
    query: bytes = b""


#: Decides on a Query event (with a CRC or without, as the flag says); raises `Unsupported` for what cannot be carried.
Decide = Callable[[bytes, bool], QueryDecision]
