"""Changes without a GTID: no GTID set tells whether a target has them.

While gtid_mode is not ON, a source writes changes that have none. Each change of gtid_mode begins a new log file, so
they are in files of their own, whose PREVIOUS_GTIDS is the same as that of the file after them. A dump begins at the
newest file of which the replica has everything before; once gtid_mode is ON again, it passes over such files without
a word, and the job would look level. The source refuses only where a dump reads them on its way.

So the files between the one with the job's last transaction and the one where its dump begins are looked at here. They
hold no GTID that the job has not, and none of its own: their first transaction, if there is one, has none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from udup.base.endpoint import Endpoint
from udup.base.errors import Unsupported
from udup.base.remedies import NEW_COPY
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.asking import Asking, asked
from udup.drivers.mysql.client.connection import Connection, MySQLError, error_code, query
from udup.drivers.mysql.client.log_state import read_executed
from udup.drivers.mysql.stream.log_file import first_events, set_before

#: Errors of SHOW BINLOG EVENTS: no such file any more, and no privilege (which is a fault of its own).
_PURGED, _NO_PRIVILEGE = 1220, 1227

#: Files that a message names.
_NAMED = 5

#: What changes without a GTID are to a job that has met them.
WITHOUT_GTID = (
    f"made while gtid_mode was not ON. They are in no GTID set, so this job can never get them; {NEW_COPY}, when the "
    "source has written a transaction with a GTID after them (FLUSH STATUS is one)"
)


@dataclass(frozen=True)
class _LogFile:
    """One file of the binary log, as its beginning and the file after it tell."""

    name: str
    before: GtidSet  # its PREVIOUS_GTIDS
    own: GtidSet  # the GTIDs that it holds
    kinds: frozenset[str]  # of its first events


def check_anonymous(endpoint: Endpoint, start_after: GtidSet | None, asking: Asking | None = None) -> None:
    """Raise `Unsupported` if changes without a GTID lie between this set and the dump that follows on it.

    None is for a copy that is to be made now: it would not know its own place from one before these changes.
    """
    with asked(endpoint, asking) as connection:
        files = anonymous_files(connection, start_after)
    if not files:
        return
    named = ", ".join(files[:_NAMED]) + (" …" if len(files) > _NAMED else "")
    if start_after is not None:
        raise Unsupported(
            f"the binary log of {endpoint} has, after the last transaction that is in the target, changes without a "
            f"GTID ({named}), {WITHOUT_GTID}"
        )
    raise Unsupported(
        f"the binary log of {endpoint} ends with changes without a GTID ({named}), made while gtid_mode was not ON: a "
        "copy's place in the log could not be told from one before them. Have the source write a transaction with a "
        "GTID (FLUSH STATUS is one), and start the job again"
    )


def anonymous_files(connection: Connection, start_after: GtidSet | None) -> list[str]:
    """Return the files that hold them, in their order; `start_after` as in `check_anonymous`."""
    if connection.is_mariadb:
        return []  # its log has none
    executed = GtidSet.parse(read_executed(connection))
    have = executed if start_after is None else start_after
    found: list[str] = []
    begun = False
    for file in _backwards(connection, executed):
        if begun and "Anonymous_Gtid" in file.kinds:
            found.append(file.name)
        begun = begun or file.before <= have
        if begun and file.own - have != file.own:
            break  # the job's last transaction is in it
    return found[::-1]


def _backwards(connection: Connection, executed: GtidSet) -> Iterator[_LogFile]:
    """Yield the log's files from the newest on; the rest is not looked at where a file is purged meanwhile."""
    after = executed
    for name, *_ in reversed(query(connection, "SHOW BINARY LOGS")):
        try:
            events = first_events(connection, name)
        except MySQLError as error:
            if error_code(error) in (_PURGED, _NO_PRIVILEGE):
                return
            raise
        before = set_before(events)
        yield _LogFile(str(name), before, after - before, frozenset(kind for kind, _ in events))
        after = before
