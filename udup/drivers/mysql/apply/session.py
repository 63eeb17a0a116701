"""A worker's session: takes orders as they come from DestApplier, and raises Udup's errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from udup.base.endpoint import Endpoint
from udup.base.errors import Conflict, Divergence, Side, UdupError
from udup.drivers.mysql.apply.errors import failure_of, one_gtid
from udup.drivers.mysql.apply.row_session import LOCK_WAIT_SECONDS, RowSession
from udup.drivers.mysql.client.errors import MySQLError, failure
from udup.drivers.mysql.client.seam import behind_the_seam
from udup.pipeline.orders import Group, GroupPart, MarkedGroup
from udup.pipeline.ports import ApplyMode, RowCounts


def open_rows(
    endpoint: Endpoint,
    job: str,
    slot: int,
    lock_wait: int = LOCK_WAIT_SECONDS,
    answer_within: float | None = None,
    mode: ApplyMode = ApplyMode.BY_PRIVILEGE,
) -> RowSession:
    """Connect the session of a slot."""
    try:
        return RowSession(endpoint, job, slot, lock_wait, answer_within, mode)
    except MySQLError as error:
        raise failure(error, f"opening a session on {endpoint}") from error


@contextmanager
def explaining(rows: RowSession, label: str, version: int, events: Sequence[bytes] = ()) -> Iterator[None]:
    """Raise what an error of the target means for transactions that are applied inside of it; see `failure_of`."""
    try:
        yield
    except MySQLError as error:
        taken_over = partial(rows.is_taken_over, version)
        alone = _SEVERAL not in label
        raise failure_of(
            error, label, events, taken_over, has_crc=rows.has_crc, remedy=rows.remedy, alone=alone
        ) from error
    except Conflict as error:
        raise error.beginning(f"{label}: ", one_gtid(label)) from error
    except UdupError as error:
        error.at(one_gtid(label))
        raise


@behind_the_seam(Side.TARGET)
class MySQLSession:
    """`ApplySession` of `pipeline/ports/`."""

    def __init__(self, endpoint: Endpoint, job: str, slot: int, mode: ApplyMode = ApplyMode.BY_PRIVILEGE) -> None:
        self.endpoint = endpoint
        self._rows = open_rows(endpoint, job, slot, mode=mode)

    def apply(self, groups: Sequence[Group]) -> None:
        """Commit groups that follow each other as one. They need one context, or none."""
        first, last = groups[0], groups[-1]
        events = [event for group in groups for event in group.events]
        context = next((group.context for group in groups if group.context), b"")
        with explaining(self._rows, _label(first, last), first.version, events):
            self._rows.apply(first.version, last.gtids, events, first.create, groups=len(groups), context=context)

    def apply_part(self, part: GroupPart) -> None:
        """Apply a part of a large transaction; the last commits it."""
        events = [part.events] if part.index == 0 else []  # a later part begins anywhere
        with explaining(self._rows, part.label, part.version, events):
            if part.marked:
                self._rows.apply_marked_part(
                    part.version,
                    part.gtids,
                    part.index,
                    part.events,
                    last=part.last,
                    note=(part.label, part.marked),
                    context=part.context,
                )
            else:
                self._rows.apply_part(
                    part.version,
                    part.gtids,
                    part.index,
                    part.events,
                    last=part.last,
                    create=part.create,
                    xid=part.xid,
                    context=part.context,
                )

    def apply_marked(self, group: MarkedGroup) -> None:
        """Apply transactions whose tables undo nothing, one by one, between two marks."""
        with self._asking(Divergence):
            self._rows.apply_marked(group.version, group.gtids, group.items, group.tables, group.context)

    def set_format(self, event: bytes) -> None:
        with self._asking(Divergence):
            self._rows.set_format(event)

    def rollback(self) -> None:
        with self._asking():
            self._rows.rollback()

    @property
    def in_large_transaction(self) -> bool:
        return self._rows.in_large_transaction

    def rows_written(self) -> RowCounts:
        with self._asking(Divergence):
            return self._rows.rows_written()

    def abandon(self) -> None:
        self._rows.abandon()

    @contextmanager
    def _asking(self, otherwise: type[UdupError] = UdupError) -> Iterator[None]:
        try:
            yield
        except MySQLError as error:
            raise failure(error, f"on the target {self.endpoint}", otherwise) from error


#: In the label of a group of several transactions.
_SEVERAL = " to "


def _label(first: Group, last: Group) -> str:
    """The transactions of groups that were joined, for people."""
    if first is last:
        return first.label
    return f"{first.label.partition(_SEVERAL)[0]}{_SEVERAL}{last.label.rpartition(_SEVERAL)[2]}"
