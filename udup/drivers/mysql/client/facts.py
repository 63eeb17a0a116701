"""What a server is and how it is set: everything that the checks before a job ask."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from udup.drivers.mysql.client.connection import Connection, MySQLError, is_transient, query, scalar
from udup.drivers.mysql.client.dictionary_columns import with_collations
from udup.drivers.mysql.client.flavour import Version, is_mariadb, version_of
from udup.drivers.mysql.client.kin import MYSQL, Kin, Signs, kin_of
from udup.drivers.mysql.client.log_state import read_log_state
from udup.drivers.mysql.client.privileges import Privileges, parse_grants, split_accounts
from udup.drivers.mysql.ddl.sqltokens import MODE_ANSI_QUOTES
from udup.drivers.mysql.dictionary.used import Used

#: Error "you need (at least one of) the … privilege(s)".
_NO_PRIVILEGE = 1227

#: Characters from which a value may be one that SHOW has cut: it shows 1,024 of them.
_MAY_BE_CUT = 1000

#: A variable's name as it may stand in SQL; those of components have a dot.
_NAME = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)?")

ON = frozenset({"ON", "1", "YES", "TRUE"})


_PLUGINS = (
    "SELECT PLUGIN_NAME FROM information_schema.PLUGINS"
    " WHERE PLUGIN_TYPE = 'AUTHENTICATION' AND PLUGIN_STATUS = 'ACTIVE'"
)

_LOG_SECONDS = re.compile(r"binlog_expire_logs_seconds = (\d+)")

#: From this version on a server keeps what it is set to.
PERSISTS: Version = (8, 0, 0)

#: From this version on there are roles.
ROLES: Version = (8, 0, 0)

#: From this version on a server logs what its foreign keys change, unless innodb_native_foreign_keys is ON.
LOGS_CASCADES: Version = (9, 6, 0)


@dataclass(frozen=True)
class ServerFacts:
    """One server, seen by one account (`'user'@'host'`). `variables` are the global ones, names in lower case."""

    address: str
    account: str
    version: Version
    version_text: str
    is_mariadb: bool
    variables: Mapping[str, str]
    privileges: Privileges
    collations: Mapping[int, str]
    charsets: frozenset[str]
    logged_schemas: frozenset[str] = frozenset()  # binlog_do_db
    unlogged_schemas: frozenset[str] = frozenset()  # binlog_ignore_db
    encrypted: bool = False  # the connection by which it was seen went over TLS
    verified: bool = False  # and the server's certificate was looked at
    plugins: frozenset[str] = frozenset()  # by which accounts can prove who they are
    used: tuple[Used, ...] | None = None  # of a job's source: what its tables use; None where that was not asked

    def value(self, name: str, default: str = "") -> str:
        return self.variables.get(name, default)

    def number(self, name: str, default: int = 0) -> int:
        return int(self.variables.get(name, default))

    def is_on(self, name: str) -> bool:
        return self.value(name).upper() in ON

    @property
    def kin(self) -> Kin:
        """Return which server it is: MySQL itself, a fork, a service, another database."""
        return kin_of(Signs(self.version_text, self.variables, self.address))

    @property
    def named(self) -> str:
        """Return its version and what it is, for people."""
        kin = self.kin
        return f"{self.version_text} ({kin.name})" if kin is not MYSQL else f"MySQL {self.version_text}"

    def in_its_words(self, remedy: str) -> str:
        """Return a remedy as this server takes it: SET PERSIST, and seconds of a log's life, are of MySQL 8.0."""
        if "binlog_expire_logs_seconds" not in self.variables:
            remedy = _LOG_SECONDS.sub(lambda found: f"expire_logs_days = {int(found[1]) // 86_400}", remedy)
        if (not self.is_mariadb and self.version >= PERSISTS) or "SET PERSIST" not in remedy:
            return remedy
        return f"{remedy.replace('SET PERSIST', 'SET GLOBAL')}, and write it into the server's option file"

    @property
    def logs_cascades(self) -> bool:
        """Return whether rows that change through a foreign key are in the log."""
        new = not self.is_mariadb and self.version >= LOGS_CASCADES
        return new and not self.is_on("innodb_native_foreign_keys")

    @property
    def logs_signs(self) -> bool:
        """Return whether the log says which numbers have a sign: since MySQL 8.0.1, and where MariaDB is told."""
        return self.value("binlog_row_metadata", "NO_LOG").upper() != "NO_LOG"

    @property
    def uuid(self) -> str:
        return self.value("server_uuid")

    @property
    def gtid_executed(self) -> str:
        return self.value("gtid_executed")

    @property
    def gtid_purged(self) -> str:
        return self.value("gtid_purged")

    @property
    def lower_case_table_names(self) -> int:
        return self.number("lower_case_table_names")

    @property
    def folds_names(self) -> bool:
        """Whether the names of tables are compared, or kept, in lower case."""
        return self.lower_case_table_names != 0

    def grant(self, privileges: str, place: str = "*.*") -> str:
        """Return the statement that gives the account these privileges, or makes roles count that it has already."""
        statement = f"GRANT {privileges} ON {place} TO {self.account}"
        if not self.privileges.idle_roles:
            return statement
        roles = ", ".join(self.privileges.idle_roles)
        return f"{statement}; or, if {roles} has it, ALTER USER {self.account} DEFAULT ROLE ALL"

    def setting(self, assignment: str) -> str:
        """Return the statement that sets a global variable for good; MariaDB forgets it unless its files say it too."""
        return f"SET GLOBAL {assignment}, and in its option file" if self.is_mariadb else f"SET PERSIST {assignment}"

    @property
    def logs_replicated(self) -> bool:
        """Whether changes that the server itself replicates are in its log; named otherwise before 8.0.26."""
        name = "log_replica_updates" if "log_replica_updates" in self.variables else "log_slave_updates"
        return self.is_on(name)


def read_facts(connection: Connection) -> ServerFacts:
    """Ask a server about itself. MySQL's own errors pass: without these answers nothing can be checked."""
    version_text = str(scalar(connection, "SELECT VERSION()"))
    mariadb = is_mariadb(version_text)
    variables = read_variables(connection)
    variables |= read_gtids(connection)
    if mariadb:
        variables["server_uuid"] = connection.server_uuid
    version = version_of(version_text)
    known = with_collations(connection, "information_schema.COLLATIONS WHERE ID IS NOT NULL")
    collations = rows_in_one(connection, ("ID", "COLLATION_NAME", "CHARACTER_SET_NAME"), known)
    logged, unlogged = _log_filters(connection, version)
    return ServerFacts(
        address=f"{connection.host}:{connection.port}",
        account=_account(connection),
        version=version,
        version_text=version_text,
        is_mariadb=mariadb,
        variables=variables,
        privileges=_privileges(connection, mariadb, variables.get("partial_revokes", "OFF") == "ON"),
        collations={int(number): str(name) for number, name, _ in collations},
        charsets=frozenset(str(charset) for _, _, charset in collations),
        logged_schemas=logged,
        unlogged_schemas=unlogged,
        encrypted=connection.encrypted,
        verified=connection.verified,
        plugins=frozenset(str(name) for (name,) in query(connection, _PLUGINS)),
    )


def read_variables(connection: Connection) -> dict[str, str]:
    """All global variables, names in lower case, values in full."""
    try:  # what SHOW reads; MariaDB has it elsewhere
        rows = rows_in_one(connection, ("VARIABLE_NAME", "VARIABLE_VALUE"), "performance_schema.global_variables")
    except MySQLError as error:
        if is_transient(error):
            raise
        rows = []
    rows = rows or [(str(name), str(value)) for name, value in query(connection, "SHOW GLOBAL VARIABLES")]
    shown = {name.lower(): value for name, value in rows}
    return shown | dict(_uncut(connection, shown))


def read_global(connection: Connection, *names: str) -> dict[str, str]:
    """Return those of these global variables that the server has, as SHOW VARIABLES prints them."""
    listed = ", ".join(f"'{name}'" for name in names)
    rows = query(connection, f"SHOW GLOBAL VARIABLES WHERE Variable_name IN ({listed})")
    return {str(name).lower(): str(value) for name, value in rows}


def rows_in_one(connection: Connection, columns: tuple[str, ...], source: str) -> list[tuple[str, ...]]:
    """Return rows of short texts, asked for as one value: hundreds of rows cost the client ten times as much.

    Row by row where they do not fit into one.
    """
    each = ", CHAR(31), ".join(f"COALESCE({column}, '')" for column in columns)
    packed = query(connection, f"SELECT COUNT(*), GROUP_CONCAT(CONCAT({each}) SEPARATOR 0x1E) FROM {source}")
    count, value = packed[0] if len(packed) == 1 and len(packed[0]) == 2 else (0, b"")
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    rows = [tuple(row.split("\x1f")) for row in text.split("\x1e")]
    if len(rows) == count and all(len(row) == len(columns) for row in rows):
        return rows
    return [tuple(map(str, row)) for row in query(connection, f"SELECT {', '.join(columns)} FROM {source}")]


def _uncut(connection: Connection, shown: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """SHOW, and performance_schema as well, cut a value without a word; @@GLOBAL does not."""
    for name, value in shown.items():
        if len(value) >= _MAY_BE_CUT and _NAME.fullmatch(name):
            yield name, str(scalar(connection, f"SELECT @@GLOBAL.{name}"))


def read_gtids(connection: Connection) -> dict[str, str]:
    """The server's GTID sets of one moment, whatever their length; empty from one that knows none."""
    executed, purged = read_log_state(connection)
    return {"gtid_executed": executed, "gtid_purged": purged}


def _account(connection: Connection) -> str:
    user, _, host = str(scalar(connection, "SELECT CURRENT_USER()")).rpartition("@")
    return f"'{user}'@'{host}'"


def read_privileges(connection: Connection) -> Privileges:
    """Return what the account of a connection to MySQL may do."""
    revokes = dict(query(connection, "SHOW GLOBAL VARIABLES LIKE 'partial_revokes'"))  # MySQL 8.0.16
    return _privileges(connection, connection.is_mariadb, partial_revokes=revokes.get("partial_revokes") == "ON")


def may_lock_globally(privileges: Privileges) -> bool:
    """Return whether the account has what FLUSH TABLES WITH READ LOCK asks for; a managed server may deny it still."""
    return any(privileges.has(each) for each in ("RELOAD", "FLUSH_TABLES"))


def _privileges(connection: Connection, mariadb: bool, partial_revokes: bool) -> Privileges:
    """The account's grants with those of the roles that are active in this session."""
    knows_roles = not mariadb and connection.version >= ROLES
    roles = str(scalar(connection, "SELECT CURRENT_ROLE()")) if knows_roles else "NONE"
    using = "" if roles == "NONE" else f" USING {roles}"
    lines = [str(row[0]) for row in query(connection, f"SHOW GRANTS FOR CURRENT_USER(){using}")]
    mode = str(scalar(connection, "SELECT @@SESSION.sql_mode"))
    return parse_grants(
        lines,
        sql_mode=MODE_ANSI_QUOTES if "ANSI_QUOTES" in mode else 0,
        partial_revokes=partial_revokes,
        roles=() if roles == "NONE" else split_accounts(roles),
    )


def _log_filters(connection: Connection, version: Version) -> tuple[frozenset[str], frozenset[str]]:
    """binlog_do_db and binlog_ignore_db, which no variable shows; empty without the privilege to ask."""
    is_new = not connection.is_mariadb and version >= (8, 2, 0)
    statement = "SHOW BINARY LOG STATUS" if is_new else "SHOW MASTER STATUS"
    try:
        rows = query(connection, statement)
    except MySQLError as error:
        if error.args[0] == _NO_PRIVILEGE:
            return frozenset(), frozenset()  # the missing REPLICATION CLIENT is a fault of its own
        raise
    if not rows:
        return frozenset(), frozenset()
    logged, unlogged = (frozenset(name for name in str(text).split(",") if name) for text in rows[0][2:4])
    return logged, unlogged
