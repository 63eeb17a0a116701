"""What an error of the target means for the run, in whose transaction it came."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from udup.binlog.event import HEADER_SIZE, EventType
from udup.binlog.table_map import table_name
from udup.errors import Conflict, Transient, UdupError
from udup.mysql.connection import MySQLError, describe, error_code, is_transient

ER_KEY_NOT_FOUND = 1032

#: A row lock was not granted (lock wait, deadlock): the server undoes the group, and the same group may succeed.
LOCK_ERRORS = frozenset({1205, 1213})


def failure_of(error: MySQLError, label: str, events: Sequence[bytes], is_taken_over: Callable[[], bool]) -> UdupError:
    """`label` names the transactions; `is_taken_over` tells whether our checkpoint row is not the expected one."""
    text = f"{label}: {describe(error)}"
    if is_transient(error):
        return Transient(text)
    if error_code(error) == ER_KEY_NOT_FOUND and is_taken_over():
        return Transient(f"{label}: another run has taken the job over")
    tables = ", ".join(_tables_of(b"".join(events)))
    return Conflict(f"{text} (it changes {tables})" if tables else text)


def _tables_of(events: bytes) -> list[str]:
    """The tables that a transaction's events name, as far as whole events are there."""
    names: dict[str, None] = {}
    offset = 0
    while len(events) - offset >= HEADER_SIZE:
        size = int.from_bytes(events[offset + 9 : offset + 13], "little")
        if size < HEADER_SIZE or offset + size > len(events):
            break
        if events[offset + 4] == EventType.TABLE_MAP:
            names[str(table_name(events[offset : offset + size]))] = None
        offset += size
    return list(names)
