"""A page of a job's tables: those that are wanted, in the order that is wanted. All pure.

A table is of one of four groups, which are worth a look in this order: in trouble, moving, waiting, live.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import itemgetter

from udup.base.errors import Fault, Refused
from udup.jobs.record import JobRecord
from udup.jobs.table_states import TableShown, TableState
from udup.pipeline.ports.inspect import TableSize
from udup.pipeline.verify.state import CompareState

#: Tables of a page, when the request does not say how many, and at most.
PAGE, PAGE_MAX = 1000, 10_000

#: Letters of what is searched for.
SEARCH_MAX = 300


class TableGroup(StrEnum):
    TROUBLE = "trouble"
    MOVING = "moving"
    WAITING = "waiting"
    LIVE = "live"  # or at rest as their job is


class TableSort(StrEnum):
    """By what tables are in order: by name from A, else what is most worth a look first. `-` is the other way."""

    NAME = "name"
    TROUBLE = "trouble"
    SIZE = "size"
    ROWS = "rows"
    CHANGED = "changed"
    LAST_CHANGE = "last_change"
    LAG = "lag"


_MOVING = frozenset(
    {TableState.COPYING, TableState.COPIED, TableState.CATCHING_UP, TableState.JOINING, TableState.RELOADING}
)

_GROUPS = tuple(TableGroup)

#: How far tables are from being live, the farthest first.
_WAY = (
    TableState.FAILED,
    TableState.DIVERGED,
    TableState.RELOADING,
    TableState.WAITING,
    TableState.COPYING,
    TableState.COPIED,
    TableState.CATCHING_UP,
    TableState.JOINING,
    TableState.STOPPED,
    TableState.LIVE,
)


@dataclass(frozen=True)
class TablesWanted:
    """`after`: only names behind it, in the order of names. `states`: all if empty. `search`: a part of schema.table.

    `offset` counts among those that match; None where pages are told by `after`.
    """

    limit: int = PAGE
    after: str = ""
    offset: int | None = None
    sort: TableSort = TableSort.NAME
    backwards: bool = False
    states: frozenset[TableState] = frozenset()
    groups: frozenset[TableGroup] = frozenset()
    search: str = ""

    @property
    def is_plain(self) -> bool:
        """Return whether it is a page in the order of names, of all tables."""
        return self == TablesWanted(self.limit, self.after)


@dataclass(frozen=True)
class TablesPage:
    """`matching` is how many match in all, `more` whether some of them come behind these."""

    tables: list[TableShown]
    matching: int
    offset: int
    more: bool


def tables_wanted(
    limit: int | None, after: str, offset: str | None, sort: str, state: str, search: str
) -> TablesWanted:
    """Return what a request's words ask for; `Refused` with every fault of them."""
    faults: list[Fault] = []
    if offset is not None and not (offset.isascii() and offset.isdecimal() and len(offset) <= 9):
        problem = f"must be a whole number from 0 on, got {offset[:40]!r}"
        faults.append(Fault("offset", problem, "write offset=200, or leave it out"))
        offset = None
    words = frozenset(word.strip() for word in state.split(",") if word.strip())
    known = {*TableState, *TableGroup}
    for word in sorted(words - known):
        faults.append(Fault("state", f"there is no state {word[:40]!r}", f"known are {', '.join(sorted(known))}"))
    order = sort.removeprefix("-") or TableSort.NAME
    if order not in set(TableSort):
        faults.append(Fault("sort", f"tables have no order by {order[:40]!r}", f"known are {', '.join(TableSort)}"))
        order = TableSort.NAME
    if after and (order != TableSort.NAME or sort.startswith("-") or offset is not None):
        faults.append(Fault("after", "goes on in the order of names", "use offset in another order, and never both"))
    if len(search) > SEARCH_MAX:
        faults.append(Fault("q", f"has {len(search)} letters", f"search for {SEARCH_MAX} at most"))
    if faults:
        raise Refused(faults)
    return TablesWanted(
        limit=min(limit or PAGE, PAGE_MAX),
        after=after,
        offset=None if offset is None else int(offset),
        sort=TableSort(order),
        backwards=sort.startswith("-"),
        states=frozenset(TableState(word) for word in words & set(TableState)),
        groups=frozenset(TableGroup(word) for word in words & set(TableGroup)),
        search=search.casefold(),
    )


@dataclass(frozen=True)
class Compared:
    """When a table was compared last, in nanoseconds since the epoch, and whether it was equal; None: not known."""

    at_ns: int = 0
    equal: bool | None = None


def compared_of(record: JobRecord, shown: Sequence[TableShown]) -> dict[str, Compared]:
    """Return what the job's last comparison that was carried to its end says of tables, by their names."""
    comparison = record.comparison
    if comparison is None or comparison.options.repair:
        return {}
    if comparison.state is CompareState.DONE:
        at, unlike = comparison.ended_ns, {each.name for each in comparison.unlike}
    elif comparison.last_ended_ns and not comparison.last_differences:
        at, unlike = comparison.last_ended_ns, set()  # a continuous one is in its next round
    else:
        return {}
    named = frozenset(comparison.options.tables)
    return {
        each.name: Compared(at, each.name not in unlike and not each.differences)
        for each in shown
        if not named or each.name in named
    }


def group_of(shown: TableShown) -> TableGroup:
    if shown.differences or shown.problem or shown.state in (TableState.FAILED, TableState.DIVERGED):
        return TableGroup.TROUBLE
    if shown.state in _MOVING:
        return TableGroup.MOVING
    return TableGroup.WAITING if shown.state is TableState.WAITING else TableGroup.LIVE


def groups_of(shown: Sequence[TableShown]) -> dict[str, int]:
    """Return how many tables are in each group."""
    found = {group.value: 0 for group in TableGroup}
    for each in shown:
        found[group_of(each).value] += 1
    return found


def page_of(shown: Sequence[TableShown], sizes: Mapping[str, TableSize], wanted: TablesWanted) -> TablesPage:
    """Return a page of tables that come in the order of their names; what has no size is behind what has one."""
    found = [each for each in shown if _matches(each, wanted)]
    if wanted.sort is TableSort.NAME:
        found.sort(key=lambda each: each.name, reverse=wanted.backwards)
    else:
        key = _KEYS[wanted.sort]
        ranked = [(key(each, sizes), each) for each in found]
        known = [(rank, each) for rank, each in ranked if rank is not None]
        known.sort(key=itemgetter(0), reverse=not wanted.backwards)  # stable: by name where they are alike
        found = [*(each for _, each in known), *(each for rank, each in ranked if rank is None)]
    first = wanted.offset or 0
    if wanted.after:
        first = sum(each.name <= wanted.after for each in found)
    page = found[first : first + wanted.limit]
    return TablesPage(page, len(found), min(first, len(found)), first + len(page) < len(found))


def _matches(shown: TableShown, wanted: TablesWanted) -> bool:
    if wanted.search and wanted.search not in shown.name.casefold():
        return False
    if not (wanted.states or wanted.groups):
        return True
    return shown.state in wanted.states or (bool(wanted.groups) and group_of(shown) in wanted.groups)


#: The greater, the more worth a look; None where nothing is known.
_Rank = tuple[float, ...] | None
_Key = Callable[[TableShown, Mapping[str, TableSize]], _Rank]


def _bytes(shown: TableShown, sizes: Mapping[str, TableSize]) -> _Rank:
    found = sizes.get(shown.name)
    return None if found is None or found.bytes is None else (found.bytes,)


def _rows(shown: TableShown, sizes: Mapping[str, TableSize]) -> _Rank:
    found = sizes.get(shown.name)
    rows = shown.total if found is None or found.rows is None else found.rows
    return None if rows is None else (rows,)


def _changed(shown: TableShown, _sizes: Mapping[str, TableSize]) -> _Rank:
    change = shown.change
    return None if change is None else (change.inserted + change.updated + change.deleted,)


def _last_change(shown: TableShown, _sizes: Mapping[str, TableSize]) -> _Rank:
    return None if shown.change is None or not shown.change.changed_us else (shown.change.changed_us,)


def _trouble(shown: TableShown, sizes: Mapping[str, TableSize]) -> _Rank:
    """Return the group first, then the size."""
    return -_GROUPS.index(group_of(shown)), *(_bytes(shown, sizes) or (0.0,))


def _lag(shown: TableShown, _sizes: Mapping[str, TableSize]) -> _Rank:
    """Return how far a table is from being live, of those that are copied by the part that is left."""
    return -_WAY.index(shown.state), -(shown.percent or 0.0)


_KEYS: Mapping[TableSort, _Key] = {
    TableSort.TROUBLE: _trouble,
    TableSort.SIZE: _bytes,
    TableSort.ROWS: _rows,
    TableSort.CHANGED: _changed,
    TableSort.LAST_CHANGE: _last_change,
    TableSort.LAG: _lag,
}
