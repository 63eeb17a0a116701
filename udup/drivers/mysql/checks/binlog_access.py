"""Whether an account may apply a job's rows by BINLOG on a target, told by its privileges alone.

Managed servers (Amazon RDS and Aurora, Azure, Alibaba) grant none of what BINLOG asks for. What each step of applying
needs, and what such an account may do, is held by `tests/drivers/mysql/checks/test_managed.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from udup.drivers.mysql.client.facts import ServerFacts
from udup.drivers.mysql.client.session_variables import RESTRICTED
from udup.drivers.mysql.client.sessions import (
    DDL,
    DEFINITION,
    LOADER,
    OPTIONAL,
    PLAIN,
    Session,
    apply_session,
    statement_session,
)
from udup.drivers.mysql.mariadb import sessions as mariadb
from udup.pipeline.ports import ApplyMode

#: Seconds of a row lock; which number it is does not matter here.
_ANY_SECONDS = 1

#: Privileges of which one is enough to set what is restricted in a session.
_SETTERS = ("SESSION_VARIABLES_ADMIN", "SYSTEM_VARIABLES_ADMIN", "SUPER")


@dataclass(frozen=True)
class Need:
    """A privilege on the whole server, those that give as much, and what it is for.

    `setting` is the assignment of a global variable that makes the privilege needless, "" if there is none.
    """

    privilege: str
    instead: tuple[str, ...]
    use: str
    setting: str = ""

    def is_met(self, facts: ServerFacts) -> bool:
        return any(facts.privileges.has(each) for each in (self.privilege, *self.instead))


#: Rows are applied by BINLOG, whose first event sets variables that a session may not set otherwise.
_BINLOG = Need("REPLICATION_APPLIER", ("BINLOG_ADMIN", "SUPER"), "rows, which are applied by BINLOG")

#: A definition runs under a GTID of Udup's own, by which the server itself runs it once.
_GTID_NEXT = Need("REPLICATION_APPLIER", _SETTERS, "definitions, each of which runs once under a GTID (gtid_next)")


#: The same on MariaDB, where a definition is told by the server_id that it is logged with.
_REPLAY = Need("BINLOG REPLAY", (), "rows, which are applied by BINLOG, and definitions, which are logged as the job's")


@dataclass(frozen=True)
class BinlogAccess:
    """`missing` are the privileges without which no BINLOG path is possible; `note` says what that means."""

    facts: ServerFacts
    missing: tuple[Need, ...]

    @property
    def is_allowed(self) -> bool:
        return not self.missing

    @property
    def note(self) -> str:
        """Return what is told of a job that applies its rows by statements for it; "" where BINLOG is allowed."""
        if self.is_allowed:
            return ""
        names = dict.fromkeys(name for need in self.missing for name in (need.privilege, *need.instead))
        listed = ", ".join(name for name in names if name != "SUPER")
        return (
            f"{self.facts.account} may not apply rows by BINLOG (it has none of {listed}): they are applied by INSERT,"
            " UPDATE and DELETE, as exactly and slower (docs/jobs.md, Rows by statements)"
        )

    @property
    def remedy(self) -> str:
        """Return the statement that would allow BINLOG, on a server that grants it."""
        names = ", ".join(dict.fromkeys(need.privilege for need in self.missing))
        return self.facts.grant(names) if names else ""


def binlog_access(facts: ServerFacts) -> BinlogAccess:
    """Return whether this account may run BINLOG on this target, and a definition under a GTID."""
    needs = (_REPLAY,) if facts.is_mariadb else (_BINLOG, _GTID_NEXT)
    return BinlogAccess(facts, tuple(need for need in needs if not need.is_met(facts)))


def goes_by_statements(mode: ApplyMode, facts: ServerFacts) -> bool:
    """Return whether a job's rows get to this target by statements: because it says so, or by privilege.

    By privilege never on MariaDB, which does not take the literals of times with a zone.
    """
    if mode in (ApplyMode.STATEMENTS, ApplyMode.CONVERTED):
        return True
    return mode is ApplyMode.BY_PRIVILEGE and not facts.is_mariadb and not binlog_access(facts).is_allowed


def setting_needs(facts: ServerFacts, *, by_statements: bool = False) -> Iterator[Need]:
    """Yield what the account lacks to set the sessions that a job has on this target otherwise than they begin."""
    for name, (use, value, found) in sorted(_differing(facts, by_statements).items()):
        text = f"sessions with {name} = {value} for {use} (they begin with {found})"
        if facts.is_mariadb:
            need = Need(mariadb.SETTER[name], ("SUPER",), text, f"{name} = {value}")
        else:
            need = Need("SESSION_VARIABLES_ADMIN", _SETTERS[1:], text, f"{name} = {value}")
        if not need.is_met(facts):
            yield need


def _differing(facts: ServerFacts, by_statements: bool) -> dict[str, tuple[str, str, str]]:
    """Return the restricted variables that a use sets: the use, the value wanted, and what a session begins with."""
    found: dict[str, tuple[str, str, str]] = {}
    restricted = frozenset(mariadb.SETTER) if facts.is_mariadb else RESTRICTED
    for session in _of_target(by_statements):
        settings = mariadb.for_mariadb(session.settings) if facts.is_mariadb else session.settings
        for name, value in settings.items():
            if name in OPTIONAL or name not in restricted or name not in facts.variables:
                continue
            if (value or "").casefold() != facts.value(name).casefold():
                found.setdefault(name, (session.use, value or "NULL", facts.value(name)))
    return found


def _of_target(by_statements: bool) -> tuple[Session, ...]:
    """Return the uses of a connection that a job has on its target."""
    return PLAIN, LOADER, DEFINITION, DDL, (statement_session if by_statements else apply_session)(_ANY_SECONDS)
