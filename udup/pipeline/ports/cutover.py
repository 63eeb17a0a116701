"""What a cut-over needs of the two servers beside what jobs need: who may write, counters, triggers, events, claims.

Every method connects by itself, may be called again after any death, and then comes to the same end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from udup.pipeline.checks import Check
from udup.pipeline.ownership import TableName
from udup.pipeline.ports.scope import Scope


@dataclass(frozen=True)
class CutoverNeeds:
    """Which steps will come, for what they ask of the accounts.

    `freeze`: the source is made read-only. `events`: events are enabled on the target. `reverse`: the source becomes
    the target of a way back, and is opened for it.
    """

    freeze: bool = False
    events: bool = False
    reverse: bool = False


@dataclass(frozen=True)
class GateLook:
    """Who may write to a server now. `found` is what `restore` brings back, in the driver's own words.

    `runs_events`: events that are enabled there run. `besides`: who can write to it although it is closed, for people;
    not the account by which it was asked.
    """

    closed: bool
    found: Mapping[str, str]
    runs_events: bool = True
    besides: tuple[str, ...] = ()


@dataclass(frozen=True)
class Counter:
    """The next number that a table gives, by the table's name on the target."""

    table: TableName
    value: int


@dataclass(frozen=True)
class ScheduledEvent:
    """An event that is enabled on the source, and the schema that it is in on the target."""

    schema: str
    name: str
    target_schema: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True)
class Trigger:
    """A trigger of the source by its names on the target.

    `definition` makes it there, "" where it was not asked for. `restores` is what the target must be brought back to
    when it is made. Both are in the driver's own words.
    """

    schema: str
    name: str
    table: str
    definer: str
    definition: str = ""
    restores: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


class SourceGate(Protocol):
    """The old server: kept from writing, and opened again."""

    def fence(self, job: str, prove: Callable[[], None]) -> None:
        """Have each change from here on be made by a connection that has the place of the job's cut-over.

        `prove` is `TargetGate.enter` of who carries it on: nobody's connection is ended, and nothing is changed, while
        that raises. `restore` alone is made without that while the target is away, if nobody has the place. Connects
        to nothing.
        """
        ...

    def end_others(self) -> None:
        """End the connection by which somebody before may still change the server; after `fence`."""
        ...

    @property
    def arranges(self) -> frozenset[str]:
        """Names of the checks of a target that `open_for_udup` brings about by itself."""
        ...

    def checks(self, needs: CutoverNeeds, scope: Scope) -> list[Check]:
        """Return whether the account may do what the steps need, and sees all triggers of the scope's tables.

        Triggers that the target does not get for its other columns are told.
        """
        ...

    def look(self) -> GateLook: ...

    def close(self, seconds: float) -> None:
        """Let nobody write any more. `Contended` if that was not granted in time: it names who is in the way."""
        ...

    def restore(self, found: Mapping[str, str]) -> None:
        """Let those write who could when it was looked at."""
        ...

    def how_to_restore(self, found: Mapping[str, str]) -> str:
        """Return what a person runs for the same, "" for nothing."""
        ...

    def how_to_keep_closed(self, found: Mapping[str, str], *, for_udup: bool) -> tuple[str, str]:
        """Return what a person does so that a restart does not open a closed server ("you run …"), and what undoes it.

        `for_udup`: one that `open_for_udup` has opened. Nothing is asked of the server.
        """
        ...

    def who_writes_on(self, found: Mapping[str, str]) -> str:
        """Return who can write beside Udup to a server that `open_for_udup` has opened; nothing is asked of it."""
        ...

    def unfinished(self) -> list[str]:
        """Return the transactions that could still commit on a closed server, for people."""
        ...

    def counters(self, scope: Scope) -> list[Counter]: ...

    def events(self, scope: Scope) -> list[ScheduledEvent]:
        """Return the events in the scope that are enabled."""
        ...

    def triggers(self, scope: Scope) -> list[Trigger]:
        """Return the triggers that the target is to have, in the order in which they are to be made.

        They are without definitions. Raise `UdupError` where the account cannot see all of them.
        """
        ...

    def defined(self, scope: Scope, triggers: Sequence[Trigger]) -> list[Trigger]:
        """Return these with their definitions, those that are gone left out."""
        ...

    def keeps(self, job: str) -> bool:
        """Return whether the server keeps anything of a job of this name, as its target."""
        ...

    def open_for_udup(self, found: Mapping[str, str], events: Sequence[ScheduledEvent]) -> None:
        """Let Udup alone write, with none of these events running at any moment."""
        ...


class TargetGate(Protocol):
    """The new server."""

    def enter(self, job: str, number: int) -> None:
        """Note on the server under which number the job's cut-over is carried on; `Superseded` if a higher one is."""
        ...

    def checks(
        self, needs: CutoverNeeds, events: Sequence[ScheduledEvent], lacking: Sequence[Trigger] = ()
    ) -> list[Check]:
        """Return whether it can be written to and has these events, and whether it takes these triggers.

        The triggers are tried where they run for nothing.
        """
        ...

    def lacking(self, triggers: Sequence[Trigger]) -> list[Trigger]:
        """Return those that are not there, with what is to be restored when they are made.

        A job by statements makes none, as its rows would set them off.
        """
        ...

    def make(self, triggers: Sequence[Trigger], seconds: float) -> list[str]:
        """Make those that are not there, and return what people should know.

        `Contended` where a table is locked for longer, `UdupError` where one is refused.
        """
        ...

    def kept(self, job: str) -> list[str]:
        """Return the prepared transactions that are kept for the job, for people."""
        ...

    def raise_counters(self, counters: Sequence[Counter], seconds: float) -> list[str]:
        """Raise those that are lower, and return their tables; `Contended` where a table is locked for longer."""
        ...

    def release(self, job: str) -> None:
        """Give up the job's claims on tables; its checkpoint stays."""
        ...

    def how_to_open(self) -> str:
        """Return what a person runs so that applications can write there, "" if they can."""
        ...

    def enable(self, events: Sequence[ScheduledEvent]) -> list[str]:
        """Enable them, otherwise as they are; return what people should know, such as a scheduler that is off."""
        ...
