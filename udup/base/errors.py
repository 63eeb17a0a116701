"""The one family of errors. A message says what was tried, on what, and what to do about it.

What a job does about an error follows from its kind alone. An error is raised as a class; it travels between threads,
processes and the API as a `Failure`, the same thing as a value.

* `Transient`: a lost connection, a lock wait. The run ends and a new one resumes from the checkpoint, with
  back-off, a bounded number of times.
* `Unavailable`: a server, NATS or this machine is away, full, read-only or has no room: time heals it, so the job waits
  for as long as that lasts, and shows for what (`side`).
* `Contended`: a lock was not granted in time, or a deadlock was broken: the same work may be tried again at once. One
  that ends a run all the same is waited for like a server that is away, and told as what it is.
* `Superseded`: another run of the same job, perhaps of another node, has taken the job over on the target. The run
  ends; after a pause that grows the job looks again, and takes over only when the other one's connection is gone.
* `Refused`: the job cannot start as things are. It fails at once, with every fault that was found.
* `Unsupported`: the source logged something that this version cannot carry exactly. The job fails before it.
* `Conflict`: the target refused a group of transactions. A run from the checkpoint takes them one by one, which either
  succeeds or tells exactly which one it is, as a `Divergence`.
* `Divergence`: the target is not what the checkpoint says it is. The job fails and touches nothing more.
* Any other is a fault of Udup itself. The job fails.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import ClassVar, Self

from udup.base.causes import Cause, Reason, reason

#: What the text of an error begins with that nobody foresaw.
UNFORESEEN = "an error in Udup itself"


class FailureKind(StrEnum):
    """What kind of error ended a run. The values are words of the API's and of the log's."""

    TRANSIENT = "Transient"
    UNAVAILABLE = "Unavailable"
    CONTENDED = "Contended"
    SUPERSEDED = "Superseded"
    REFUSED = "Refused"
    UNSUPPORTED = "Unsupported"
    CONFLICT = "Conflict"
    DIVERGENCE = "Divergence"
    INTERNAL = "UdupError"

    @property
    def passes(self) -> bool:
        """Whether the same attempt may succeed later, with nothing changed."""
        return self is FailureKind.TRANSIENT or self.heals

    @property
    def heals(self) -> bool:
        """Whether time alone heals it, so that it is waited for without end."""
        return self in (FailureKind.UNAVAILABLE, FailureKind.CONTENDED)


class Side(StrEnum):
    """Where an error came from. The values are words of the API's and the metrics'."""

    SOURCE = "source"
    TARGET = "target"
    NATS = "nats"
    NODE = "node"


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: where (`Src 127.0.0.1:3306`, `Tasks[0].Config.…`), what, and what to do about it.

    `task` is the job's task that it is a fault of (`Src`, `Dest`), "" where that is not known; `where` is for people.
    `cause` is a `Cause` where it is more than that the job cannot start so.
    """

    where: str
    problem: str
    remedy: str = ""
    task: str = ""
    cause: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}" + (f" -- {self.remedy}" if self.remedy else "")


@dataclass(frozen=True)
class Contradicted:
    """The tables of the target that stand against a transaction, schema and name as they are there.

    `rows`: by their rows, so it is enough to put these right; else by their definitions.
    """

    tables: tuple[tuple[str, str], ...]
    rows: bool = False


class UdupError(Exception):
    """Base of everything that Udup raises on purpose. `gtid` and `table` are what it is about, where that is known.

    `side` is where it came from, None where whoever raised it cannot know; the actor that reports it knows then.
    `kept` names what the target keeps about the transaction beside its rows: the xid that it ends, or the GTID of
    Udup's own under which its statement runs. Whoever passes over the transaction needs it.
    `contradicted` is which tables of the target stand against the transaction, where that is known.
    `faults` is what is wrong one by one, where the error has it so. `reloads` are tables by their names on the source:
    the job goes on when these are loaded again. `reason` is what exactly is the matter, for programs.
    """

    kind: ClassVar[FailureKind] = FailureKind.INTERNAL
    side: Side | None = None
    kept: str = ""
    contradicted: Contradicted | None = None
    faults: Sequence[Fault] = ()
    reloads: tuple[str, ...] = ()
    reason: Reason | None = None

    def __init__(self, text: str = "", *, gtid: str = "", table: str = "") -> None:
        super().__init__(text)
        self.gtid, self.table = gtid, table

    def about(self, gtid: str, what: str = "") -> Self:
        """Return the same error, whose text begins with the transaction, and with `what` of it is meant."""
        return self.beginning(f"{gtid}: {what}: " if what else f"{gtid}: ", gtid)

    def beginning(self, front: str, gtid: str = "") -> Self:
        """Return the same error with this in front of its text."""
        made = type(self)(front + str(self), gtid=gtid or self.gtid, table=self.table)
        return made.like(self)

    def like(self, other: UdupError) -> Self:
        """Note what is known of another error with the same cause, and return it."""
        return (
            self.of(other.side)
            .at("", other.kept)
            .against(other.contradicted)
            .loading(other.reloads)
            .because(other.reason)
        )

    def because(self, reason: Reason | None) -> Self:
        """Note what exactly is the matter, unless that is known, and return it."""
        self.reason = self.reason or reason
        return self

    def loading(self, tables: Sequence[str]) -> Self:
        """Note the tables that are to be loaded again, and return it."""
        self.reloads = tuple(tables)
        return self

    def at(self, gtid: str, kept: str = "") -> Self:
        """Note the transaction that it is about, unless that is known, and return it; its text stays as it is."""
        self.gtid = self.gtid or gtid
        self.kept = self.kept or kept
        return self

    def against(self, contradicted: Contradicted | None) -> Self:
        """Note which tables stand against the transaction, unless that is known, and return it."""
        self.contradicted = self.contradicted or contradicted
        return self

    def of(self, side: Side | None) -> Self:
        """Note where it came from, unless that is known, and return it."""
        if self.side is None:
            self.side = side
        return self


class ConfigError(UdupError):
    """A setting of the server itself is wrong."""


class Transient(UdupError):
    """Worth another try from the checkpoint."""

    kind = FailureKind.TRANSIENT


class Unavailable(Transient):
    """A server, NATS or this machine cannot be used now. What was tried is tried again for as long as that lasts."""

    kind = FailureKind.UNAVAILABLE


class Contended(Transient):
    """A lock was not granted in time, or a deadlock was broken; the server has undone the statement or all of it."""

    kind = FailureKind.CONTENDED


class Superseded(UdupError):
    """Another run of the same job has taken it over."""

    kind = FailureKind.SUPERSEDED


class Unsupported(UdupError):
    """Something in the log or the catalog that cannot be carried exactly."""

    kind = FailureKind.UNSUPPORTED


class Held(Unsupported):
    """A statement of the log that waits until two parts of a job are joined; nobody else may see it."""


class Conflict(UdupError):
    """A group was refused by the target; worth one more try, transaction by transaction."""

    kind = FailureKind.CONFLICT


class Divergence(UdupError):
    """The target's data contradict the source's events."""

    kind = FailureKind.DIVERGENCE


class Refused(UdupError):
    """The job cannot start; `faults` holds every reason found, not only the first."""

    kind = FailureKind.REFUSED
    faults: list[Fault]

    def __init__(self, faults: Sequence[Fault], *, gtid: str = "", table: str = "") -> None:
        self.faults = list(faults)
        super().__init__("; ".join(str(fault) for fault in faults), gtid=gtid, table=table)

    def beginning(self, front: str, gtid: str = "") -> Self:
        faults = [replace(fault, problem=front + fault.problem) for fault in self.faults]
        return type(self)(faults, gtid=gtid or self.gtid, table=self.table).like(self)


@dataclass(frozen=True)
class Failure:
    """An error as a value, from where it is raised to the API."""

    kind: FailureKind
    text: str
    faults: tuple[Fault, ...] = ()
    gtid: str = ""
    table: str = ""
    side: Side | None = None
    kept: str = ""
    contradicted: Contradicted | None = None
    reloads: tuple[str, ...] = ()
    reason: Reason | None = None

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """Return what an error says. One that nobody foresaw is told as an error in Udup itself."""
        if isinstance(error, UdupError):
            text, about = str(error) or type(error).__name__, (error.gtid, error.table, error.side, error.kept)
            more = error.contradicted, error.reloads, error.reason
            return cls(error.kind, text, tuple(error.faults), *about, *more)
        text = f"{type(error).__name__}: {error}"
        told = reason(Cause.INTERNAL, {"error": text})
        return cls(FailureKind.INTERNAL, f"{UNFORESEEN}: {text}", reason=told)

    @classmethod
    def of_machine(cls, error: BaseException) -> Failure:
        """Return what an error says that came while a process or thread was made: what the machine lacks may return."""
        if isinstance(error, (OSError, MemoryError)) or "start new thread" in str(error):
            return cls(FailureKind.UNAVAILABLE, f"this machine: {type(error).__name__}: {error}", side=Side.NODE)
        return cls.of(error)

    def at(self, side: Side) -> Failure:
        """Return the same with where it came from, unless that is known."""
        return self if self.side is not None else replace(self, side=side)

    def error(self) -> UdupError:
        """Return the error that this was."""
        if self.kind is FailureKind.REFUSED:
            error: UdupError = Refused(self.faults, gtid=self.gtid, table=self.table)
        else:
            error = _CLASSES[self.kind](self.text, gtid=self.gtid, table=self.table)
        error = error.of(self.side).at("", self.kept).against(self.contradicted).loading(self.reloads)
        return error.because(self.reason)


_CLASSES: dict[FailureKind, type[UdupError]] = {
    each.kind: each
    for each in (Transient, Unavailable, Contended, Superseded, Unsupported, Conflict, Divergence, UdupError)
}
