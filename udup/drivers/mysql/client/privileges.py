"""What an account may do, from SHOW GRANTS.

The grants are read as tokens. Privileges of active roles count; a privilege on single columns does not. Schema names
in grants are patterns (`%` and `_`, a backslash before a literal one), except where partial revokes are on.
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

    def has(self, privilege: str, schema: str = "*", table: str = "*") -> bool:
        """Whether the account has the privilege on the table, on the whole schema, or everywhere."""
        if any(each.revoked and self._takes(each, privilege, schema) for each in self.grants):
            return any(
                not each.revoked and each.schema != "*" and self._gives(each, privilege, schema, table)
                for each in self.grants
            )
        return any(not each.revoked and self._gives(each, privilege, schema, table) for each in self.grants)

    def missing(self, wanted: Sequence[str], schema: str = "*", table: str = "*") -> list[str]:
        return [each for each in wanted if not self.has(each, schema, table)]

    def _gives(self, grant: Grant, privilege: str, schema: str, table: str) -> bool:
        everything = ALL in grant.privileges and privilege not in _NOT_IN_ALL
        if privilege not in grant.privileges and not everything:
            return False
        if grant.schema == "*":
            return True
        return schema != "*" and self._matches(grant.schema, schema) and grant.table in ("*", table)

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


def parse_grants(lines: Sequence[str], *, sql_mode: int = 0, partial_revokes: bool = False) -> Privileges:
    """From the lines of SHOW GRANTS."""
    grants = [grant for line in lines if (grant := _parse_line(line, sql_mode)) is not None]
    return Privileges(tuple(grants), patterns=not partial_revokes)


def _parse_line(line: str, sql_mode: int) -> Grant | None:
    """One grant; None for roles, proxies, routines and columns, which no check asks for."""
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
