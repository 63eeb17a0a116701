"""Snapshots of single tables that a subscription is asked for while it goes on. Pure, as `history.py` is."""

from __future__ import annotations

from collections.abc import Sequence

from udup.base.errors import Fault, Refused
from udup.base.kept import Kept

#: Wishes that a record keeps, the newest: a run goes by those that its position does not have yet.
WISHES_MAX = 20

#: Tables of one wish.
TABLES_MAX = 100


class SnapshotWish(Kept):
    """`number` counts a job's wishes, `time_ns` is since the epoch; `tables` are `schema.table` as on the source."""

    number: int
    tables: tuple[str, ...]
    time_ns: int = 0


def wished(
    before: tuple[SnapshotWish, ...], unwanted: Sequence[str], tables: Sequence[str], now: int
) -> tuple[SnapshotWish, ...]:
    """Return the wishes with one more. `Refused` if there are tables that the job does not have."""
    if unwanted:
        problem = f"the job does not have {', '.join(map(repr, unwanted))}"
        remedy = "name tables as the source has them, SCHEMA.TABLE; choose others in the job's ReplicateDoDb first"
        raise Refused([Fault("table", problem, remedy)])
    if not 0 < len(tables) <= TABLES_MAX:
        problem = f"{len(tables)} tables are named"
        raise Refused([Fault("table", problem, f"name 1 to {TABLES_MAX}: ?table=SCHEMA.TABLE")])
    number = before[-1].number + 1 if before else 1
    return (*before, SnapshotWish(number=number, tables=tuple(tables), time_ns=now))[-WISHES_MAX:]
