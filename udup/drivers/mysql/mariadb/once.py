"""Whether a definition has run on a MariaDB target, told by the target's own binary log.

MariaDB has no `gtid_next`: nothing there skips a statement that comes twice. But each statement is logged with the
server_id of its session, which a session may choose, and `gtid_binlog_state` has the newest number of every server_id.
So a job's definitions run under a server_id of the job's own. What the state says of it is noted before one runs
(`apply/intents.py`); a larger number afterwards means that it has run. Since 10.6.0 a definition and its place in the
log are one, also when the server dies meanwhile; before, the same number says nothing. A server that comes back may
write it into the log under its own server_id, at the beginning of the file that it begins then (seen on 11.8): the same
number is believed if the objects are as they were too (`apply/ddl_state.py`), and where they are not, the definition is
looked for there, by a comment in front of it that no other has.

The definition stays in the server's own domain, with the next number there. A domain of the job's own, in which it
could choose the number, would let replicas of the target run definitions beside the rows that they were made for.
"""

from __future__ import annotations

from udup.drivers.mysql.client.connection import Connection, MySQLError, is_transient, query, scalar
from udup.drivers.mysql.client.flavour import Version

#: From here on a definition is in the log exactly if it has taken effect.
_ATOMIC: Version = (10, 6, 0)

#: Where a definition is looked for that the server itself has logged when it came back: the newest files of its log,
#: and events at the beginning of each.
_FILES, _EVENTS = 16, 60

#: A server_id has 32 bits. Those below are what people give.
_LEAST, _BITS = 1 << 30, 30


def server_id_of(mark: str) -> int:
    """Return the server_id of a job's definitions, by the mark of its checkpoint."""
    return _LEAST | int(mark.replace("-", "")[:16], 16) & ((1 << _BITS) - 1)


def enter(connection: Connection, mark: str) -> None:
    """Have what this session runs be logged as the job's."""
    query(connection, f"SET SESSION server_id = {server_id_of(mark)}")


def sign(own: str) -> bytes:
    """Return the comment in front of a definition by which it is known in the server's log; `own` is its number."""
    return f"/* udup {own} */ ".encode()


def is_recovered(connection: Connection, own: str) -> bool:
    """Return whether a server that came back has logged the definition; False as well where its log is not shown."""
    try:
        files = [str(row[0]) for row in query(connection, "SHOW BINARY LOGS")]
        for file in files[: -_FILES - 1 : -1]:
            events = query(connection, f"SHOW BINLOG EVENTS IN %s LIMIT {_EVENTS}", file)
            if any(sign(own).decode() in str(info) for *_, info in events):
                return True
    except MySQLError as error:
        if is_transient(error):
            raise
    return False


def logged(connection: Connection, mark: str) -> str:
    """Return the newest number of the job's definitions in the server's log; "" where it writes none.

    As text: `number` behind each domain, and at the end whether an equal one says that nothing has run.
    """
    if not scalar(connection, "SELECT @@GLOBAL.log_bin"):
        return ""
    own = str(server_id_of(mark))
    state = str(scalar(connection, "SELECT @@GLOBAL.gtid_binlog_state") or "")
    found = [each.split("-") for each in state.split(",") if each]
    numbers = [f"{domain}-{number}" for domain, server, number in found if server == own]
    return " ".join([*sorted(numbers), "atomic" if connection.version >= _ATOMIC else "plain"])


def has_run(before: str, now: str) -> bool | None:
    """Return whether something has run between the two, None if that is not known."""
    if not before or not now:
        return None
    old, new = _numbers(before), _numbers(now)
    if any(number > old.get(domain, 0) for domain, number in new.items()):
        return True
    if old != new:
        return None  # the log was begun again
    return False if before.endswith("atomic") and now.endswith("atomic") else None


def _numbers(text: str) -> dict[str, int]:
    pairs = [each.split("-") for each in text.split()[:-1]]
    return {domain: int(number) for domain, number in pairs}
