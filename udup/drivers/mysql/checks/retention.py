"""Whether a source keeps its log for as long as a job needs it: before a copy by its size, during one by looking.

A copy goes on with the log from its snapshot on, when its rows are there. What is purged meanwhile is known at once
only if somebody looks: MySQL says so when the log is asked for, after all rows were copied in vain.
"""

from __future__ import annotations

from collections.abc import Iterator

from udup.base.causes import Cause, reason
from udup.base.endpoint import Endpoint
from udup.base.errors import Fault, Refused
from udup.base.remedies import COPIED_AGAIN
from udup.drivers.mysql.binlog.gtid import GtidSet, brief
from udup.drivers.mysql.client.connection import Connection, MySQLError, error_code, query
from udup.drivers.mysql.client.facts import ServerFacts
from udup.pipeline.checks import SRC, Finding, warned
from udup.pipeline.selection.selection import Selection

#: Seconds for which a log should be kept at least, and the statement for that: a week.
_DAY_S = 24 * 3600
LONG_ENOUGH_S = 7 * _DAY_S
KEEP_LONGER = f"SET PERSIST binlog_expire_logs_seconds = {LONG_ENOUGH_S}"

#: Bytes a second to which a copy between slow machines comes; what the warning says is a guess by it.
_COPIED_PER_S = 10 << 20

#: A log that is kept for longer than this is long enough for any copy: sizes are not asked for.
_AMPLE_S = 3 * 24 * 3600

#: Asked before each run of a job, so it is cut short: a server may have to open each of its tables for this.
_SIZES = (
    "SELECT /*+ MAX_EXECUTION_TIME(3000) */ TABLE_SCHEMA, TABLE_NAME, DATA_LENGTH FROM information_schema.TABLES"
    " WHERE TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')"
)
_TOOK_TOO_LONG = 3024


def expires_after(facts: ServerFacts) -> int:
    """Return seconds for which the log is kept, 0 for ever."""
    if facts.value("binlog_expire_logs_auto_purge", "ON").upper() == "OFF":
        return 0
    if "binlog_expire_logs_seconds" not in facts.variables:  # before MySQL 8.0.1, and MariaDB before 10.6.1
        return int(float(facts.value("expire_logs_days", "0")) * _DAY_S)
    return facts.number("binlog_expire_logs_seconds")


def keep_longer(facts: ServerFacts) -> str:
    """Return the statement that has a server keep its log for a week."""
    if not facts.is_mariadb:
        return KEEP_LONGER
    if "binlog_expire_logs_seconds" in facts.variables:
        return KEEP_LONGER.replace("SET PERSIST", "SET GLOBAL")
    return f"SET GLOBAL expire_logs_days = {LONG_ENOUGH_S // _DAY_S}"


def short_for_copy(facts: ServerFacts, size: int) -> Iterator[Finding]:
    """Yield a warning if the log may be gone before a copy of so many bytes has ended."""
    kept, takes = expires_after(facts), size // _COPIED_PER_S
    if 0 < kept < 2 * takes:
        yield warned(
            f"binlog_expire_logs_seconds is {kept}, and a copy of {size >> 20} MiB may take some {takes} s: if the log "
            "since its beginning is purged before its end, it was made in vain",
            f"{keep_longer(facts)} on the source",
        )


def copy_warnings(connection: Connection, facts: ServerFacts, selection: Selection) -> tuple[str, ...]:
    """Return what should be known before a full copy from this server."""
    if not 0 < expires_after(facts) < _AMPLE_S:
        return ()
    folded = selection.folding(facts.folds_names)
    try:
        size = sum(int(size or 0) for schema, name, size in query(connection, _SIZES) if folded.wants(schema, name))
    except MySQLError as error:
        if error_code(error) != _TOOK_TOO_LONG:
            raise
        return ()
    return tuple(
        str(Fault(f"Src {facts.address}", finding.found, finding.remedy)) for finding in short_for_copy(facts, size)
    )


def check_kept(endpoint: Endpoint, purged: str, position: str) -> None:
    """Raise `Refused` if the log after the position of a copy under way is not whole any more."""
    lost = GtidSet.parse(purged) - GtidSet.parse(position)
    if lost:
        raise Refused(
            [
                Fault(
                    f"Src {endpoint}",
                    f"the source has purged {brief(lost)} from its binary log, which this copy needs when its rows are "
                    "there: it is ended now, since all of it would be in vain",
                    f"{KEEP_LONGER} on the source (longer than the copy takes), no PURGE BINARY LOGS meanwhile, then "
                    "resume the job: the copy begins again",
                    SRC,
                )
            ]
        ).because(reason(Cause.SOURCE_PURGED, {"copying": "yes", "server": endpoint, "look": KEEP_LONGER}))


def lost_log(endpoint: Endpoint, told: str) -> Refused:
    """Return the refusal of a log that does not reach back to where the job stands."""
    return Refused(
        [
            Fault(
                f"Src {endpoint}",
                f"the source does not have the log any more from where the job stands ({told})",
                f"{KEEP_LONGER} on the source, and {COPIED_AGAIN}",
                SRC,
            )
        ]
    ).because(reason(Cause.SOURCE_PURGED, {"server": endpoint}))
