"""Whole lives of jobs: several tables, statements on them, and a client that adds, takes out and loads again.

Tables have one letter for their name, and each row is told by it and a number (`u3`). `t`, `u` and `v` are the job's as
long as it lives and may be exchanged, renamed and dropped with each other; `p` and `q` come into it and go, so their
statements name no others, and they are always there: on the target a job that leaves a table lets it be. What a
statement does is read from its text, on both servers.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.sim.world import MS

Entry = dict[str, Any]
Act = dict[str, Any]

#: Tables that stay in the job, and those that come and go.
STAYING, GUESTS = ("t", "u", "v"), ("p", "q")
ALL = (*STAYING, *GUESTS)

#: Numbers of a table's rows: a copy has chunks of two.
ROWS_OF_TABLE = 7

_NUMBER = re.compile(r"/\*(\d+)\*/")
_NAME = r"(?:`s`|s)\.`?(\w)`?"


@dataclass
class Tab:
    """A table: the statement that defined it last, and its rows, which hold the numbers of what wrote them."""

    version: int = 0
    rows: dict[int, tuple[int, ...]] = field(default_factory=dict)

    def copy(self) -> Tab:
        return Tab(self.version, dict(self.rows))


Tabs = dict[str, Tab]


def number_of(sql: str) -> int | None:
    """Return which entry of the log a statement is; None for one of a copy."""
    found = _NUMBER.search(sql)
    return int(found[1]) if found else None


def names_in(sql: str) -> list[str]:
    """Return the tables that a statement names, each once."""
    return list(dict.fromkeys(re.findall(_NAME, sql)))


def run_statement(tabs: Tabs, sql: str) -> list[str]:
    """Do to tables what a statement does; return those that are others then. `KeyError` names one that is not there."""
    names, number = re.findall(_NAME, sql), number_of(sql) or 0
    verb = sql.split()[0].upper()
    if verb == "RENAME":
        for old, new in zip(names[::2], names[1::2], strict=True):
            if new in tabs:
                raise KeyError(f"{new} is there")
            tabs[new] = tabs.pop(old)
    elif verb == "DROP":
        for each in names:
            if tabs.pop(each, None) is None and "IF EXISTS" not in sql:
                raise KeyError(each)
    elif verb == "TRUNCATE":
        tabs[names[0]].rows.clear()
    elif verb == "ALTER":
        tabs[names[0]].version = number
    elif verb == "CREATE":
        if names[0] in tabs:
            raise KeyError(f"{names[0]} is there")
        tabs[names[0]] = Tab(tabs[names[1]].version if " LIKE " in sql else number)
    return list(dict.fromkeys(names[:1] if verb == "CREATE" else names))


def row_key(key: str) -> tuple[str, int]:
    return key[0], int(key[1:])


class Truth:
    """What the source's tables were after each entry of its log: `states[n]`, as transaction n has left it."""

    def __init__(self, log: list[Entry]) -> None:
        self.log = log
        tabs: Tabs = {name: Tab() for name in ALL}
        self.states: list[Tabs] = [tabs]
        self.touched: dict[int, list[str]] = {}  # by statement
        for number, entry in enumerate(log, 1):
            tabs = {name: tab.copy() for name, tab in tabs.items()}
            if entry["kind"] == "statement":
                # Of a log that was made smaller statements have other numbers, and some fit no more.
                entry["sql"] = _NUMBER.sub(f"/*{number}*/", entry["sql"])
                try:
                    self.touched[number] = run_statement(tabs, entry["sql"])
                except KeyError:
                    entry["kind"], tabs = "skip", {name: tab.copy() for name, tab in self.states[-1].items()}
            elif entry["kind"] != "skip":
                append(tabs, number, entry["keys"])
            self.states.append(tabs)

    def table_at(self, name: str, has: Callable[[int], bool]) -> Tab | None:
        """Return a table of a server that has of it the transactions that `has` says; None: it is not there."""
        last = max((number for number, names in self.touched.items() if name in names and has(number)), default=0)
        tabs = {each: tab.copy() for each, tab in self.states[last].items() if each == name}
        for number in range(last + 1, len(self.log) + 1):
            if self.log[number - 1]["kind"] in ("tx", "large") and has(number):
                append(tabs, number, [key for key in self.log[number - 1]["keys"] if key[0] == name])
        return tabs.get(name)


def append(tabs: Tabs, number: int, keys: list[str]) -> None:
    """Have a transaction write to rows: each then ends with its number."""
    for key in keys:
        name, row = row_key(key)
        if name in tabs:
            tabs[name].rows[row] = (*tabs[name].rows.get(row, ()), number)


def make_log(draw: Any, size: int, *, there: float) -> list[Entry]:
    """Return a log that writes to tables which are there, with statements. `there`: how much of it is older."""
    log: list[Entry] = []
    tabs: Tabs = {name: Tab() for name in ALL}
    at, share = 1, draw.one((0.05, 0.15, 0.3))
    for number in range(1, 16 + draw.below(size)):
        at += draw.below(4) * MS if draw.chance() < 0.6 else draw.below(400) * MS
        entry: Entry = {"kind": "tx", "keys": [], "at": at}
        chance = draw.chance()
        if chance < 0.08:
            entry["kind"] = "skip"
        elif chance < 0.08 + share:
            entry |= {"kind": "statement", "sql": _statement(draw, tabs, number)}
            run_statement(tabs, entry["sql"])
        else:
            names = sorted(tabs)
            entry["kind"] = "large" if chance > 0.95 else "tx"
            entry["parts"] = 2 + draw.below(3)
            chosen = {f"{draw.one(names)}{1 + draw.below(ROWS_OF_TABLE)}" for _ in range(1 + draw.below(4))}
            entry["keys"] = sorted(chosen)
        entry |= {"loose": draw.chance() < 0.7, "rotate": draw.chance() < 0.05, "pad": 0}
        log.append(entry)
    for entry in log[: int(len(log) * there)]:
        entry["at"] = 1
    return log


def _statement(draw: Any, tabs: Tabs, number: int) -> str:
    """Return a statement that fits what is there."""
    stay = [name for name in STAYING if name in tabs]
    gone = [name for name in STAYING if name not in tabs]
    found = [f"ALTER TABLE s.{draw.one(sorted(tabs))} COMMENT = 'c'", f"TRUNCATE TABLE s.{draw.one(sorted(tabs))}"]
    if gone:
        found += [f"CREATE TABLE s.{draw.one(gone)} (k INT PRIMARY KEY, v TEXT)"] * 3
    if len(stay) > 1:
        one = draw.one(stay)
        other = draw.one([name for name in stay if name != one])
        found += [f"RENAME TABLE s.{one} TO s.x, s.{other} TO s.{one}, s.x TO s.{other}"] * 3
        found += [f"DROP TABLE s.{one}, s.{other}", f"DROP TABLE s.{one}"]
    if stay and gone:
        found += [f"RENAME TABLE s.{draw.one(stay)} TO s.{draw.one(gone)}"] * 2
        found += [f"CREATE TABLE s.{draw.one(gone)} LIKE s.{draw.one(stay)}"] * 2
    return f"{draw.one(found)} /*{number}*/"


def make_acts(draw: Any) -> tuple[list[str], list[Act]]:
    """Return which tables are out of the job at first, and what its client asks for, when."""
    out = [name for name in GUESTS if draw.chance() < 0.6]
    acts: list[Act] = []
    for _ in range(1 + draw.below(5)):
        act: Act = {"at": draw.below(5000) * MS}
        if draw.chance() < 0.5:
            act |= {"do": "reload", "tables": sorted({draw.one(STAYING) for _ in range(1 + draw.below(2))})}
        else:
            act |= {"do": "post", "out": [name for name in GUESTS if draw.chance() < 0.4]}
        acts.append(act)
    return out, acts
