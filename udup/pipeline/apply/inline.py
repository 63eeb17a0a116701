"""The inline path: a small group that finds every worker idle is applied by DestApplier itself, at once.

The way to a worker is a third of an idle job's latency. The session has a row of the checkpoint of its own, after those
of the workers. It is used in the event loop, which stands still meanwhile; so it takes only what ends about as soon as
a commit does, and waits for a row lock for a moment only.
"""

from __future__ import annotations

from collections.abc import Sequence

from udup.base.errors import Contended
from udup.pipeline.apply.executed import ExecutedPositions
from udup.pipeline.apply.scheduler import Assigned
from udup.pipeline.ports import Claim, InlineSession, Position, RowCounts

#: Bytes of events that may be applied without a worker: what takes no longer than a commit.
INLINE_BYTES = 16 << 10


class InlinePath:
    """`slot` is the number of the session's row in the checkpoint: the last one."""

    def __init__(self, session: InlineSession, slot: int, executed: ExecutedPositions) -> None:
        self.slot = slot
        self._session = session
        self._executed = executed
        self._counted, self._counted_at = RowCounts(), 0

    def apply(self, group: Assigned, prelude: bytes) -> bool:
        """Return whether the group is committed: not if it is too large for this, or a lock was not to be had at once.

        `prelude` is what the session must be set to for its rows.
        """
        if group.members[0].barrier or group.size > INLINE_BYTES:
            return False
        claim, accepted = self.propose(group)
        events: Sequence[bytes] = [member.events for member in group.members]
        try:
            self._session.apply(claim, events, prelude)
        except Contended:
            self._session.rollback()
            return False
        self.accept(accepted)
        return True

    def propose(self, group: Assigned) -> tuple[Claim, Position]:
        """Return the claim of a group on this session's row, and what to `accept` when it is committed."""
        version, position = self._executed.propose(self.slot, group.members)
        return Claim(version, str(position), group.label), position

    def accept(self, position: Position) -> None:
        self._executed.accept(self.slot, position)

    def rows_written(self) -> RowCounts:
        """Return the rows that this session has written; the server is asked only if there may be more."""
        version = self._executed.version(self.slot)
        if version != self._counted_at:
            self._counted, self._counted_at = self._session.rows_written(), version
        return self._counted
