"""What an account may do, from SHOW GRANTS.

The grants are read as tokens. Privileges of active roles count; a privilege on single columns does not. Schema names
in grants are patterns (`%` and `_`, a backslash before a literal one), except where partial revokes are on, and in
grants on a single table.

Of several patterns that match a schema MySQL takes one alone, and adds to it what is granted on everything and on the
table (seen on 9.7): without roles the one whose first wildcard stands last, of equal ones any; with an active role the
name itself, else the first pattern in the order of its bytes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from udup.base.errors import UdupError
from udup.drivers.mysql.ddl.sqltokens import Word, tokenize
from udup.pipeline.selection.schemas import SYSTEM_SCHEMAS

ALL = "ALL PRIVILEGES"

#: What ALL PRIVILEGES does not include.
_NOT_IN_ALL = frozenset({"GRANT OPTION", "PROXY"})

#: Where a first wildcard stands at most, in the order of patterns.
_MOST_RANK = 127

_NAME = r"(?:`(?:[^`]|``)*`|\"(?:[^\"]|\"\")*\")"
_ACCOUNT = rf"{_NAME}@{_NAME}"
#: What nearly every line is: nothing in it needs reading as SQL.
_PLAIN = re.compile(r"(GRANT|REVOKE) ([A-Z0-9_ ]+(?:,[A-Z0-9_ ]+)*) ON (\*|`[^`]+`)\.(\*|`[^`]+`) (?:TO|FROM) ")

_ROLES = re.compile(rf"GRANT ({_ACCOUNT}(?:,\s*{_ACCOUNT})*) TO ")


@dataclass(frozen=True)
class Grant:
    """Privileges on `schema`.`table`; "*" stands for all. `revoked` takes them away from wider grants."""

    privileges: frozenset[str]
    schema: str
    table: str
    revoked: bool = False


@dataclass(frozen=True)
class Privileges:
    """All of an account's grants. Names of privileges are those of SHOW GRANTS, in capitals."""

    grants: tuple[Grant, ...]
    patterns: bool = True  # off with partial_revokes=ON
    with_role: bool = False  # a role is active
    idle_roles: tuple[str, ...] = ()  # granted and not active

    def has(self, privilege: str, schema: str = "*", table: str = "*") -> bool:
        """Whether the account has the privilege on the table, on the whole schema, or everywhere."""
        if schema != "*" and self._has_within(privilege, schema, table):
            return True
        if any(each.revoked and self._takes(each, privilege, schema) for each in self.grants):
            return False
        return any(each.schema == "*" and not each.revoked and _holds(each, privilege) for each in self.grants)

    def missing(self, wanted: Sequence[str], schema: str = "*", table: str = "*") -> list[str]:
        return [each for each in wanted if not self.has(each, schema, table)]

    def _has_within(self, privilege: str, schema: str, table: str) -> bool:
        """Whether a grant on the schema or on the table gives it."""
        on_table = [each for each in self.grants if (each.schema, each.table) == (schema, table) and not each.revoked]
        if table != "*" and any(_holds(each, privilege) for each in on_table):
            return True
        taken = self._taken(schema)
        return bool(taken) and all(_holds(each, privilege) for each in taken)

    def _taken(self, schema: str) -> list[Grant]:
        """Return the grant that MySQL takes for this schema; several where it is not known which of them."""
        found = [
            each
            for each in self.grants
            if not each.revoked and each.table == "*" and each.schema != "*" and self._matches(each.schema, schema)
        ]
        if self.with_role and found:
            return [min(found, key=lambda each: (each.schema != schema, each.schema.encode()))]
        best = max((_rank(each.schema) for each in found), default=0)
        return [each for each in found if _rank(each.schema) == best or not self.patterns]

    def _takes(self, grant: Grant, privilege: str, schema: str) -> bool:
        """What is taken on a server's own schemas, as hosted servers do, is nothing that a job would want."""
        concerned = grant.schema == schema or (schema == "*" and grant.schema not in SYSTEM_SCHEMAS)
        return concerned and (privilege in grant.privileges or ALL in grant.privileges)

    def _matches(self, pattern: str, schema: str) -> bool:
        if not self.patterns:
            return pattern == schema
        parts = re.findall(r"\\.|.", pattern, re.DOTALL)
        expression = "".join({"%": ".*", "_": "."}.get(part, re.escape(part[-1])) for part in parts)
        return re.fullmatch(expression, schema, re.DOTALL) is not None


def _holds(grant: Grant, privilege: str) -> bool:
    return privilege in grant.privileges or (ALL in grant.privileges and privilege not in _NOT_IN_ALL)


def _rank(pattern: str) -> int:
    """Return what MySQL sorts the schemas of grants by: where the first wildcard stands, more than that for none."""
    wildcard = re.match(r"(?:\\.|[^%_\\])*([%_])", pattern, re.DOTALL)
    return min(wildcard.start(1) + 1, _MOST_RANK) if wildcard else _MOST_RANK + 1


def parse_grants(
    lines: Sequence[str], *, sql_mode: int = 0, partial_revokes: bool = False, roles: Sequence[str] = ()
) -> Privileges:
    """From the lines of SHOW GRANTS. `roles` are the active ones, as `role`@`host`."""
    grants = [grant for line in lines if (grant := _parse_line(line, sql_mode)) is not None]
    granted = [role for line in lines for role in _roles(line)]
    return Privileges(
        tuple(grants),
        patterns=not partial_revokes,
        with_role=bool(roles),
        idle_roles=tuple(role for role in granted if role not in roles),
    )


def split_accounts(listed: str) -> list[str]:
    """Return the accounts of a list as the server writes it, each in quotes."""
    return re.findall(_ACCOUNT, listed)


def _roles(line: str) -> list[str]:
    """Return the roles that a line grants, as the server writes them."""
    found = _ROLES.match(line)
    return split_accounts(found[1]) if found else []


def _parse_line(line: str, sql_mode: int) -> Grant | None:
    """One grant; None for roles, proxies, routines and columns, which no check asks for."""
    if plain := _PLAIN.match(line):
        taken, names, schema, table = plain.groups()
        listed = frozenset(name.strip() for name in names.split(","))
        return Grant(listed, schema.strip("`"), table.strip("`"), revoked=taken == "REVOKE")
    words = tokenize(line, sql_mode)
    if not words or words[0].upper not in ("GRANT", "REVOKE"):
        raise UdupError(f"cannot read the server's answer to SHOW GRANTS: {line!r}")
    names, at = _privilege_names(words)
    if at == len(words):
        return None  # a role
    if not names or words[at + 1].upper in ("PROCEDURE", "FUNCTION", "LIBRARY") or "PROXY" in names:
        return None
    target = words[at + 1 : at + 4]
    if len(target) < 3 or target[1].text != ".":
        raise UdupError(f"cannot read the server's answer to SHOW GRANTS: {line!r}")
    return Grant(frozenset(names), target[0].text, target[2].text, revoked=words[0].upper == "REVOKE")


def _privilege_names(words: list[Word]) -> tuple[list[str], int]:
    """The comma-separated names behind GRANT, without those on columns; and where ON stands, or the end."""
    names: list[str] = []
    current: list[str] = []
    depth = 0
    columns = False
    for at, word in enumerate(words[1:], start=1):
        if word.upper == "(":
            depth += 1
            columns = True
        elif word.upper == ")":
            depth -= 1
        elif depth == 0 and word.upper in (",", "ON", "TO"):
            if current and not columns:
                names.append(" ".join(current))
            current, columns = [], False
            if word.upper == "ON":
                return names, at
            if word.upper == "TO":
                break
        elif depth == 0:
            current.append(word.upper)
    return [], len(words)
