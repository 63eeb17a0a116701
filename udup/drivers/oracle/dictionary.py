"""What an Oracle server's dictionary says of itself and of the job's tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from udup.base.errors import Side, Unavailable
from udup.drivers.oracle import statements
from udup.drivers.oracle.position import source_uuid
from udup.drivers.oracle.session import Session
from udup.drivers.oracle.tables import OracleTable
from udup.drivers.oracle.types import OracleColumn
from udup.pipeline.selection.selection import Selection

#: Tables that Oracle makes beside the user's: materialized view logs, what was dropped, parts of other tables.
_OF_ORACLES = ("MLOG$_", "RUPD$_", "SYS_IOT_OVER_", "DR$")

#: What was dropped and may come back. Its redo was a table's, under another name.
_RECYCLED = "BIN$"

_YES = "YES"


@dataclass(frozen=True)
class OracleFacts:
    """A database: `ServerInfo` of the seams, and what the checks ask.

    `unlogged`: the job's tables of which not every column is in the redo. `lobs`: those that have LOBs. `tables`: how
    many the job has that can be carried. `container`: that of the job, `service_container`: that of the service, ""
    where it was not asked.
    """

    address: str
    uuid: str
    account: str
    version: str = ""
    log_mode: str = ""
    minimal_logging: str = ""
    logs_all_columns: bool = False
    threads: int = 1
    string_size: str = ""
    folds_names: bool = False
    unlogged: tuple[str, ...] = ()
    lobs: tuple[str, ...] = ()
    tables: int = 0
    forces_logging: bool = False
    has_containers: bool = False
    container: str = ""
    service_container: str = ""
    role: str = "PRIMARY"
    open_mode: str = "READ WRITE"

    @property
    def version_text(self) -> str:
        return self.version

    @property
    def is_archiving(self) -> bool:
        return self.log_mode == "ARCHIVELOG"

    @property
    def logs_enough(self) -> bool:
        return self.minimal_logging in (_YES, "IMPLICIT")

    @property
    def is_open_primary(self) -> bool:
        return self.role == "PRIMARY" and self.open_mode == "READ WRITE"


def read_facts(session: Session) -> OracleFacts:
    place = session.place
    dbid, resetlogs, log_mode, minimal, every, forced, containers, role, mode = session.one(statements.DATABASE)
    incarnation = int(session.one(statements.INCARNATION)[0] or 0) if place.pdb else 0
    threads = [row for row in session.query(statements.THREADS) if str(row[2]) in ("PUBLIC", "PRIVATE")]
    versions = session.query(statements.VERSION)
    sizes = session.query(statements.STRING_SIZE)
    return OracleFacts(
        f"{place.endpoint.host}:{place.endpoint.port}/{place.service}",
        source_uuid(int(dbid), int(resetlogs), place.pdb, incarnation),
        place.endpoint.user,
        str(versions[0][0]) if versions else "",
        str(log_mode),
        str(minimal),
        str(every) == _YES,
        len(threads),
        str(sizes[0][0]) if sizes else "",
        forces_logging=str(forced) == _YES,
        has_containers=str(containers) == _YES,
        container=place.pdb,
        role=str(role),
        open_mode=str(mode),
    )


def read_service_container(session: Session) -> str:
    """Return the container that the service leads into, on a session that has not left it."""
    return str(session.one(statements.CONTAINER_NAME)[0] or "")


def check_open_primary(facts: OracleFacts) -> None:
    """Raise `Unavailable` for a standby, which a switchover has made of it: it may be the primary again."""
    if not facts.is_open_primary:
        raise Unavailable(
            f"the source {facts.address} is a {facts.role} that is open {facts.open_mode}: name the primary, by a"
            " service that follows its role"
        ).of(Side.SOURCE)


@dataclass
class Wanted:
    """Says whether a table is the job's: what its document chooses, less what is Oracle's or Udup's own, or temporary.

    `owners` are the schemas that Oracle maintains. `left_out` are temporary tables, and grows with those that are made.
    """

    selection: Selection
    user: str
    owners: frozenset[str] = frozenset()
    left_out: set[tuple[str, str]] = field(default_factory=set)

    def __call__(self, owner: str, name: str) -> bool:
        if owner in self.owners or (owner, name) in self.left_out or name.startswith(_OF_ORACLES):
            return False
        if (owner, name) == (self.user.upper(), statements.FLUSH_TABLE):
            return False
        return self.selection.wants(owner, name)


def read_wanted(session: Session, selection: Selection) -> Wanted:
    owners = frozenset(str(owner) for (owner,) in session.query(statements.OWN_USERS))
    listed = session.query(statements.TABLES)
    temporary = {(str(owner), str(name)) for owner, name, _, _, kind, *_ in listed if kind == "Y"}
    return Wanted(selection, session.place.endpoint.user, owners, temporary)


def read_tables(session: Session, selection: Selection) -> list[OracleTable]:
    """Return the tables of the job, in the order of their names."""
    return list(_tables(session, selection))


def read_table(session: Session, owner: str, name: str) -> OracleTable | None:
    """Return one table as it is now; None if there is none."""
    wanted = Selection.of([(owner, [name])])
    return next(_tables(session, wanted), None)


def _tables(session: Session, selection: Selection) -> Iterator[OracleTable]:
    wanted = Wanted(selection, session.place.endpoint.user)  # of Oracle's own schemas the statement tells no tables
    for owner, name, rows, row_bytes, *kinds in session.query(statements.TABLES):
        if not wanted(str(owner), str(name)) or str(name).startswith(_RECYCLED) or kinds[0] == "Y":
            continue  # the rows of a temporary one are a session's own
        yield _table(session, str(owner), str(name), int(rows or 0), int(row_bytes or 0), kinds)


def _table(session: Session, owner: str, name: str, rows: int, row_bytes: int, kinds: list[Any]) -> OracleTable:
    named = {"owner": owner, "name": name}
    columns = tuple(_column(row) for row in session.query(statements.TAB_COLUMNS, **named))
    keys: dict[tuple[str, str], list[str]] = {}
    for kind, constraint, column in session.query(statements.KEYS, **named):
        keys.setdefault((str(kind), str(constraint)), []).append(str(column))
    numbers = frozenset(int(number) for (number,) in session.query(statements.OBJECT_NUMBERS, **named))
    listed = tuple((kind, tuple(each)) for (kind, _), each in sorted(keys.items()))
    return OracleTable(owner, name, columns, listed, rows, row_bytes, numbers, _problem(*kinds))


def _problem(temporary: object, nested: object, iot: object, cluster: object) -> str:
    if nested == _YES:
        return "is a nested table"
    if iot:
        return "is index-organized, so that LogMiner does not tell its rows by a ROWID"
    return "is in a cluster" if cluster else ""


def _column(row: tuple[Any, ...]) -> OracleColumn:
    name, kind, length, letters, precision, scale, nullable, virtual, hidden = row
    return OracleColumn(
        str(name),
        str(kind),
        int(length or 0),
        int(letters or 0),
        None if precision is None else int(precision),
        None if scale is None else int(scale),
        str(nullable) == "Y",
        str(virtual) == _YES,
        str(hidden) == _YES,
    )


def logs_all_columns(session: Session, table: OracleTable) -> bool:
    """Return whether every column of a changed row is in the redo, by the table's own log group."""
    groups = session.query(statements.LOG_GROUPS, owner=table.owner, name=table.name)
    return any(kind == statements.ALL_COLUMNS_LOGGED for _, kind in groups)
