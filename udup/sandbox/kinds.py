"""The kinds of servers that can be thrown away, and where they differ: options, accounts, what a taken port is told as.

All are of MySQL's family and run as a `MysqlServer`; a set of programs knows of which kind it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

_COMMON: Mapping[str, str] = {
    "log-bin": "binlog",
    "local-infile": "ON",
    "innodb-buffer-pool-size": "256M",
    "innodb-log-buffer-size": "16M",
    "table-open-cache": "400",
    "table-definition-cache": "400",
}

#: What the servers before MySQL 8.0 need said: rows in the log, and replicated changes with them.
_ROWS: Mapping[str, str] = {"binlog-format": "ROW", "log-slave-updates": "ON"}


def _accounts(password: str) -> str:
    return (
        "SET SESSION sql_log_bin = 0;\n"
        "CREATE USER IF NOT EXISTS root@'127.0.0.1';\n"
        f"ALTER USER root@'127.0.0.1' IDENTIFIED BY '{password}';\n"
        "GRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION;\n"
        f"ALTER USER root@localhost IDENTIFIED BY '{password}';\n"
    )


def _accounts_of_old(password: str) -> str:
    """MySQL 5.6 has no ALTER USER for passwords, and accounts without a name or a password from the beginning."""
    return (
        "SET SESSION sql_log_bin = 0;\n"
        "DELETE FROM mysql.user WHERE User = '' OR Host NOT IN ('localhost', '127.0.0.1');\n"
        "FLUSH PRIVILEGES;\n"
        f"GRANT ALL ON *.* TO root@'127.0.0.1' IDENTIFIED BY '{password}' WITH GRANT OPTION;\n"
        f"GRANT ALL ON *.* TO root@localhost IDENTIFIED BY '{password}' WITH GRANT OPTION;\n"
    )


@dataclass(frozen=True, eq=False)
class ServerKind:
    """What a server of the kind has unless its own options say otherwise, and what is its own besides.

    `accounts` makes the statements (one a line) that give root a password, which is escaped already; they run before
    the first connection is let in and must leave no trace in the binary log.
    """

    name: str
    server: str  # its program
    default_options: Mapping[str, str]
    accounts: Callable[[str], str]
    port_taken_marks: tuple[str, ...]


#: MySQL 8.0 and newer. The caches are small: 390 MB of memory instead of 550.
MYSQL = ServerKind(
    "MySQL",
    "mysqld",
    {
        "mysqlx": "OFF",
        "gtid-mode": "ON",
        "enforce-gtid-consistency": "ON",
        "loose-binlog-format": "ROW",  # the only one, and the option gone, in versions to come
        "secure-file-priv": "NULL",
        "performance-schema-max-table-instances": "500",
        **_COMMON,
    },
    _accounts,
    ("MY-010257", "MY-010262"),
)

MYSQL_5_6 = ServerKind(
    "MySQL",
    "mysqld",
    {
        "gtid-mode": "ON",
        "enforce-gtid-consistency": "ON",
        "performance-schema": "OFF",
        "innodb-log-file-size": "32M",
        **_ROWS,
        **_COMMON,
    },
    _accounts_of_old,
    ("Bind on TCP/IP port",),
)

#: GTIDs are always on. Its signs, names and keys of columns are told in the log only if that is asked for.
MARIADB = ServerKind(
    "MariaDB",
    "mariadbd",
    {"binlog-row-metadata": "FULL", **_ROWS, **_COMMON},
    _accounts,
    ("Bind on TCP/IP port",),
)
