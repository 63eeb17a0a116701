"""What the objects of a definition are on the target: before it runs and after a crash, so as to know whether it ran.

Of a table that is its definition as the server prints it and InnoDB's own numbers of it, which every rebuild, TRUNCATE,
exchange of partitions and swap of names changes. So nearly everything that a definition does is seen; what is not seen
may be done again. The counter of a table is none of its definition's: every row that anybody inserts moves it.

InnoDB's numbers are one server's own, and each version prints definitions in its own way. So the server and its version
belong to a state, and one of another server (a failover behind the same address) is compared as far as the two can be.
An upgrade may give tables other numbers as well.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from udup.drivers.mysql.client.connection import Connection, MySQLError, error_code, query, scalar
from udup.drivers.mysql.client.errors import is_transient
from udup.drivers.mysql.client.names import quote
from udup.drivers.mysql.ddl.statement import Kind, Statement
from udup.drivers.mysql.dictionary.shown_tables import shown_table
from udup.drivers.mysql.mariadb import once

_TABLES = "SELECT TABLE_TYPE, ENGINE FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"

_NUMBERS = (
    "SELECT NAME, TABLE_ID FROM information_schema.{tables} WHERE LOWER(NAME) = LOWER({name})"
    " OR LOWER(NAME) LIKE LOWER(CONCAT(REPLACE({name}, '_', '\\\\_'), '#p#%')) ORDER BY NAME"
)

#: What accounts and their grants are kept in, and the columns that name an account.
_OF_ACCOUNTS = {
    **dict.fromkeys(("user", "db", "tables_priv", "columns_priv", "procs_priv", "global_grants"), ("User",)),
    "proxies_priv": ("User", "Proxied_user"),
    "role_edges": ("FROM_USER", "TO_USER"),
    "default_roles": ("USER", "DEFAULT_ROLE_USER"),
}

_OF_MARIADBS_ACCOUNTS = {
    **dict.fromkeys(("global_priv", "db", "tables_priv", "columns_priv", "procs_priv"), ("User",)),
    "proxies_priv": ("User", "Proxied_user"),
    "roles_mapping": ("User", "Role"),
}

_TRIGGER = "SELECT * FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = %s AND {} ORDER BY TRIGGER_NAME"
_ROUTINE = (
    "SELECT * FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = %s AND ROUTINE_NAME = %s ORDER BY ROUTINE_TYPE"
)
_EVENT = "SELECT * FROM information_schema.EVENTS WHERE EVENT_SCHEMA = %s AND EVENT_NAME = %s"

#: A table's counter, behind the engine in the last lines of its definition, where nobody's text stands before it.
_COUNTER = re.compile(r"^(\).*? ENGINE=\w+) AUTO_INCREMENT=\d+", re.MULTILINE)

#: What is digested, as a number: 2 is without counters. A note of another is compared as far as the two can be.
_FORM = 2

_ABSENT = "absent"


@dataclass(frozen=True)
class State:
    """The objects by their names, as digests: of what is printed, and behind a blank of what is this server's own.

    `why` tells what about them cannot be seen, "" for nothing. `log`: what MariaDB's log has of the job's definitions.
    """

    objects: Mapping[str, str]
    why: str = ""
    server: str = ""
    version: str = ""
    form: int = _FORM
    log: str = ""

    def text(self) -> str:
        """Return it as it is noted."""
        kept = {"objects": dict(self.objects), "server": self.server, "version": self.version, "form": self.form}
        kept |= {"log": self.log} if self.log else {}
        return json.dumps(kept, sort_keys=True)

    @classmethod
    def of(cls, text: str) -> State:
        """Return one that was noted."""
        return cls(**{"form": 1, **json.loads(text)})


def state_of(connection: Connection, statement: Statement, named: Iterable[str] = (), mark: str = "") -> State:
    """Ask the target what a definition's objects are now, on a connection in Udup's own session.

    `named` are words of its text, accounts among them; of none, every account is looked at. `mark`: the checkpoint's.
    """
    version = str(scalar(connection, "SELECT @@version"))
    log = once.logged(connection, mark) if connection.is_mariadb and mark else ""
    state = _state(connection, statement, frozenset(named))
    return replace(state, server=connection.server_uuid, version=version, log=log)


def _state(connection: Connection, statement: Statement, named: frozenset[str]) -> State:
    match statement.kind:
        case Kind.DATABASE_DDL:
            return State({schema: _schema(connection, schema) for schema in statement.schemas})
        case Kind.TABLE_DDL | Kind.VIEW_DDL | Kind.SEQUENCE:
            names = [*statement.objects, *(name for move in statement.moves for name in move)]
            found = {f"{each.schema}.{each.name}": _table(connection, each.schema, each.name) for each in names}
            blind = [name for name, (_, is_seen) in found.items() if not is_seen]
            unseen = bool(blind) and _swaps(statement)
            why = f"rows of {blind[0]} may have changed places, which nothing shows" if unseen else ""
            return State({name: digest for name, (digest, _) in found.items()}, why)
        case Kind.TRIGGER_DDL:
            return State({f"{o.schema}.{o.name}": _trigger(connection, o.schema, o.name) for o in statement.objects})
        case Kind.ROUTINE_DDL:
            return State({f"{o.schema}.{o.name}": _rows(connection, _ROUTINE, *o[:2]) for o in statement.objects})
        case Kind.EVENT_DDL:
            names = [*statement.objects, *(name for move in statement.moves for name in move)]
            return State({f"{o.schema}.{o.name}": _rows(connection, _EVENT, *o[:2]) for o in names})
        case Kind.ACCOUNT:
            return State({"accounts": _digest(list(_accounts(connection, named)))})
        case _:
            return State({}, "what it makes is in no schema")


def has_run(statement: Statement, before: str, now: State) -> bool | None:
    """Return whether a definition has run, by its objects before and now; None if that cannot be known.

    What has run without being seen is false as well, where it does no harm to run it again.
    """
    noted = State.of(before)
    by_log = once.has_run(noted.log, now.log)
    if by_log:
        return True
    by_objects = _has_run(statement, noted, now)
    if by_log is None or by_objects is False:
        return by_objects
    # The log does not have it: it was begun again, does not log this schema, or a server that died has logged it under
    # its own server_id when it came back.
    return False if by_objects is None and now.why else None


def _has_run(statement: Statement, noted: State, now: State) -> bool | None:
    """Return the same by the objects alone."""
    if statement.verb.startswith("DROP") and statement.verb != "DROP INDEX" and statement.kind is not Kind.ACCOUNT:
        there = [name for name, digest in noted.objects.items() if digest != _ABSENT]
        left = [name for name in there if _is_changed(noted, now, name) is not True]
        gone = [name for name in there if now.objects.get(name, _ABSENT) == _ABSENT]
        if statement.kind is Kind.DATABASE_DDL:
            return bool(gone)
        return None if left and gone else bool(gone)
    changed = [_is_changed(noted, now, name) for name in noted.objects]
    if any(changed):
        return True
    moved = noted.server != now.server and _swaps(statement)
    return None if now.why or moved or None in changed else False


def why_unknown(before: str, now: State) -> str:
    """Return why `has_run` cannot tell."""
    noted = State.of(before)
    if noted.server != now.server:
        return f"the target is another server now ({now.server} in the place of {noted.server})"
    if noted.version != now.version:
        return f"the target has another version now ({now.version} in the place of {noted.version})"
    if noted.form != now.form:
        return "the version of Udup before has noted it in another way"
    if once.has_run(noted.log, now.log) is False:
        return "the target's log does not have it, and what it changes is not as it was"
    return now.why or "a part of it has"


def _is_changed(before: State, now: State, name: str) -> bool | None:
    """Return whether an object is another one, by what of it can be compared; None if that says nothing."""
    old, new = before.objects.get(name, _ABSENT), now.objects.get(name, _ABSENT)
    if old == new:
        return False
    if _ABSENT in (old, new):
        return True
    (old_text, _, old_numbers), (new_text, _, new_numbers) = old.partition(" "), new.partition(" ")
    if old_text != new_text:
        return True if (before.version, before.form) == (now.version, now.form) else None
    if before.server != now.server or old_numbers == new_numbers:
        return False
    return True if before.version == now.version else None


def _swaps(statement: Statement) -> bool:
    """Return whether to run it once more might undo it."""
    return bool(statement.moves) or statement.rewrites == "EXCHANGE PARTITION"


def _schema(connection: Connection, schema: str) -> str:
    more = "SCHEMA_COMMENT" if connection.is_mariadb else "DEFAULT_ENCRYPTION"
    sql = (
        f"SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME, {more} FROM"
        " information_schema.SCHEMATA WHERE SCHEMA_NAME = %s"
    )
    options = query(connection, sql, schema)
    return _digest(options) if options else _ABSENT


def _table(connection: Connection, schema: str, name: str) -> tuple[str, bool]:
    """Return a table's or a view's digest, and whether all that may happen to it is seen."""
    rows = query(connection, _TABLES, schema, name)
    if not rows:
        return _ABSENT, True
    is_innodb = str(rows[0][1]).lower() == "innodb"
    try:
        shown = [shown_table(connection, schema, name)]
    except MySQLError as error:
        if is_transient(error):
            raise
        shown = [f"error {error_code(error)}"]  # a view of what is not there
    shown = [without_counter(text) for text in shown]
    numbers = _numbers(connection, schema, name) if is_innodb else []
    return f"{_digest(shown)} {_digest(numbers)}", bool(numbers) or str(rows[0][0]) == "VIEW"


def without_counter(definition: str) -> str:
    """Return a table's definition without the number that its next row gets."""
    return _COUNTER.sub(r"\1", definition)


def _numbers(connection: Connection, schema: str, name: str) -> list[list[str]]:
    """Return InnoDB's numbers of a table and its partitions; none if they cannot be asked for."""
    if not (schema + name).isascii():
        return []  # InnoDB has letters of its own for them
    tables = "INNODB_SYS_TABLES" if connection.is_mariadb else "INNODB_TABLES"
    file = f"_utf8mb4 x'{f'{_as_file(schema)}/{_as_file(name)}'.encode().hex()}'"
    try:
        return [list(map(str, row)) for row in query(connection, _NUMBERS.format(name=file, tables=tables))]
    except MySQLError as error:
        if is_transient(error):
            raise
        return []


def _as_file(name: str) -> str:
    """Return an ASCII name as InnoDB writes it: as that of a file."""
    return "".join(each if each.isalnum() or each == "_" else f"@{ord(each):04x}" for each in name)


def _trigger(connection: Connection, schema: str, name: str) -> str:
    """A new trigger's statement names its table, others the trigger."""
    columns = ("TRIGGER_NAME", "EVENT_OBJECT_TABLE")
    found = [query(connection, _TRIGGER.format(f"{column} = %s"), schema, name) for column in columns]
    return _digest(found) if any(found) else _ABSENT


def _rows(connection: Connection, sql: str, schema: str, name: str) -> str:
    rows = query(connection, sql, schema, name)
    return _digest(rows) if rows else _ABSENT


def _accounts(connection: Connection, named: frozenset[str]) -> Iterator[str]:
    words = ", ".join(f"_utf8mb4 x'{word.encode().hex()}'" for word in sorted(named))
    for table, columns in (_OF_MARIADBS_ACCOUNTS if connection.is_mariadb else _OF_ACCOUNTS).items():
        wanted = " OR ".join(f"{column} IN ({words})" for column in columns) if words else "TRUE"
        rows = sorted(str(row) for row in query(connection, f"SELECT * FROM mysql.{quote(table)} WHERE {wanted}"))
        yield _digest(rows)


def _digest(found: object) -> str:
    return hashlib.sha256(repr(found).encode()).hexdigest()[:32]
