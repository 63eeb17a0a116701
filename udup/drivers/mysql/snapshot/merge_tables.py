"""MERGE tables and the tables that they show: a job carries both or neither.

What is written through a MERGE table is logged under its own name, though the rows are those of a table below. So a
job that carried only the tables below would miss it, and one that carried only the MERGE table has nothing to show.
"""

from __future__ import annotations

from collections.abc import Iterator

from udup.drivers.mysql.client.connection import Connection, MySQLError, describe, is_transient, query
from udup.drivers.mysql.ddl.classify import classify
from udup.drivers.mysql.dictionary.shown_tables import shown_table
from udup.pipeline.selection.selection import Selection

_MERGE_TABLES = (
    "SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES WHERE ENGINE = 'MRG_MYISAM'"
    " ORDER BY TABLE_SCHEMA, TABLE_NAME"
)


def merge_problems(connection: Connection, selection: Selection) -> Iterator[str]:
    """Each MERGE table of the source of which only a part is in the job, or that the source cannot open."""
    for schema, name in query(connection, _MERGE_TABLES):
        wanted = selection.wants(schema, name)
        try:
            create = shown_table(connection, schema, name)
        except MySQLError as error:
            if is_transient(error):
                raise
            if wanted:
                yield f"MERGE table {schema}.{name} cannot be opened ({describe(error)}): drop it or leave it out"
            continue
        for below in classify(create.encode(), schema).sources:
            if wanted and not selection.wants(*below):
                yield f"MERGE table {schema}.{name} shows {below}, which is not in the job: add it to ReplicateDoDb"
            elif selection.wants(*below) and not wanted:
                yield (
                    f"{below} is in the job, and the MERGE table {schema}.{name} through which it may be written is "
                    "not: add that to ReplicateDoDb"
                )
