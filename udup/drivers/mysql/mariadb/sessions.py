"""What a session has on MariaDB in place of MySQL's settings, and beside them.

MariaDB has variables of its own that change what a statement of Udup's means or does, or how it is logged; and some of
MySQL's under another name. What a version of it does not have is passed over, as ever (`client/session_setup.py`).
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping

#: As `sessions.BASE`, with MariaDB's own defaults unless a comment says why not.
BASE: Mapping[str, str | None] = {
    "max_statement_time": "0.000000",
    "max_recursive_iterations": "4294967295",  # more are left out without an error
    "idle_transaction_timeout": "0",
    "idle_readonly_transaction_timeout": "0",
    "idle_write_transaction_timeout": "0",
    # Its own is ON since 11.6: what has read a row before another changed it could lock it no more (1020).
    "innodb_snapshot_isolation": "OFF",
    "check_constraint_checks": "ON",
    "sql_if_exists": "OFF",
    "enforce_storage_engine": None,
    "standard_compliant_cte": "ON",
    "alter_algorithm": "DEFAULT",
    "system_versioning_alter_history": "KEEP",  # its own is ERROR: ALTER TABLE would be refused that its source has run
    "system_versioning_insert_history": "OFF",
    "query_cache_type": "OFF",
    "skip_replication": "OFF",  # else what is written is passed over by replicas of the target
    # What a character set without a collation gets: its own maps those of Unicode to uca1400 (11.3 on). Definitions of
    # MySQL's mean the collation that MySQL prints no name of.
    "character_set_collations": "",
}

#: Settings that MariaDB has under another name with the same values.
_CALLED: Mapping[str, str] = {
    "binlog_rows_query_log_events": "binlog_annotate_row_events",
    "cte_max_recursion_depth": "max_recursive_iterations",
}

#: Those that are ON or OFF, which SELECT shows as 1 and 0.
SWITCHES = frozenset(name for name, value in BASE.items() if value in ("ON", "OFF")) | {"binlog_annotate_row_events"}

#: Which privilege lets a session set one; there is none for all.
SETTER: Mapping[str, str] = {
    "binlog_annotate_row_events": "BINLOG ADMIN",
    "sql_log_bin": "BINLOG ADMIN",
    "skip_replication": "REPLICATION SLAVE ADMIN",
}

#: What tells a server from others, which has no server_uuid. `server_uid` came with 10.11.
IDENTITY = ("server_uid", "hostname", "port", "server_id")

_MILLISECONDS = 1000

#: What utf8mb4 was born with on MySQL of today.
_OF_TODAY = "utf8mb4_0900_ai_ci"


def for_mariadb(settings: Mapping[str, str | None], *, knows_0900: bool = False) -> dict[str, str | None]:
    """Return settings of MySQL's as MariaDB's; the order in which they are set stays.

    `knows_0900`: the server has MySQL's collation of today by its name.
    """
    made = {**BASE, **{_CALLED.get(name, name): value for name, value in settings.items()}}
    if knows_0900 and settings.get("default_collation_for_utf8mb4") == _OF_TODAY:
        made["character_set_collations"] = f"utf8mb4={_OF_TODAY}"
    if limit := settings.get("max_execution_time"):
        made["max_statement_time"] = f"{int(limit) / _MILLISECONDS:.6f}"  # seconds, as SHOW VARIABLES prints them
    return made


def identity(found: dict[str, str]) -> str:
    """Take what tells the server out of a session's values, and return it in the form of a server_uuid.

    It is of this server's place and life alone, for the question whether two connections lead to one server.
    """
    told = [found.pop(name, "") for name in IDENTITY]
    if not any(told):
        return ""
    return str(uuid.UUID(bytes=hashlib.sha256("\x1f".join(told).encode()).digest()[:16], version=5))
