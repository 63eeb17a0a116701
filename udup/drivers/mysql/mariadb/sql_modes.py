"""sql_mode, translated by the names of its words: the same bit is EMPTY_STRING_IS_NULL here and another word in MySQL.

MySQL rounds fractions of a second unless TIME_TRUNCATE_FRACTIONAL is set, MariaDB truncates unless
TIME_ROUND_FRACTIONAL is. Words that MySQL has not stand, in its form, at bits that it does not use, so that a target of
MariaDB gets them back. What only decides how SHOW CREATE prints, and what servers of today ignore, is left out.
"""

from __future__ import annotations

#: Of both, at the same bits: REAL_AS_FLOAT, PIPES_AS_CONCAT, ANSI_QUOTES, IGNORE_SPACE, ONLY_FULL_GROUP_BY,
#: NO_UNSIGNED_SUBTRACTION, NO_DIR_IN_CREATE, ANSI, NO_AUTO_VALUE_ON_ZERO, NO_BACKSLASH_ESCAPES, STRICT_TRANS_TABLES,
#: STRICT_ALL_TABLES, NO_ZERO_IN_DATE, NO_ZERO_DATE, ALLOW_INVALID_DATES, ERROR_FOR_DIVISION_BY_ZERO, TRADITIONAL,
#: HIGH_NOT_PRECEDENCE, NO_ENGINE_SUBSTITUTION, PAD_CHAR_TO_FULL_LENGTH.
_COMMON: int = sum(1 << bit for bit in (*range(4), *range(5, 8), *range(18, 28), *range(29, 32)))

#: MySQL's, and MariaDB's for the opposite.
_TRUNCATES, _ROUNDS = 1 << 32, 1 << 34

#: MariaDB's own bits, and where they stand in MySQL's form.
_OWN: dict[int, int] = {
    1 << 4: 1 << 47,  # IGNORE_BAD_TABLE_OPTIONS: MySQL's tables have no such options
    1 << 9: 1 << 50,  # ORACLE
    1 << 32: 1 << 48,  # EMPTY_STRING_IS_NULL
    1 << 33: 1 << 49,  # SIMULTANEOUS_ASSIGNMENT
}


def to_mysql(mode: int) -> int:
    """Return an sql_mode of MariaDB's in MySQL's form."""
    made = mode & _COMMON | (0 if mode & _ROUNDS else _TRUNCATES)
    own_words: int = sum(theirs for own, theirs in _OWN.items() if mode & own)
    return made | own_words


def to_mariadb(mode: int) -> int:
    """Return an sql_mode in MySQL's form as MariaDB's."""
    made = mode & _COMMON | (0 if mode & _TRUNCATES else _ROUNDS)
    own_words: int = sum(own for own, theirs in _OWN.items() if mode & theirs)
    return made | own_words
