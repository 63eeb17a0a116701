"""What a run waits for: one value for both sides, from where it is noticed to where people read it.

An engine knows that it waits, and since when (`Waits`). Why, only the server can tell: the driver asks it on another
connection than the one that waits (`TargetControl.look_at_waits`). Both become one `Wait`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from udup.base import runtime
from udup.base.errors import Side

#: Seconds after which a wait is told. What takes less is the usual.
TOLD_SECONDS = 5.0

#: Characters of a statement that are shown.
STATEMENT_MAX = 200


class WaitKind(StrEnum):
    """What is waited for. The values are words of the API's and the metrics'."""

    ROW_LOCK = "row lock"
    METADATA_LOCK = "metadata lock"
    GLOBAL_READ_LOCK = "global read lock"  # FLUSH TABLES WITH READ LOCK, or a server that becomes read-only
    TABLE_LOCK = "table lock"
    BACKUP_LOCK = "backup lock"  # LOCK INSTANCE FOR BACKUP
    FULL_DISK = "full disk"
    STATEMENT = "statement"  # a statement that runs, and of which the server says nothing more
    CHECKPOINT = "checkpoint"  # the base row is being written
    CONNECTION = "connection"  # a sink that has not answered yet
    SINK = "sink"  # it has not stored what is under way, or takes nothing
    TAKE_OVER = "take-over"  # the job's place on the target
    PREPARED = "prepared transactions"  # the moment of a snapshot, in which there may be none
    CREDITS = "credits"  # the target has not applied what the window of the log holds
    COPY_CREDITS = "copy credits"  # a worker has not loaded what its window of copied rows holds
    TARGET_TABLES = "target tables"  # the target has not made the tables of a copy yet
    SOURCE = "source"  # it has sent nothing for long, not even that there is nothing


#: Waits that are over when the other side's is.
CONSEQUENCES = frozenset({WaitKind.CREDITS, WaitKind.COPY_CREDITS, WaitKind.TARGET_TABLES, WaitKind.SOURCE})

#: Waits of which the server has said no more than that a statement runs.
UNEXPLAINED = frozenset({WaitKind.STATEMENT, WaitKind.CHECKPOINT, WaitKind.TAKE_OVER})


@dataclass(frozen=True, slots=True)
class Blocker:
    """A session that is in the way: its ID on the server, its account, its statement, and for how many seconds.

    `idle`: it runs nothing, and holds what it holds until its transaction ends; `statement` is its last one then.
    """

    session: int
    user: str = ""
    statement: str = ""
    seconds: int = 0
    idle: bool = False


@dataclass(frozen=True, slots=True)
class Wait:
    """`side` is where what is waited for is; `since` in seconds since the epoch.

    `statement` is what waits, `worker` who, 0 for none; `hint` what would tell more.
    """

    what: WaitKind
    side: Side
    since: float
    statement: str = ""
    gtid: str = ""
    table: str = ""
    worker: int = 0
    blocked_by: Blocker | None = None
    hint: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return it as the API has it: what is not known is left out."""
        shown: dict[str, Any] = {"what": self.what.value, "since": round(self.since), "side": self.side.value}
        for name in ("statement", "gtid", "table", "worker", "hint"):
            if value := getattr(self, name):
                shown[name] = value
        if (other := self.blocked_by) is not None:
            shown["blocked_by"] = {name: getattr(other, name) for name in Blocker.__dataclass_fields__}
        return shown


@dataclass(frozen=True, slots=True)
class SessionWait:
    """What the target says of one of the job's sessions: why it waits, and for how many seconds.

    `worker` is the one whose session it is, 0 for any other. `since` is when the session began to wait.
    """

    what: WaitKind
    since: float
    worker: int = 0
    statement: str = ""
    table: str = ""
    blocked_by: Blocker | None = None
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Began:
    """When something began: on the clock of `runtime.now`, and in seconds since the epoch."""

    now: float
    wall: float

    @classmethod
    def here(cls) -> Began:
        return cls(runtime.now(), runtime.wall())

    @property
    def lasted(self) -> float:
        return runtime.now() - self.now


class Waits:
    """The waits that are under way, each from its beginning on. May be used on any thread.

    `begun` is called, on that thread, whenever one begins.
    """

    def __init__(self, side: Side, begun: Callable[[], None] = lambda: None) -> None:
        self._side = side
        self._begun = begun
        self._began: dict[int, tuple[Wait, Began]] = {}
        self._number = 0

    @property
    def any(self) -> bool:
        """Return whether anything is waited for now."""
        return bool(self._began)

    @contextmanager
    def on(
        self,
        what: WaitKind,
        *,
        statement: str = "",
        gtid: str = "",
        table: str = "",
    ) -> Iterator[Callable[[Blocker | None], None]]:
        """Name what is waited for inside of it; what is yielded is told who is in the way, where that is found out."""
        self._number += 1
        number, began = self._number, Began.here()
        wait = Wait(what, self._side, began.wall, shortened(statement), gtid, table)
        self._began[number] = wait, began
        self._begun()
        try:
            yield lambda blocker: self._began.update({number: (replace(wait, blocked_by=blocker), began)})
        finally:
            self._began.pop(number, None)

    def longest(self, seconds: float = TOLD_SECONDS) -> Wait | None:
        """Return what has been waited for longest, None if nothing for so many seconds."""
        long = [(began.now, wait) for wait, began in list(self._began.values()) if began.lasted >= seconds]
        return min(long, key=lambda each: each[0])[1] if long else None


def shortened(statement: str) -> str:
    """Return a statement in one line, no longer than is shown."""
    text = " ".join(statement.split())
    return text if len(text) <= STATEMENT_MAX else text[:STATEMENT_MAX] + " …"


def explained(wait: Wait | None, sessions: Iterable[SessionWait]) -> Wait | None:
    """Return a wait of the target's side with what the server says of the sessions.

    The one that says why counts before one that does not, and the longest of several. Without a `wait` of the engine's
    own (while rows are copied) only a reason is worth telling.
    """
    found = [each for each in sessions if wait is not None or each.what not in UNEXPLAINED]
    if wait is not None and wait.worker:
        found = [each for each in found if each.worker == wait.worker] or found
    told = min(found, key=lambda each: (each.what in UNEXPLAINED, each.since), default=None)
    if told is None:
        return wait
    if wait is None:
        wait = Wait(told.what, Side.TARGET, told.since, worker=told.worker)
    is_same = wait.worker in (0, told.worker)
    return replace(
        wait,
        what=wait.what if told.what in UNEXPLAINED else told.what,
        since=min(wait.since, told.since),
        statement=wait.statement or told.statement,
        gtid=wait.gtid if is_same else "",
        table=told.table or wait.table,
        worker=told.worker or wait.worker,
        blocked_by=told.blocked_by,
        hint=told.hint,
    )
