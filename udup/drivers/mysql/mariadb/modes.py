"""sql_mode by its words: the two families number them alike up to bit 31, and differently above.

Bit 32 is EMPTY_STRING_IS_NULL on MariaDB and TIME_TRUNCATE_FRACTIONAL on MySQL. Fractions of a second that are more
than a column holds are rounded by MySQL unless it is told to cut them, and cut by MariaDB unless it is told to round.

A MariaDB's log travels in MySQL's form: words that MySQL has not stand there at bits that it does not use, so that a
target of MariaDB gets them back. What only decides how SHOW CREATE prints, or is ignored today, is left out.
"""

from __future__ import annotations

from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.remedies import UNKNOWN

#: MySQL's words by the number of their bit, those of 5.6 and 5.7 among them.
WORDS: dict[int, str] = {
    0: "REAL_AS_FLOAT",
    1: "PIPES_AS_CONCAT",
    2: "ANSI_QUOTES",
    3: "IGNORE_SPACE",
    5: "ONLY_FULL_GROUP_BY",
    6: "NO_UNSIGNED_SUBTRACTION",
    7: "NO_DIR_IN_CREATE",
    18: "ANSI",
    19: "NO_AUTO_VALUE_ON_ZERO",
    20: "NO_BACKSLASH_ESCAPES",
    21: "STRICT_TRANS_TABLES",
    22: "STRICT_ALL_TABLES",
    23: "NO_ZERO_IN_DATE",
    24: "NO_ZERO_DATE",
    25: "ALLOW_INVALID_DATES",
    26: "ERROR_FOR_DIVISION_BY_ZERO",
    27: "TRADITIONAL",
    29: "HIGH_NOT_PRECEDENCE",
    30: "NO_ENGINE_SUBSTITUTION",
    31: "PAD_CHAR_TO_FULL_LENGTH",
    32: "TIME_TRUNCATE_FRACTIONAL",
}

#: MariaDB's own: the number of their bit there, and in the form in which its log travels.
_OWN: dict[str, tuple[int, int]] = {
    "IGNORE_BAD_TABLE_OPTIONS": (4, 47),  # MySQL's tables have no such options
    "EMPTY_STRING_IS_NULL": (32, 48),
    "SIMULTANEOUS_ASSIGNMENT": (33, 49),
    "ORACLE": (9, 50),
}

#: Bits that mean the same in both: MySQL's words up to bit 31, and those that stand for others (ANSI, TRADITIONAL).
_COMMON: int = sum(1 << bit for bit in {*WORDS, 18, 27} if bit < 32)

#: MySQL's bit of cutting fractions, and MariaDB's of the opposite.
_CUTS_BIT, _ROUNDS_BIT = 1 << 32, 1 << 34

#: Bits that only stand for others beside them (names of other databases), or that say how accounts or SHOW CREATE were
#: once: nothing of a statement that has run depends on them.
_OF_NO_MATTER = frozenset({*range(8, 18), 28})

#: MariaDB's words that MySQL lacks: those that change what a statement means, and those that do not.
_MEANS_OTHERWISE = frozenset({"ORACLE", "EMPTY_STRING_IS_NULL", "SIMULTANEOUS_ASSIGNMENT"})
_MARIADBS = frozenset(
    {"NO_AUTO_CREATE_USER", "IGNORE_BAD_TABLE_OPTIONS", "POSTGRESQL", "MSSQL", "DB2", "MAXDB", "MYSQL323", "MYSQL40"}
    | {"NO_KEY_OPTIONS", "NO_TABLE_OPTIONS", "NO_FIELD_OPTIONS"}
)

#: Words that stand for others beside them, and not for the same ones on every server: MySQL's ANSI has
#: ONLY_FULL_GROUP_BY (since 5.7.5), MariaDB's has not. What they stand for is said by itself.
_COMBINED = frozenset({"ANSI", "TRADITIONAL"})

_CUTS, _ROUNDS = "TIME_TRUNCATE_FRACTIONAL", "TIME_ROUND_FRACTIONAL"


def to_mysql(mode: int) -> int:
    """Return an sql_mode of MariaDB's log in MySQL's form."""
    made = mode & _COMMON | (0 if mode & _ROUNDS_BIT else _CUTS_BIT)
    own_words: int = sum(1 << theirs for own, theirs in _OWN.values() if mode >> own & 1)
    return made | own_words


def words_of(sql_mode: int) -> list[str]:
    """Return the words of an sql_mode of MySQL's bits, as a Query event has it that travels.

    Raise `Unsupported` for a bit that is not known.
    """
    known = {**WORDS, **{bit: word for word, (_, bit) in _OWN.items()}}
    unknown = [bit for bit in range(sql_mode.bit_length()) if sql_mode >> bit & 1 and bit not in known]
    if any(bit not in _OF_NO_MATTER for bit in unknown):
        raise Unsupported(f"a session had sql_mode {sql_mode:#x}, of which not every bit is known; {UNKNOWN}")
    return [word for bit, word in known.items() if sql_mode >> bit & 1]


def without_own(words: list[str]) -> list[str]:
    """Return the words for MySQL. Raise `Unsupported` for one of MariaDB's that changes what a statement means."""
    if lacking := sorted(_MEANS_OTHERWISE.intersection(words)):
        raise Unsupported(
            f"a session had sql_mode {', '.join(lacking)}, which the target does not know: have such statements run on"
            " the source in a session without it, then give the job another ID"
        )
    return [word for word in words if word not in (*_MARIADBS, *_COMBINED)]


def for_mariadb(words: list[str], *, of_mysql: bool = True) -> str:
    """Return an sql_mode of MySQL's, or in MySQL's form, as one that means the same on MariaDB."""
    kept = [word for word in words if word and word != _CUTS and not (of_mysql and word in _COMBINED)]
    return ",".join(kept if _CUTS in words else [*kept, _ROUNDS])


def for_mysql(words: list[str]) -> str | None:
    """Return an sql_mode of MariaDB's as one that means the same on MySQL; None if there is none."""
    if not _MEANS_OTHERWISE.isdisjoint(words):
        return None
    kept = [word for word in words if word and word not in (*_MARIADBS, *_COMBINED, _ROUNDS)]
    return ",".join(kept if _ROUNDS in words else [*kept, _CUTS])
