"""A full copy of one table by two owners of one job, as the target sees it.

What can happen: an owner takes its next step, or one of its connections breaks without its knowing. An owner that has
failed may begin one more run. The table has two chunks; how often each is in it is counted, since a table without a key
takes the same rows twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

CHUNKS = 2


class Rules(NamedTuple):
    """Each protection, which can be left out to see what it is for; and the kind of table."""

    row: bool = True  # a base row "copying" with a version, before the first statement on the target
    swap: bool = True  # the copy's end replaces exactly that row
    builders: bool = True  # who makes tables holds a lock, and a take-over needs that lock
    loaders: bool = True  # who loads rows holds one as well
    look: bool = True  # with the lock in hand, whoever makes or loads looks at the version
    chunks: bool = True  # each chunk's transaction reads the version before it commits
    polite: bool = True  # who has failed takes over only when the other one does not live
    keyed: bool = True  # a chunk that is there already is an error
    transactions: bool = True  # rows can be rolled back; else they are there when they are sent


class Does(StrEnum):
    """What an owner does next."""

    START = "start"
    LOOK = "look"
    DROP = "drop"
    CREATE = "create"
    SEND = "send"
    COMMIT = "commit"
    FINISH = "finish"
    FOLLOW = "follow"
    ENDED = "ended"


#: A connection: not opened, alive on the server, or gone without its owner's knowing.
CLOSED, ALIVE, LOST = 0, 1, 2


class Owner(NamedTuple):
    does: Does = Does.START
    version: int = 0
    builder: int = CLOSED
    loader: int = CLOSED
    loaded: int = 0
    open: int = -1  # generation of the table that its open transaction has written to
    runs: int = 1  # that may still begin


class Target(NamedTuple):
    table: tuple[int, tuple[int, ...]] | None = None  # generation, and how often each chunk is in it
    made: int = 0  # generations so far
    row: tuple[str, int] | None = None  # the base row: copying or done, and its version
    noted: bool = False  # the table is noted as the job's own
    versions: int = 0
    breaks: int = 2  # connections that may still break
    owners: tuple[Owner, Owner] = (Owner(), Owner())


Step = tuple[str, Target]


def invariant(state: Target) -> str:
    if not is_good_end(state) or (state.table is not None and state.table[1] == (1,) * CHUNKS):
        return ""
    return f"the checkpoint says that the copy is whole, and the target has {state.table and state.table[1]}"


def is_good_end(state: Target) -> bool:
    return state.row is not None and state.row[0] == "done"


def steps(rules: Rules, state: Target) -> Iterator[Step]:
    for number, name in enumerate("AB"):
        for what, following in _Steps(rules, state, number).all():
            yield f"{name} {what}", following


class _Steps:
    """Of one owner, in one state of the target."""

    def __init__(self, rules: Rules, state: Target, number: int) -> None:
        self._rules, self._state, self._number = rules, state, number
        self._own, self._other = state.owners[number], state.owners[1 - number]

    def all(self) -> Iterator[Step]:
        own, state = self._own, self._state
        if own.does in (Does.FOLLOW, Does.ENDED):
            return
        if state.breaks and own.builder == ALIVE:
            yield "loses its builder", self._with(state._replace(breaks=state.breaks - 1), builder=LOST)
        if state.breaks and own.loader == ALIVE:
            yield "loses its loader", self._with(state._replace(breaks=state.breaks - 1), loader=LOST, open=-1)
        yield from getattr(self, f"_{own.does}")()

    def _with(self, state: Target, **changes: object) -> Target:
        return self._owners(state, self._own._replace(**changes), state.owners[1 - self._number])  # type: ignore[arg-type]

    def _owners(self, state: Target, own: Owner, other: Owner) -> Target:
        return state._replace(owners=(own, other) if self._number == 0 else (other, own))

    def _fails(self, why: str, state: Target | None = None) -> Step:
        """Its connections are closed; perhaps another run begins."""
        runs = self._own.runs
        fresh = Owner(Does.START if runs else Does.ENDED, runs=max(0, runs - 1))
        return why, self._owners(state or self._state, fresh, self._other)

    @property
    def _is_mine(self) -> bool:
        return self._state.row == ("copying", self._own.version)

    # ---- Taking over ----

    def _start(self) -> Iterator[Step]:
        """Whoever holds a lock of the job is ended first, and cannot come back before the version has changed."""
        rules, other = self._rules, self._other
        if rules.polite and self._own.runs == 0 and other.does not in (Does.START, Does.FOLLOW, Does.ENDED):
            return
        if rules.builders and other.builder == ALIVE:
            other = other._replace(builder=LOST)
        if rules.loaders and other.loader == ALIVE:
            other = other._replace(loader=LOST, open=-1)
        versions = self._state.versions + 1
        state = self._owners(self._state._replace(versions=versions), self._own, other)
        if is_good_end(state):
            yield "takes the checkpoint over", self._follows(state, versions)
            return
        row = ("copying", versions) if rules.row else state.row
        own = self._own._replace(does=Does.LOOK, version=versions)
        yield "takes the copy over", self._owners(state._replace(row=row), own, other)

    def _follows(self, state: Target, version: int) -> Target:
        other = state.owners[1 - self._number]
        return self._owners(state._replace(row=("done", version)), Owner(Does.FOLLOW, runs=self._own.runs), other)

    # ---- Making the table ----

    def _build(self, connection: str = "builder") -> Step | None:
        """What comes before the statement: the connection with its lock, and the look at the version."""
        alive = getattr(self._own, connection)
        if alive == ALIVE:
            return None
        if alive == LOST:
            return self._fails(f"notices that its {connection} is lost")
        if self._rules.look and self._rules.row and not self._is_mine:
            return self._fails(f"opens a {connection} and sees another version")
        return f"opens a {connection}", self._with(self._state, **{connection: ALIVE})

    def _look(self) -> Iterator[Step]:
        """Rows of open transactions are not seen."""
        table = self._state.table
        if before := self._build():
            yield before
        elif table is not None and any(table[1]) and not self._state.noted:
            yield self._fails("refuses a table with rows", self._state)
        else:
            yield "looks at the table", self._with(self._state, does=Does.DROP if table else Does.CREATE)

    def _drop(self) -> Iterator[Step]:
        table = self._state.table
        if before := self._build():
            yield before
        elif table is None or all(owner.open != table[0] for owner in self._state.owners):  # else it waits
            yield "drops the table", self._with(self._state._replace(table=None), does=Does.CREATE)

    def _create(self) -> Iterator[Step]:
        made = self._state.made + 1
        if before := self._build():
            yield before
        elif self._state.table is not None:
            yield self._fails("finds a table where it makes one", self._state._replace(noted=True))
        else:
            state = self._state._replace(table=(made, (0,) * CHUNKS), made=made, noted=True)
            yield "makes the table", self._with(state, does=Does.SEND, builder=CLOSED)

    # ---- Rows ----

    def _send(self) -> Iterator[Step]:
        own, table = self._own, self._state.table
        if own.loaded == CHUNKS:
            yield "has sent every chunk", self._with(self._state, does=Does.FINISH)
        elif before := self._build("loader"):
            yield before
        elif table is None:
            yield self._fails("finds no table to load")
        elif self._rules.keyed and table[1][own.loaded]:
            yield self._fails("meets its rows as duplicates")
        elif not self._rules.transactions:
            yield f"writes chunk {own.loaded + 1}", self._with(self._added(table), loaded=own.loaded + 1)
        elif not (self._rules.keyed and (self._other.open, self._other.loaded) == (table[0], own.loaded)):
            yield f"sends chunk {own.loaded + 1}", self._with(self._state, does=Does.COMMIT, open=table[0])

    def _added(self, table: tuple[int, tuple[int, ...]]) -> Target:
        counts = tuple(count + (chunk == self._own.loaded) for chunk, count in enumerate(table[1]))
        return self._state._replace(table=(table[0], counts))

    def _commit(self) -> Iterator[Step]:
        table = self._state.table
        if self._own.loader == LOST or table is None:
            yield self._fails("notices that its loader is lost")
        elif self._rules.chunks and self._rules.row and not self._is_mine:
            yield self._fails("sees another version before its commit")
        else:
            following = self._with(self._added(table), does=Does.SEND, open=-1, loaded=self._own.loaded + 1)
            yield f"commits chunk {self._own.loaded + 1}", following

    def _finish(self) -> Iterator[Step]:
        if self._rules.swap and self._rules.row and not self._is_mine:
            yield self._fails("cannot end a copy that is another's")
        else:
            versions = self._state.versions + 1
            state = self._state._replace(versions=versions, noted=False)
            yield "writes the checkpoint", self._follows(state, versions)
