"""Words of sql_mode that MySQL 8.0 does not take any more: sessions and definitions of older servers have them.

They said how accounts were made (NO_AUTO_CREATE_USER), how SHOW CREATE prints, or stood for others beside them (ORACLE,
MSSQL, …). MySQL's own replicas leave them out, and so does Udup; but for MAXDB, in which TIMESTAMP meant DATETIME.
"""

from __future__ import annotations

#: By the number of their bit in a Query event.
_OLD = {
    8: "POSTGRESQL",
    9: "ORACLE",
    10: "MSSQL",
    11: "DB2",
    12: "MAXDB",
    13: "NO_KEY_OPTIONS",
    14: "NO_TABLE_OPTIONS",
    15: "NO_FIELD_OPTIONS",
    16: "MYSQL323",
    17: "MYSQL40",
    28: "NO_AUTO_CREATE_USER",
}
_OLD_BITS = sum(1 << bit for bit in _OLD)
_MAXDB = 1 << 12

#: ANSI stands for others beside it; since 5.7.5 for this one too, which it would bring along.
_ANSI, _FULL_GROUP_BY = (18, "ANSI"), (5, "ONLY_FULL_GROUP_BY")


def known_bits(sql_mode: int) -> int:
    """Return an sql_mode as a Query event has it without what servers of today refuse."""
    known = sql_mode & ~_OLD_BITS
    return known if known & 1 << _FULL_GROUP_BY[0] else known & ~(1 << _ANSI[0])


def known_words(sql_mode: str) -> str:
    """Return the same of one by its words."""
    words = [word for word in sql_mode.split(",") if word.upper() not in _OLD.values()]
    return ",".join(words if _FULL_GROUP_BY[1] in words else [word for word in words if word != _ANSI[1]])


def has_other_types(sql_mode: int | str, text: str) -> bool:
    """Return whether a definition has types that mean others than what they are called."""
    is_maxdb = "MAXDB" in sql_mode.upper().split(",") if isinstance(sql_mode, str) else bool(sql_mode & _MAXDB)
    return is_maxdb and "timestamp" in text.lower()
