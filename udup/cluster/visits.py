"""A node's guests on NATS: those of its own jobs on other nodes, and those of other nodes' jobs here (`guests.py`)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Protocol

from udup.base import logs, runtime
from udup.cluster.guest_words import Letter, Line, Word, letters, subject_of
from udup.cluster.guests import GuestLost, GuestOver, GuestsAbroad, GuestsHere
from udup.cluster.keeper import Bell
from udup.cluster.limits import Limits
from udup.cluster.owners import Owners
from udup.cluster.ports import StoreAway


class LetterLine(Protocol):
    """The subjects of letters. What is sent there reaches the node, or does not."""

    async def take_letters(self, subject: str, take: Callable[[bytes], None]) -> None: ...

    async def post(self, subject: str, data: bytes) -> None: ...


class Visits:
    """`tell` hands on what is told. All is called on the loop of `run`."""

    def __init__(self, node: str, limits: Limits, tell: Callable[[object], None]) -> None:
        self._node, self._limits, self._tell = node, limits, tell
        self._abroad, self._here = GuestsAbroad(limits.dead), GuestsHere(limits.dead)
        self._now = Bell()
        self._line: LetterLine
        self._owners: Owners
        self._log = logs.logger("keeper", node=node)

    async def open(self, line: LetterLine, owners: Owners) -> None:
        """Listen. `owners` is this node's copy of who owns what."""
        self._line, self._owners = line, owners
        await line.take_letters(subject_of(self._node), self._take)

    # ---- What the supervisor says ----

    def tell_guest(self, job: str, run: int, node: str, word: Word) -> None:
        """Say something to the guest of a run on another node; the first word makes it."""
        self._abroad.tell(job, run, node, word, runtime.now())
        self._now.ring()

    def end_guest(self, job: str, run: int) -> None:
        self._abroad.end(job, runtime.now(), run)
        self._now.ring()

    def guest_says(self, job: str, run: int, word: Word) -> None:
        """Say what a guest here has to say."""
        self._here.say(job, run, word)
        self._now.ring()

    # ---- What NATS brings ----

    def _take(self, data: bytes) -> None:
        letter = Letter.decode(data)
        if letter is None:
            self._log.warning("letter_not_understood", size=len(data))
            return
        now = runtime.now()
        if letter.by_owner:
            self._pass_on(self._here.take(letter, now, self._may_be))
            self._now.ring()  # who asks is answered at once
        else:
            self._pass_on(self._abroad.take(letter, now))

    def _may_be(self, job: str, node: str) -> bool | None:
        if not self._owners.is_complete:
            return None
        owner = self._owners.jobs.get(job)
        return owner is not None and (owner.node, owner.source) == (node, self._node)

    def _pass_on(self, told: Iterable[object]) -> None:
        for each in told:
            if isinstance(each, GuestLost):
                self._log.warning("guest_lost", job=each.job, run=each.run, why=each.why)
            elif isinstance(each, GuestOver):
                self._log.info("guest_ends", job=each.job, run=each.run, why=each.why)
            self._tell(each)

    # ---- The loop ----

    async def run(self) -> None:
        """Say of all guests what is to be said each `Limits.beat`, and at once of one that has something new."""
        beat_at = runtime.now()
        while True:
            now = runtime.now()
            if beat := now >= beat_at:
                beat_at = now + self._limits.beat
            self._pass_on(self._abroad.look(now))
            self._pass_on(self._here.look(now, self._may_be))
            await self._post(self._abroad.lines(beat=beat), by_owner=True)
            await self._post(self._here.lines(beat=beat), by_owner=False)
            await self._now.wait(max(0.0, beat_at - runtime.now()))

    async def _post(self, lines: Iterable[tuple[str, Line]], *, by_owner: bool) -> None:
        of_node: dict[str, list[Line]] = defaultdict(list)
        for node, line in lines:
            of_node[node].append(line)
        for node, each in of_node.items():
            for letter in letters(self._node, each, by_owner=by_owner):
                with suppress(StoreAway):
                    await self._line.post(subject_of(node), letter.encode())
