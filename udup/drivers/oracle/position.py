"""Where in an Oracle database's redo a job is, as a GTID set, so that a target keeps it as it keeps MySQL's.

A transaction's number is the SCN of its COMMIT. Oracle wrote it, so the same transaction has the same number however
often, from wherever and by whichever process it is read: that is what makes it exactly once. Transactions that were
committed at one SCN are carried as one. The source of these numbers is a UUID made of DBID and RESETLOGS: an SCN means
something within one incarnation of one database only. `uuid:1-4711` is everything that was committed up to SCN 4711;
SCNs at which nothing of the job's was committed are told as skipped, so a set is one range and a few numbers.

From where the redo must be read again is another question: a transaction that is committed later may have begun long
before. That place stands in the same set, as numbers of `uuid:resume`: `uuid:resume:1-4000` says that whatever is not
executed by the set has made its first change behind SCN 4000. It must never be ahead of what is on the target, and
transactions may get there out of order. So it advances by a transaction of its own, which holds nothing, depends on
all before it, and has the first number that is missing; the numbers up to the new place are told as skipped meanwhile
and count only when that first one is executed. Numbers that a killed run has told so are in the set already: a new run
lets it advance only when its own place is behind all of them.

`uuid:begin:N` notes that a user has named SCN N to begin at. What was changed before by transactions that were open
there cannot be known; see `Progress.begins_unknown`.
"""

from __future__ import annotations

import uuid
from bisect import bisect_right
from collections import deque
from collections.abc import Collection

from udup.base.errors import Unsupported
from udup.base.remedies import COPY_AGAIN
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.pipeline.records import CommitOrder, TransactionId

#: Tags of the numbers that are no transactions of the source's.
RESUME, BEGIN = "resume", "begin"

#: What Oracle databases are told apart in.
_NAMESPACE = uuid.UUID("6f1d8a52-1c0e-5a3f-9b43-5d0f0f4f5241")

#: Commits of which the SCN is remembered, to say which of them a transaction may depend on.
_REMEMBERED = 4096

#: Values of keys that are remembered with who wrote them last.
_KEYS = 200_000


def source_uuid(dbid: int, resetlogs_scn: int, container: str = "", incarnation: int = 0) -> str:
    """Return what tells one incarnation of a database, or of a container in it, from every other."""
    of_container = f"{container}/{incarnation}" if container else ""
    return str(uuid.uuid5(_NAMESPACE, f"{dbid}/{resetlogs_scn}/{of_container}"))


def position_at(source: str, scn: int, resume: int) -> str:
    """Return the position of all that was committed up to an SCN, where reading begins behind `resume`."""
    parts = [f"{source}:1-{scn}"]
    if resume > 0:
        parts.append(f"{source}:{RESUME}:1-{resume}")
    return ",".join(parts)


class Progress:
    """How a run goes through the SCNs from a position on: what is executed, and what is to be told of the rest."""

    def __init__(self, source: str, executed: GtidSet) -> None:
        """Raise `Unsupported` for a position of another database or incarnation."""
        ranges = dict(executed.items())
        others = [key for key in ranges if key.split(":")[0] != source]
        if others:
            raise Unsupported(
                f"the job's position is of another database ({', '.join(others)}): the source is {source}, by its DBID"
                " and RESETLOGS. It was opened with RESETLOGS, or another one has its address: look at it, or"
                f" {COPY_AGAIN}"
            )
        self.source = source
        self._executed = executed
        self._told = prefix(ranges.get(source, []))
        resumes = ranges.get(f"{source}:{RESUME}", [])
        self._is_new = not resumes
        self.resume = prefix(resumes) if resumes else self._told
        self._resume_told = max([stop - 1 for _, stop in resumes], default=self.resume)
        begins = ranges.get(f"{source}:{BEGIN}", [])
        self.begin = self._told if self._is_new else begins[0][0] if begins else 0
        self._sequence = 0
        self._commits: deque[tuple[int, int]] = deque(maxlen=_REMEMBERED)
        self._keys: dict[int, int] = {}  # values of keys, each with the last transaction that had it
        self._keys_forgotten = 0  # up to this transaction none is known

    @property
    def begins_unknown(self) -> bool:
        """Return whether reading begins at an SCN of the user's: what was open there is not known from its start."""
        return self.begin > 0 and self.resume == self.begin

    @property
    def highest(self) -> int:
        """Return the highest SCN that was executed when the run began."""
        return max([stop - 1 for _, stop in dict(self._executed.items()).get(self.source, [])], default=0)

    def introduction(self) -> str:
        """Return what is to be noted before the first record; "" for nothing."""
        if not self._is_new or not self._told:
            return ""
        return f"{self.source}:{BEGIN}:{self.begin},{self.source}:{RESUME}:1-{self.resume}"

    def is_executed(self, scn: int) -> bool:
        return self._executed.contains(self.source, scn)

    def skipped(self, scn: int) -> str:
        """Return the numbers up to an SCN that are not told yet, as executed; "" if there are none."""
        first, self._told = self._told + 1, max(self._told, scn)
        return f"{self.source}:{first}-{scn}" if first <= scn else ""

    def committed(self, scn: int, last_change: int, committed_us: int, keys: Collection[int] = ()) -> TransactionId:
        """Return the ID of what was committed at an SCN and made its last change at another; SCNs come in order.

        Whoever committed behind that change held his locks when it was made: the two do not depend on each other, but
        for values of unique keys (`keys`, hashed). A row is in the redo before its values are in the indexes, where it
        waits for whoever has deleted the same ones and has not committed.
        """
        self._told = scn
        at = bisect_right(self._commits, (last_change, 1 << 62))
        needed = self._commits[at - 1][1] if at else self._sequence - len(self._commits)
        if keys:
            needed = max(needed, self._keys_forgotten, *(self._keys.get(key, 0) for key in keys))
        self._sequence += 1
        self._commits.append((scn, self._sequence))
        self._keys.update(dict.fromkeys(keys, self._sequence))
        if len(self._keys) > _KEYS:
            self._keys, self._keys_forgotten = {}, self._sequence
        return self._id(self.source, scn, needed, committed_us)

    def defined(self, scn: int, committed_us: int) -> TransactionId:
        """Return the ID of a definition, or a large transaction: it is behind everything, and everything behind it."""
        self._told = scn
        self._commits.clear()
        self._sequence += 1
        return self._id(self.source, scn, self._sequence - 1, committed_us)

    def resumes(self, scn: int, now_us: int) -> tuple[TransactionId, str] | None:
        """Return what has the place to begin again advance to an SCN, and what is told with it; None for nothing."""
        if scn <= max(self.resume, self._resume_told):
            return None
        number, self.resume, self._resume_told = self.resume + 1, scn, scn
        self._sequence += 1
        of = self._id(f"{self.source}:{RESUME}", number, self._sequence - 1, now_us)
        return of, f"{self.source}:{RESUME}:{number + 1}-{scn}" if number < scn else ""

    def _id(self, source: str, number: int, needed: int, committed_us: int) -> TransactionId:
        """Return an ID without `original_us`: a time does not tell a transaction here, as it is the server's own.

        Where its clock is put forward or back (DST), redo that is read again has another time in UTC.
        """
        order = CommitOrder(needed, self._sequence, committed_us, self._sequence == 1)
        return TransactionId(source, number, order)


def prefix(ranges: list[list[int]]) -> int:
    """Return up to which number all are in it, from 1."""
    return ranges[0][1] - 1 if ranges and ranges[0][0] == 1 else 0
