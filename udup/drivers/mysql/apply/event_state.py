"""CREATE EVENT and ALTER EVENT so that the target's scheduler never sees the event enabled.

An event's rows come from the source. Disabling it after it was made leaves a moment in which one that is due at once
runs here too, and its rows would be there twice. So the state is written into the statement itself:

    CREATE EVENT … ON SCHEDULE … [ON COMPLETION …] [ENABLE | DISABLE …] [COMMENT '…'] DO …
"""

from __future__ import annotations

from udup.drivers.mysql.client.connection import Connection
from udup.drivers.mysql.ddl.sqltokens import UntokenizableError, Word, decoded, tokenize

#: The first version that says REPLICA.
_SAYS_REPLICA = (8, 2, 0)

#: What stands before a name, which could be the word ENABLE.
_BEFORE_NAMES = frozenset({"EVENT", "EXISTS", "TO", "."})


def disabled_on_replica(connection: Connection) -> str:
    """Return the clause by which this server's version leaves an event defined and does not run it."""
    says_replica = not connection.is_mariadb and connection.version >= _SAYS_REPLICA
    return f"DISABLE ON {'REPLICA' if says_replica else 'SLAVE'}"


def with_state(sql: bytes, codec: str, sql_mode: int, state: str) -> bytes:
    """The statement with `state` (`DISABLE ON REPLICA`) for ENABLE, and for no state in a CREATE; else as it is."""
    text, exact = decoded(sql, codec)
    try:
        words = tokenize(text, sql_mode)
    except UntokenizableError:
        return sql
    head = _outer_words(words)
    enabled = next(
        (word for before, word in _pairs(head) if word.upper == "ENABLE" and before not in _BEFORE_NAMES), None
    )
    if enabled is not None:
        text = text[: enabled.start] + state + text[enabled.end :]
    elif head and head[0].upper == "CREATE" and not any(word.upper == "DISABLE" for word in _after_schedule(head)):
        place = next((word for word in _after_schedule(head) if word.upper in ("COMMENT", "DO")), None)
        if place is None:
            return sql
        text = f"{text[: place.start]}{state} {text[place.start :]}"
    return text.encode(exact)


def _outer_words(words: list[Word]) -> list[Word]:
    """The words outside of parentheses, up to the DO behind which the event's body stands."""
    head: list[Word] = []
    depth = 0
    for before, word in _pairs(words):
        depth += (word.upper == "(") - (word.upper == ")")
        if depth == 0:
            head.append(word)
        if depth == 0 and word.upper == "DO" and before not in _BEFORE_NAMES:
            break
    return head


def _after_schedule(head: list[Word]) -> list[Word]:
    """What follows ON SCHEDULE: before it only names can stand."""
    for place, (before, word) in enumerate(_pairs(head)):
        if before == "ON" and word.upper == "SCHEDULE":
            return head[place + 1 :]
    return []


def _pairs(words: list[Word]) -> list[tuple[str, Word]]:
    """Each word with the one before it, in capitals."""
    return [(words[place - 1].upper if place else "", word) for place, word in enumerate(words)]
