"""Src tasks on another node than their job's owner: which there are, what is said to them, and when they end. Pure.

The owner of a job is the node of its Dest. It says of each of its guests twice a second that it wants it, and whoever
has the guest says as often that it is there; both in letters that also carry what one has for the other. A word is
repeated until it was heard, so a letter that is lost is none that is missed. Whoever hears nothing of a guest for as
long as a node may be silent ends its part: the owner the run, the other one the guest.

    owner                                                    the node of Src
    LookAtSource  ──▶ reads the record, hires a SrcExtractor ──▶ Looked
    BeginExtract  ──▶ it extracts                            ──▶ Reported …, or Ended
    ended         ──▶ it is let go

Only one extractor of a job may live. A guest of a higher run takes the place of one before; a guest is hired only for
whom this node knows as the job's owner, and let go when that is another. What comes late is of a run that is over: its
subjects have no readers, and the source itself ends an older dump of the same job.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from udup.cluster.guest_words import Letter, Line, Numbered, Reported, Word

#: (job, node): whether that node is known to own the job, and this one to be where its Src is; None: not known now.
MayBe = Callable[[str, str], bool | None]


# ---- What is told to this node ----


@dataclass(frozen=True)
class GuestSaid:
    """To the owner: what a guest of its job says."""

    job: str
    run: int
    word: Word


@dataclass(frozen=True)
class GuestLost:
    """To the owner: the guest is not there any more, or nothing is heard of it."""

    job: str
    run: int
    why: str


@dataclass(frozen=True)
class GuestOrdered:
    """Where the guest is: what its owner says."""

    job: str
    run: int
    word: Word


@dataclass(frozen=True)
class GuestOver:
    """Where the guest is: it is to end."""

    job: str
    run: int
    why: str


@dataclass
class Words:
    """What one side says of a guest, in order, each word until it was heard; and what it has heard.

    `fresh`: there is something to say before the next beat.
    """

    heard: int = 0
    fresh: bool = True
    _said: int = 0
    _open: list[Numbered] = field(default_factory=list)

    def say(self, word: Word) -> None:
        if isinstance(word, Reported) and self._open and isinstance(self._open[-1].word, Reported):
            self._open.pop()  # nobody has heard it, and this one says all of it
        self._said += 1
        self.fresh = True
        self._open.append(Numbered(number=self._said, word=word))

    def take(self, line: Line) -> list[Word]:
        """Return what is new in a line of the other side."""
        self._open = [each for each in self._open if each.number > line.heard]
        new = [each for each in line.words if each.number > self.heard]
        if new:
            self.heard = new[-1].number
            self.fresh = True  # that it was heard
        return [each.word for each in new]

    @property
    def unheard(self) -> tuple[Numbered, ...]:
        return tuple(self._open)

    def line(self, job: str, run: int) -> Line:
        """Return what is to be said now."""
        self.fresh = False
        return Line(job=job, run=run, heard=self.heard, words=self.unheard)


@dataclass
class _Abroad:
    node: str
    run: int
    heard_at: float
    words: Words = field(default_factory=Words)


class GuestsAbroad:
    """The guests of this node's own jobs on other nodes. `dead` is the silence after which one is given up."""

    def __init__(self, dead: float) -> None:
        self._dead = dead
        self._guests: dict[str, _Abroad] = {}
        # Those that are not wanted, by node, job and run: since when, and whether that was said.
        self._ended: dict[tuple[str, str, int], tuple[float, bool]] = {}

    def tell(self, job: str, run: int, node: str, word: Word, now: float) -> None:
        """Say something to a job's guest; the first word of a run makes it."""
        guest = self._guests.get(job)
        if guest is None or guest.run != run:
            self.end(job, now)
            guest = self._guests[job] = _Abroad(node, run, now)
        guest.words.say(word)

    def end(self, job: str, now: float, run: int | None = None) -> None:
        """Want a job's guest no longer; `run`: only if it is of that one."""
        guest = self._guests.get(job)
        if guest is not None and run in (None, guest.run):
            del self._guests[job]
            self._ended[guest.node, job, guest.run] = now, False

    def lines(self, *, beat: bool) -> Iterator[tuple[str, Line]]:
        """Yield what is to be said now, and to which node; `beat`: of every guest."""
        for job, guest in self._guests.items():
            if beat or guest.words.fresh:
                yield guest.node, guest.words.line(job, guest.run)
        for (node, job, run), (since, told) in self._ended.items():
            if beat or not told:
                self._ended[node, job, run] = since, True
                yield node, Line(job=job, run=run, ended=True)

    def take(self, letter: Letter, now: float) -> Iterator[GuestSaid | GuestLost]:
        """Yield what guests say."""
        for line in letter.lines:
            if line.ended:
                self._ended.pop((letter.sender, line.job, line.run), None)
            guest = self._guests.get(line.job)
            if guest is None or (guest.node, guest.run) != (letter.sender, line.run):
                continue
            guest.heard_at = now
            for word in guest.words.take(line):
                yield GuestSaid(line.job, line.run, word)
            if line.ended:
                del self._guests[line.job]
                yield GuestLost(
                    line.job, line.run, "is not there any more: that node, or a part of it, was started again"
                )

    def look(self, now: float) -> Iterator[GuestLost]:
        """Yield the guests of which nothing is heard."""
        for job, guest in list(self._guests.items()):
            if now - guest.heard_at >= self._dead:
                self.end(job, now)
                yield GuestLost(job, guest.run, f"was not heard for {now - guest.heard_at:.0f} s")
        for key, (since, _) in list(self._ended.items()):
            if now - since >= self._dead:
                del self._ended[key]  # it has ended by itself by now


@dataclass
class _Here:
    owner: str
    run: int
    heard_at: float
    words: Words = field(default_factory=Words)


class GuestsHere:
    """The guests of other nodes' jobs on this one."""

    def __init__(self, dead: float) -> None:
        self._dead = dead
        self._guests: dict[str, _Here] = {}
        self._over: dict[str, int] = {}  # the last run of a job whose guest has ended
        self._asked: dict[tuple[str, str, int], bool] = {}  # owner, job, run: mentioned, and not here; whether for good

    def say(self, job: str, run: int, word: Word) -> None:
        """Tell the owner something of a guest."""
        guest = self._guests.get(job)
        if guest is not None and guest.run == run:
            guest.words.say(word)

    def take(self, letter: Letter, now: float, may_be: MayBe) -> Iterator[GuestOrdered | GuestOver]:
        """Yield what follows from a letter of an owner."""
        for line in letter.lines:
            guest = self._guests.get(line.job)
            if guest is not None and (guest.owner, guest.run) == (letter.sender, line.run):
                guest.heard_at = now
            elif (taken := self._comes(line, letter.sender, now, may_be)) is None:
                continue
            else:
                yield from self._end(line.job, "another run of its job has begun")
                guest = self._guests[line.job] = taken
            if line.ended:
                yield from self._end(line.job, "its run has ended")
                self._asked[letter.sender, line.job, line.run] = True
                continue
            for word in guest.words.take(line):
                yield GuestOrdered(line.job, line.run, word)

    def _comes(self, line: Line, owner: str, now: float, may_be: MayBe) -> _Here | None:
        """Return a guest that is to be here from now on, None for one that is not, or not yet."""
        here = self._guests.get(line.job)
        last = max(self._over.get(line.job, 0), here.run if here is not None else 0)
        begins = bool(line.words) and line.words[0].number == 1
        is_over = line.ended or line.run <= last or not begins
        if is_over or not may_be(line.job, owner):
            self._asked[owner, line.job, line.run] = is_over
            return None
        return _Here(owner, line.run, now)

    def _end(self, job: str, why: str) -> Iterator[GuestOver]:
        guest = self._guests.pop(job, None)
        if guest is not None:
            self._over[job] = guest.run
            yield GuestOver(job, guest.run, why)

    def look(self, now: float, may_be: MayBe) -> Iterator[GuestOver]:
        """Yield the guests that nobody wants any more, or nobody who may."""
        for job, guest in list(self._guests.items()):
            if now - guest.heard_at >= self._dead:
                yield from self._end(job, f"its owner {guest.owner} was not heard for {now - guest.heard_at:.0f} s")
            elif may_be(job, guest.owner) is False:
                self._asked[guest.owner, job, guest.run] = True
                yield from self._end(job, f"node {guest.owner} does not own it any more, or has its source elsewhere")

    def lines(self, *, beat: bool) -> Iterator[tuple[str, Line]]:
        """Yield what is to be said now, and to which node; `beat`: of every guest.

        Who asked after a guest that is not here is told that once.
        """
        for job, guest in self._guests.items():
            if beat or guest.words.fresh:
                yield guest.owner, guest.words.line(job, guest.run)
        for (owner, job, run), ended in self._asked.items():
            yield owner, Line(job=job, run=run, ended=ended)
        self._asked.clear()
