"""Which cases may run on a server that is somebody's, and under which names.

There a case keeps to schemas whose names begin with `PREFIX`: what reaches further (accounts, files, global settings,
the server's own history of GTIDs) is left out, and so is what an interrupted run could not take back. Further schemas
of a case, whose names are fixed, are renamed in all of its text; where it is not certain that every place that names
one was found, the case is left out as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from udup.selftest.case import Case

#: What the names of all schemas begin with that a self-test makes.
PREFIX = "udup_selftest_"

#: Characters of a name of MySQL's.
_NAME_LENGTH = 64

#: What a case may not do, anywhere in its text, and why. Strings are looked at as well: they may be statements.
_REACHES_FURTHER = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), reason)
    for pattern, reason in (
        (r"\b(CREATE|ALTER|DROP|RENAME)\s+(USER|ROLE)\b|^\s*(GRANT|REVOKE)\b|\bSET\s+PASSWORD\b", "it makes accounts"),
        (r"\b(CREATE|ALTER|DROP)\s+(UNDO\s+)?TABLESPACE\b", "it makes tablespaces, which are in no schema"),
        (r"\binnodb_system\b", "it makes the server's system tablespace larger, for good"),
        (r"\b(GLOBAL|PERSIST|PERSIST_ONLY)\b", "it sets what is global"),
        (r"^\s*(FLUSH|RESET|PURGE|KILL|SHUTDOWN|RESTART|CLONE)\b", "it disturbs the whole server"),
        (r"^\s*(INSTALL|UNINSTALL|IMPORT|BINLOG|CHANGE|STOP)\b|\bSONAME\b", "it changes the whole server"),
        (r"\b(LOCK|ALTER)\s+INSTANCE\b", "it disturbs the whole server"),
        (
            r"\b(CREATE|DROP)\s+(OR\s+REPLACE\s+)?(SERVER|SPATIAL\s+REFERENCE|RESOURCE\s+GROUP|LOGFILE)\b",
            "it is global",
        ),
        (r"\bgtid_next\b", "it leaves GTIDs of its own in the server's history, for good"),
        (r"\bsql_log_bin\b", "it writes what is in no log, which leaves the server's own replicas behind"),
        (r"^\s*XA\b", "if it is interrupted, a prepared transaction stays that no DROP DATABASE gets past"),
        (r"\bINTO\s+(OUT|DUMP)FILE\b|\bLOAD\s+(DATA|XML)\b|\bLOAD_FILE\b", "it reads or writes files of the server"),
        (r"\b(DATA|INDEX)\s+DIRECTORY\b", "it places files on the server"),
        (r"\b(mysql|sys|performance_schema)\s*\.", "it looks into a schema of the server's own"),
    )
)

_COMMENT = re.compile(r"/\*!\d*|\*/|/\*(?!!).*?\*/|--\s[^\n]*|#[^\n]*", re.DOTALL)
_FIRST_WORD = re.compile(r"\W*(\w+)")

#: What a statement of a case begins with. Another one was not looked at with somebody's server in mind.
_KNOWN_WORDS = frozenset(
    {"ALTER", "ANALYZE", "BEGIN", "CALL", "CHECK", "COMMIT", "CREATE", "DELETE", "DROP", "EXECUTE", "INSERT", "LOCK"}
    | {"OPTIMIZE", "PREPARE", "RELEASE", "RENAME", "REPLACE", "ROLLBACK", "SAVEPOINT", "SELECT", "SET", "START"}
    | {"TRUNCATE", "UNLOCK", "UPDATE", "USE", "WITH"}
)

#: Cases that statements do not carry, as docs/compatibility.md says.
NOT_BY_STATEMENTS = {
    "types/float_digits": "a FLOAT(M,D) holds what no statement puts there",
    "engines/large_myisam": "8,100 changes of a MyISAM table without a key, each of which reads it: slow, not hung",
}

#: Cases of which more than the case's own sessions has to be set, and what.
_NEEDS_SETTINGS = {
    "contexts/zones": "it is about a source whose global time_zone is that of its clients, +05:30",
}

#: A name that stands in SQL as it is, and is no word of another meaning.
_PLAIN_NAME = re.compile(r"[A-Za-z]\w*_\w+")

_NAMES_SCHEMA = re.compile(
    r"\b(?:(?:CREATE|ALTER|DROP)\s+(?:DATABASE|SCHEMA)\s+(?:IF\s+(?:NOT\s+)?EXISTS\s+)?|^\s*USE\s+)`?(\w+)",
    re.IGNORECASE,
)

#: What may stand in the place of a name there: `ALTER DATABASE DEFAULT COLLATE …`.
_NO_NAMES = frozenset({"CHARACTER", "CHARSET", "COLLATE", "DEFAULT", "ENCRYPTION", "READ"})


@dataclass(frozen=True)
class Choice:
    """The cases to run, under names that may be used, and why the others are left out, by name."""

    cases: tuple[Case, ...]
    left_out: dict[str, str]


def choose(
    cases: Iterable[Case], *, by_statements: bool = False, source: str = "mysql", target: str = "mysql"
) -> Choice:
    """Choose what may run on somebody's server. `by_statements`: the target's account may not run BINLOG; `source` and
    `target` are the kinds of the servers (`mariadb-10.11`), between which a case may end otherwise, or not be meant.
    """
    chosen: list[Case] = []
    left_out: dict[str, str] = {}
    for case in cases:
        reason = next((each.text for each in case.unfit if each.holds(source, target)), "")
        reason = reason or reaches_further(case) or _NEEDS_SETTINGS.get(case.name, "")
        if by_statements:
            reason = reason or _not_by_statements(case)
        moved = case if reason else renamed(_between(case, source, target))
        if moved is None:
            reason = "its further schemas have names that are not certain to be found in all of its text"
        if reason or moved is None:
            left_out[case.name] = reason
        else:
            chosen.append(replace(moved, path=Path(f"{case.name}.sql")))  # a path of this machine is in no report
    return Choice(tuple(chosen), left_out)


def _between(case: Case, source: str, target: str) -> Case:
    """Return the case as it has to end between two kinds of servers."""
    refusals = [each.text for each in case.refused if each.holds(source, target)]
    return replace(case, refusal=refusals[0]) if refusals else case


def reaches_further(case: Case) -> str:
    """Return why a case does not keep to its own schemas; "" if it does."""
    for text in _texts(case):
        bare = _COMMENT.sub(" ", text)
        for each in (text, bare):
            for pattern, reason in _REACHES_FURTHER:
                if pattern.search(each):
                    return reason
        word = _FIRST_WORD.match(bare)
        if text is not case.session and word and word[1].upper() not in _KNOWN_WORDS:
            return f"nobody has looked at what {word[1].upper()} does to a server in use"
        named = {name for name in _NAMES_SCHEMA.findall(bare) if name.upper() not in _NO_NAMES}
        if not named <= set(case.schemas) and all(_PLAIN_NAME.fullmatch(name) for name in case.schemas):
            return "it names a schema that it does not list"
    return ""


def renamed(case: Case) -> Case | None:
    """Return the case with its further schemas under names of the self-test; None where that is not certain."""
    if not case.schemas:
        return case
    if not all(_PLAIN_NAME.fullmatch(name) and len(PREFIX + name) <= _NAME_LENGTH for name in case.schemas):
        return None
    anywhere = re.compile("|".join(map(re.escape, case.schemas)), re.IGNORECASE)
    texts = (*_texts(case), case.refusal, *(text for pair in case.filters for text in pair))
    if not all(_is_plain(text, found, case.schemas) for text in texts for found in anywhere.finditer(text)):
        return None

    def moved(text: str) -> str:
        return anywhere.sub(lambda found: PREFIX + found[0], text)

    return replace(
        case,
        steps=tuple(replace(step, sql=moved(step.sql)) for step in case.steps),
        session=moved(case.session),
        refusal=moved(case.refusal),
        schemas=tuple(PREFIX + name for name in case.schemas),
        filters=tuple((moved(table), moved(condition)) for table, condition in case.filters),
    )


def _is_plain(text: str, found: re.Match[str], names: Sequence[str]) -> bool:
    """Return whether a place is one of these names as it is spelt, and no part of a longer word."""
    around = text[max(0, found.start() - 1) : found.start()] + text[found.end() : found.end() + 1]
    return found[0] in names and not any(each.isalnum() or each in "_$" for each in around)


def _not_by_statements(case: Case) -> str:
    if case.refusal:
        return "rows go by statements here, which carry some of what events do not"
    return NOT_BY_STATEMENTS.get(case.name, "")


def _texts(case: Case) -> list[str]:
    return [*(step.sql for step in case.steps), case.session]
