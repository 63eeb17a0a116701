"""Sequences of a MariaDB source: how each is made, and the next number that it may give.

Numbers are taken outside of every transaction, so a snapshot does not hold them. They are read when it is open: what
a sequence gave before the place of the snapshot is below that, and what it gave later is in the log once more.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from udup.drivers.mysql.client.connection import Connection, MySQLError, error_code, query
from udup.drivers.mysql.client.names import qualified, quote
from udup.drivers.mysql.dictionary.catalog import NumberSequence
from udup.drivers.mysql.snapshot.stored import GONE
from udup.pipeline.selection.selection import Selection

_SEQUENCES = (
    "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_TYPE = 'SEQUENCE'"
    " ORDER BY TABLE_NAME"
)


def read_sequences(connection: Connection, schema: str, selection: Selection) -> list[NumberSequence]:
    """Return the job's sequences of a schema, without their numbers."""
    if not connection.is_mariadb:
        return []
    found = []
    for (name,) in query(connection, _SEQUENCES, schema):
        if not selection.wants(schema, str(name)):
            continue
        try:
            create = str(query(connection, f"SHOW CREATE SEQUENCE {qualified(schema, str(name))}")[0][1])
        except MySQLError as error:
            if error_code(error) not in GONE:
                raise
            continue  # dropped since it was listed; the log tells of it
        found.append(NumberSequence(schema, str(name), create.removeprefix(f"CREATE SEQUENCE {quote(str(name))}")))
    return found


def with_numbers(connection: Connection, sequences: Iterable[NumberSequence]) -> tuple[NumberSequence, ...]:
    """Return them with the numbers that they have now; behind the opening of the snapshot."""
    found = []
    for each in sequences:
        sql = f"SELECT next_not_cached_value, cycle_count FROM {qualified(each.schema, each.name)}"
        try:
            [(number, cycle)] = query(connection, sql)
        except MySQLError as error:
            if error_code(error) not in GONE:
                raise
            continue
        found.append(replace(each, number=int(number), cycle=int(cycle)))
    return tuple(found)
