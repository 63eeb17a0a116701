"""What happens in a history, as plain data that is made before anything runs: a log of the source, and faults.

Swarm: each scenario draws which kinds of faults it may use, so that many have one kind often and none of the others.
Half of the faults are aimed at an event (the third COMMIT of a worker) rather than at a time. A fault is drawn only at
a role that has what it breaks.
"""

from __future__ import annotations

import json
import random
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.sim.life import Act, make_acts, make_log
from tests.sim.world import MS, US, S

#: No fault comes after this.
FAULTS_END = 8 * S

Entry = dict[str, Any]
Fault = dict[str, Any]

ROLES = ("applier", "worker", "extractor", "supervisor", "store")

#: Calls to a server at which a fault may be aimed, by how they begin: of every run, of a take-over, and of a copy. DDL
#: is rare, and what may go wrong there is not: it comes as often as all others of its line.
LOG_CALLS = ("BINLOG", "COMMIT", "UPDATE udup.checkpoint SET", "BEGIN", "definition", "SET", *(["DDL"] * 6))
START_CALLS = (
    *("facts", "SELECT GET_LOCK", "SELECT slot, version,", "DELETE FROM udup.checkpoint", "INSERT INTO udup"),
    *("SELECT RELEASE_LOCK", "INSERT IGNORE INTO", "SHOW PROCESSLIST", "KILL"),
)
COPY_CALLS = ("LOAD DATA", "CREATE TABLE", "DROP TABLE", "ALTER TABLE", "REPLACE INTO", "SELECT 1 FROM")

#: Kinds that may be aimed at a call.
_AIMED = ("kill", "freeze", "link", "again", "pause", "down", "stream", "purge", "control", "nats")


#: Kinds of faults that a node must live with.
_EVERYDAY = ("kill", "freeze", "link", "slow", "call", "down", "stream", "pause", "lock", "nats")


@dataclass(frozen=True)
class Class:
    """What the histories of a class have in common."""

    kinds: tuple[str, ...] = _EVERYDAY
    faults: int = 5  # at most
    copy: float = 0.0  # how many begin with a full copy
    second: bool = False  # a second node is given the same job
    long: bool = False  # some faults last for tens of seconds
    ahead: bool = False  # the first table has more than the job's position
    life: bool = False  # tables are added, taken out, loaded again (`life.py`)
    size: int = 60


CLASSES = {
    "log": Class(),
    "copy": Class(copy=1.0),
    "two": Class(
        (*_EVERYDAY, "control", "control"),
        faults=4,
        copy=0.6,
        second=True,
    ),
    "rough": Class(
        (*_EVERYDAY, "again", "purge", "control"),
        faults=10,
        copy=0.4,
        long=True,
    ),
    "cluster": Class(("kill", "freeze", "link", "slow", "call", "stream", "drop", "dup"), faults=4, copy=0.3),
    "ahead": Class(ahead=True),
    "life": Class((*_EVERYDAY, "again", "control"), faults=6, copy=0.7, life=True, size=40),
    "lossy": Class(
        ("kill", "link", "slow", "call", "pause", "again", "drop", "drop", "dup", "dup"), faults=5, copy=0.4
    ),
}


@dataclass(frozen=True)
class Scenario:
    """`second`: when another node is given the job and until when it lives; nothing for a single node.

    `ahead`: of how many of the first transactions the table has its part when the job begins. Of a whole life: tables
    that are `out` of the job at first, and what its client asks for.
    """

    seed: int
    of: str  # the class
    workers: int = 2
    window: int = 32
    copy: bool = False
    drop_existing: bool = False
    second: tuple[int, int] | None = None
    ahead: int = 0
    log: list[Entry] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    out: list[str] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Scenario:
        found = json.loads(text)
        found["second"] = tuple(found["second"]) if found["second"] else None
        found.setdefault("ahead", 0)
        return cls(**found)


class _Draw:
    def __init__(self, of: str, seed: int) -> None:
        self.chance = random.Random(f"scenario {of} {seed}").random

    def below(self, n: int) -> int:
        return int(self.chance() * n)

    def one(self, of: Any) -> Any:
        return of[self.below(len(of))]


def make(of: str, seed: int) -> Scenario:
    """The scenario of a class and a seed."""
    draw, kind = _Draw(of, seed), CLASSES[of]
    copy = draw.chance() < kind.copy
    workers, window = 1 + draw.below(4), draw.one((4, 8, 32, 200))
    hot = 2 + draw.below(12)
    out, acts = make_acts(draw) if kind.life else ([], [])
    if kind.life:
        log = make_log(draw, kind.size, there=0.4 if copy else 0.0)
    else:
        log = _make_log(draw, kind.size, hot, copy=copy)
    second = None
    if kind.second:
        second = (draw.below(400 if copy else 3000) * MS, FAULTS_END - 1 * S)
    swarm = [each for each in kind.kinds if draw.chance() < 0.5] or [draw.one(kind.kinds)]
    if not copy:
        swarm = [each for each in swarm if each != "purge"] or ["kill"]  # it would begin in the middle of the log again
    faults = [_make_fault(draw, kind, swarm, hot, copy=copy) for _ in range(draw.below(kind.faults + 1))]
    ahead = _place_ahead(log, draw.below(len(log))) if kind.ahead else 0
    drops = kind.life or (copy and of == "rough")
    return Scenario(seed, of, workers, window, copy, drops, second, ahead, log, faults, out, acts)


def _place_ahead(log: list[Entry], at: int) -> int:
    """Return a place at which nothing is prepared, as a snapshot's; what is before it was there before the job."""
    while _prepared_at(log, at):
        at -= 1
    for entry in log[:at]:
        entry["at"] = 1
    return at


def _prepared_at(log: list[Entry], at: int) -> bool:
    kinds = [entry["kind"] for entry in log[:at]]
    return kinds.count("xa prepare") != kinds.count("xa commit") + kinds.count("xa rollback")


def _make_log(draw: _Draw, size: int, hot: int, *, copy: bool) -> list[Entry]:
    log: list[Entry] = []
    prepared: list[Entry] = []
    at, big = 1, draw.chance() < 0.5  # large enough for workers, which small ones on an idle job never see
    loose = not copy and draw.chance() < 0.4  # some change a table whose rows nothing undoes
    for number in range(10 + draw.below(size)):
        chance = draw.chance()
        keys = sorted({f"k{draw.below(hot)}" for _ in range(1 + draw.below(3))})
        at += draw.below(4) * MS if draw.chance() < 0.8 else draw.below(900) * MS
        held = {key for each in prepared for key in each["keys"]}
        entry: Entry = {"kind": "tx", "keys": keys, "at": at}
        if chance < 0.10:
            entry["kind"] = "skip"
        elif chance < 0.14:
            entry["kind"] = "ddl"
        elif chance < 0.19:
            entry |= {"kind": "large", "parts": 2 + draw.below(3)}
        elif chance < 0.25 and not copy:  # what was prepared before a snapshot cannot be carried
            entry |= {"kind": "xa prepare", "xid": f"x{number}"}
        elif chance < 0.33 and prepared:
            beginning = prepared.pop(draw.below(len(prepared)))
            end = "xa commit" if draw.chance() < 0.8 else "xa rollback"
            entry = {"kind": end, "xid": beginning["xid"], "keys": beginning["keys"], "at": at}
        elif loose and chance < 0.5:
            entry |= {"kind": "loose", "keys": [f"m{draw.below(3)}"]}
        if entry["kind"] in ("tx", "large", "xa prepare"):
            entry["keys"] = [key for key in keys if key not in held] or [f"n{number}"]
        if entry["kind"] == "xa prepare":
            prepared.append(entry)
        entry["loose"] = draw.chance() < 0.7  # its dependencies by write sets; else by the order of commits
        entry["rotate"] = draw.chance() < 0.05
        entry["pad"] = 20_000 if big and draw.chance() < 0.6 else 0
        log.append(entry)
    for each in prepared:
        end = {"kind": "xa commit", "xid": each["xid"], "keys": each["keys"], "at": at}
        log.append({**end, "loose": True, "rotate": False, "pad": 0})
    if copy:
        for entry in log[: len(log) // 2]:
            entry["at"] = 1  # there before the job
    return log


def _make_fault(draw: _Draw, of: Class, swarm: list[str], hot: int, *, copy: bool) -> Fault:
    kind = draw.one(swarm)
    fault: Fault = {"kind": kind, "at": draw.below(3000) * MS + draw.below(1000) * US}
    if kind == "call" or (kind in _AIMED and draw.chance() < 0.5):
        calls = draw.one((LOG_CALLS, LOG_CALLS, START_CALLS, *((COPY_CALLS,) * 3 if copy else ())))
        fault["call"] = draw.one(calls)
        fault["nth"] = draw.below(2 if fault["call"] == "DDL" else draw.one((1, 3, 10)))
        fault["role"] = ""  # whoever makes the call
    else:
        fault["role"] = draw.one(ROLES[:3] if kind == "link" else ROLES)
        fault["nth"] = draw.below(6)
    if kind in ("freeze", "down", "pause", "lock", "nats"):
        fault["for"] = draw.below(25_000 if of.long and draw.chance() < 0.3 else 3000) * MS
    if kind == "call":
        fault["how"] = draw.one(("cut before", "cut after", "slow"))
    elif kind in ("drop", "dup", "slow"):
        fault["subject"] = draw.one(("log", "work", "done", "up", *(("copy", "copy") if copy else ())))
        fault["nth"] = draw.below(draw.one((1, 4, 16)))
        if draw.chance() < 0.5 or fault["subject"] == "copy":
            fault["at"] = 0  # so that what is rare is met: the beginning of a run, a copy
    elif kind == "lock":
        fault["key"] = f"k{draw.below(hot)}"
    elif kind == "again":
        fault["workers"] = 1 + draw.below(4)
    return fault


def numbered(scenario: Scenario) -> list[Entry]:
    """The log with GTID numbers, sequence numbers and last_committed as a source would give them."""
    found: list[Entry] = []
    last: dict[str, int] = {}
    sequence = ddl = version = 0
    for number, entry in enumerate(scenario.log, 1):
        rotates = number == 1 or entry["rotate"]
        if rotates:
            last, sequence, ddl = {}, 0, 0
        sequence += 1
        needed = max([ddl, *(last.get(key, 0) for key in entry["keys"])])
        if entry["kind"] in ("ddl", "statement"):
            needed, ddl, version, last = sequence - 1, sequence, version + 1, {}
        elif not entry["kind"].startswith("xa ") or entry["kind"] == "xa prepare":
            needed = needed if entry["loose"] else sequence - 1
            if entry["kind"] != "skip":
                # Keys of an XA count as written at PREPARE; its end depends on that, and nothing on its end.
                last |= dict.fromkeys(entry["keys"], sequence)
        more = {"number": number, "rotate": rotates, "sequence": sequence, "needs": needed, "version": version}
        found.append({**entry, **more})
    return found
