"""Commits, flushes of the base row, DDL, and a take-over at any moment, as the target sees them.

A run sends transactions with their claims, flushes what is executed into the base row now and then, and runs DDL alone.
What is on its way arrives whether its sender lives or not. A successor reads the checkpoint and goes on; the run before
is not told: it may be frozen.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

#: What the source's log has: transactions and a statement of DDL.
LOG = ("tx", "tx", "tx", "ddl", "tx")

#: Versions of one take-over are this far from those of the next.
_OF_A_RUN = 100

#: Transactions that may be on their way.
_UNDER_WAY = 2


class Rules(NamedTuple):
    """Each protection, which can be left out to see what it is for."""

    versions: bool = True  # a claim's row has its version in its key
    claims_left: bool = True  # a flush leaves claims alone that were made since it was read
    own_gtids: bool = True  # DDL runs under a GTID of Udup's, which the server runs once
    swap: bool = True  # a flush expects the base row's version
    looks: bool = True  # by intents: who holds the place of DDL looks at the base row's version before it does anything


class Way(NamedTuple):
    """How DDL is run once: by a GTID, or by intents; then `seen` tells whether it shows in its objects that it ran."""

    by_intents: bool = False
    seen: bool = True


#: How far DDL by intents has come: it is to run; its connection holds the place; it has seen the version; it is noted.
_WANTED, _HELD, _LOOKED, _NOTED = range(4)


class Sent(NamedTuple):
    """A transaction on its way, with the version that it expects and the claim that it writes."""

    number: int
    version: int
    claim: frozenset[int]


class Run(NamedTuple):
    alive: bool = True
    epoch: int = 0
    next: int = 0
    sent: tuple[Sent, ...] = ()
    version: int = 0
    claim: frozenset[int] = frozenset()
    done: frozenset[int] = frozenset()  # what it knows to be committed
    flush: frozenset[int] | None = None  # on its way
    ddl: int = -1  # on its way
    stage: int = _WANTED
    base_version: int = 0
    definitions: int = 0
    flushed_definitions: int = 0


class Base(NamedTuple):
    version: int = 0
    executed: frozenset[int] = frozenset()
    definitions: int = 0


class Target(NamedTuple):
    applied: tuple[int, ...] = ()
    ran: tuple[int, ...] = ()  # DDL
    own_gtids: frozenset[int] = frozenset()
    intent: tuple[int, int, int] | None = None  # its number, its DDL, how much DDL had run before
    undone: bool = False  # DDL came again behind rows that followed it
    base: Base = Base()
    slot_version: int = 0
    slot_claim: frozenset[int] = frozenset()
    epoch: int = 0
    take_overs: int = 1  # that may still come
    unseen: bool = False  # what DDL does may be done again, as long as nothing has followed
    runs: tuple[Run, ...] = (Run(),)


Step = tuple[str, Target]


def invariant(state: Target) -> str:
    applied, ran = state.applied, state.ran
    if len(set(applied)) < len(applied):
        return f"applied twice: {applied}"
    if list(applied) != sorted(applied):
        return f"out of order: {applied}"
    if state.undone:
        return f"DDL ran again behind what follows it: {ran}"
    if len(set(ran)) < len(ran) and not state.unseen:
        return f"DDL ran twice: {ran}"
    said = state.base.executed | state.slot_claim
    if {number for number in said if LOG[number] == "tx"} != set(applied):
        return f"the checkpoint says {sorted(said)}, and applied is {sorted(applied)}"
    if any(LOG[number] == "ddl" and number not in ran for number in state.base.executed):
        return "the checkpoint says DDL that has not run"
    return ""


def is_good_end(state: Target) -> bool:
    return state.base.executed | state.slot_claim == frozenset(range(len(LOG)))


def steps(rules: Rules, way: Way, state: Target) -> Iterator[Step]:
    for number in range(len(state.runs)):
        for what, following in _Steps(rules, way, state, number).all():
            yield f"run {number + 1} {what}", following
    if state.take_overs:
        yield f"run {len(state.runs) + 1} takes over", _taken_over(state)


def _taken_over(state: Target) -> Target:
    """In one transaction: everything is folded into the base row, and all versions change.

    Who holds the place of DDL is ended before.
    """
    executed, epoch = state.base.executed | state.slot_claim, state.epoch + 1
    following = next((number for number in range(len(LOG)) if number not in executed), len(LOG))
    definitions = state.base.definitions
    kept = (each._replace(alive=False, ddl=-1, stage=_WANTED) if each.stage else each for each in state.runs)
    run = Run(epoch=epoch, next=following, done=executed, definitions=definitions, flushed_definitions=definitions)
    return state._replace(
        base=Base(epoch * _OF_A_RUN, executed, definitions),
        slot_version=epoch * _OF_A_RUN,
        slot_claim=frozenset(),
        epoch=epoch,
        take_overs=state.take_overs - 1,
        runs=(*kept, run),
    )


class _Steps:
    """Of one run, in one state of the target."""

    def __init__(self, rules: Rules, way: Way, state: Target, number: int) -> None:
        self._way = way
        self._rules, self._state, self._number = rules, state, number
        self._run = state.runs[number]

    def all(self) -> Iterator[Step]:
        run = self._run
        if run.sent:
            yield self._commit_arrives(run.sent[0])
        if run.ddl >= 0 and not self._way.by_intents:
            yield self._ddl_arrives()
        elif run.ddl >= 0:
            yield from self._ddl_by_intent()
        if run.flush is not None:
            yield self._flush_arrives(run.flush)
        if run.alive:
            yield from self._send()
            if run.flush is None and run.done - self._state.base.executed and run.ddl < 0:
                yield "sends a flush", self._with(self._state, flush=run.done)

    def _with(self, state: Target, **changes: object) -> Target:
        runs = list(state.runs)
        runs[self._number] = self._run._replace(**changes)  # type: ignore[arg-type]
        return state._replace(runs=tuple(runs))

    def _at(self, version: int) -> int:
        return self._run.epoch * _OF_A_RUN + version

    def _commit_arrives(self, sent: Sent) -> Step:
        state, run = self._state, self._run
        if self._rules.versions and state.slot_version != self._at(sent.version):
            return f"finds no row for {sent.number}", self._with(state, sent=(), alive=False)
        written = state._replace(
            applied=(*state.applied, sent.number), slot_version=self._at(sent.version + 1), slot_claim=sent.claim
        )
        done = run.done | {sent.number}
        return f"commits {sent.number}", self._with(written, sent=run.sent[1:], done=done)

    def _ddl_arrives(self) -> Step:
        state, run = self._state, self._run
        own = run.definitions + 1
        done = {"ddl": -1, "done": run.done | {run.ddl}, "definitions": own}
        if self._rules.own_gtids and own in state.own_gtids:
            return f"has DDL {run.ddl} skipped", self._with(state, **done)
        ran = state._replace(ran=(*state.ran, run.ddl), own_gtids=state.own_gtids | {own})
        return f"runs DDL {run.ddl}", self._with(ran, **done)

    def _ddl_by_intent(self) -> Iterator[Step]:
        state, run, own = self._state, self._run, self._run.definitions + 1
        done = {"ddl": -1, "stage": _WANTED, "done": run.done | {run.ddl}, "definitions": own}
        match run.stage:
            case stage if stage == _WANTED:
                if not any(other.stage for other in state.runs):
                    yield "holds the place of DDL", self._with(state, stage=_HELD)
            case stage if stage == _HELD:
                if self._rules.looks and state.epoch != run.epoch:
                    yield "sees that it is superseded", self._with(state, ddl=-1, stage=_WANTED, alive=False)
                else:
                    yield "has seen the version", self._with(state, stage=_LOOKED)
            case stage if stage == _LOOKED:
                noted = state.intent
                if self._way.seen and noted is not None and noted[:2] == (own, run.ddl) and len(state.ran) != noted[2]:
                    yield f"sees that DDL {run.ddl} has run", self._with(state, **done)
                else:
                    intent = (own, run.ddl, len(state.ran))
                    yield f"notes DDL {run.ddl}", self._with(state._replace(intent=intent), stage=_NOTED)
            case _:
                undone = run.ddl in state.ran and any(number > run.ddl for number in state.applied)
                ran = state._replace(ran=(*state.ran, run.ddl), undone=state.undone or undone)
                yield f"runs DDL {run.ddl}", self._with(ran, **done)

    def _flush_arrives(self, executed: frozenset[int]) -> Step:
        state, run = self._state, self._run
        if self._rules.swap and state.base.version != self._at(run.base_version):
            return "finds no base row to flush into", self._with(state, flush=None, alive=False)
        base = Base(self._at(run.base_version + 1), executed, run.definitions)
        claim = run.claim - (executed if self._rules.claims_left else run.done | run.claim)
        changes = {"flush": None, "base_version": run.base_version + 1, "claim": claim}
        return f"flushes {sorted(executed)}", self._with(
            state._replace(base=base), **changes, flushed_definitions=run.definitions
        )

    def _send(self) -> Iterator[Step]:
        """DDL alone, when all before it is committed; nothing more until it is in the base row."""
        state, run = self._state, self._run
        if run.next == len(LOG) or run.ddl >= 0 or run.flushed_definitions != run.definitions:
            return
        number = run.next
        if LOG[number] == "ddl":
            if not run.sent and run.flush is None and run.done.issuperset(range(number)):
                yield f"sends DDL {number}", self._with(state, ddl=number, next=number + 1)
        elif len(run.sent) < _UNDER_WAY:
            claim = run.claim | {number}
            sent = (*run.sent, Sent(number, run.version, claim))
            yield f"sends {number}", self._with(state, sent=sent, claim=claim, version=run.version + 1, next=number + 1)
