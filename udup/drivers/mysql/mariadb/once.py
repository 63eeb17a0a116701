"""Whether a definition has run on a MariaDB target, told by the target's own binary log.

MariaDB has no `gtid_next`: nothing there skips a statement that comes twice. But each statement is logged with the
server_id of its session, which a session may choose, and `gtid_binlog_state` has the newest number of every server_id.
So a job's definitions run under a server_id of the job's own. What the state says of it is noted before one runs
(`apply/intents.py`); a larger number afterwards means that it has run. Since 10.6.0 a definition and its place in the
log are one, also when the server dies meanwhile; before, the same number says nothing. A server that comes back may
write it into the log under its own server_id: the same number is believed if the objects are as they were too
(`apply/ddl_state.py`).

The definition stays in the server's own domain, with the next number there. A domain of the job's own, in which it
could choose the number, would let replicas of the target run definitions beside the rows that they were made for.
"""

from __future__ import annotations

from udup.drivers.mysql.client.connection import Connection, query, scalar
from udup.drivers.mysql.client.flavour import Version

#: From here on a definition is in the log exactly if it has taken effect.
_ATOMIC: Version = (10, 6, 0)

#: A server_id has 32 bits. Those below are what people give.
_LEAST, _BITS = 1 << 30, 30


def server_id_of(mark: str) -> int:
    """Return the server_id of a job's definitions, by the mark of its checkpoint."""
    return _LEAST | int(mark.replace("-", "")[:16], 16) & ((1 << _BITS) - 1)


def enter(connection: Connection, mark: str) -> None:
    """Have what this session runs be logged as the job's."""
    query(connection, f"SET SESSION server_id = {server_id_of(mark)}")


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
