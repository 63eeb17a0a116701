"""Makes the reader of a job's records: by what its document says of values, and what the source's dictionary knows."""

from __future__ import annotations

from contextlib import closing

from udup.base.endpoint import Endpoint
from udup.base.errors import Side
from udup.drivers.mysql.client.connection import connect, query, scalar
from udup.drivers.mysql.client.seam import behind_the_seam
from udup.drivers.mysql.rowtext.facts import ColumnFacts, Dictionary
from udup.drivers.mysql.rowtext.options import ValueOptions, parse_options
from udup.drivers.mysql.rowtext.reader import MysqlRecordReader
from udup.pipeline.ports import DeliveryPlan
from udup.pipeline.selection.schemas import SYSTEM_SCHEMAS, UDUP_SCHEMA
from udup.pipeline.selection.selection import Selection

#: Columns of which the dictionary says more than the log: how wide a TINYINT is shown, digits of FLOAT(M,D), and what
#: a date that is none becomes.
_TELLING = (
    "(COLUMN_TYPE LIKE 'tinyint(1)%%' OR DATA_TYPE IN ('float', 'double') AND NUMERIC_SCALE IS NOT NULL"
    " OR DATA_TYPE IN ('date', 'datetime', 'timestamp') AND IS_NULLABLE = 'NO' AND COLUMN_DEFAULT IS NOT NULL)"
)


def value_options(plan: DeliveryPlan) -> ValueOptions:
    """Return how values are to look; `Refused` with every option that says nothing of them."""
    own = {"Values": plan.values, "TinyInt1AsBoolean": "true" if plan.tiny_as_boolean else "false"}
    return parse_options({**plan.options, **own}, quirks=plan.quirks)


def open_reader(endpoint: Endpoint, plan: DeliveryPlan, selection: Selection) -> MysqlRecordReader:
    """Return what reads this source's records, by the job's names. Asks the source for its dictionary."""
    options = value_options(plan)
    dictionary, folds = _Source(endpoint).dictionary(selection)
    return MysqlRecordReader(options, dictionary=dictionary, fold_names=folds)


@behind_the_seam(Side.SOURCE)
class _Source:
    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    def dictionary(self, selection: Selection) -> tuple[Dictionary, bool]:
        """Return what it knows of columns, by the job's names for tables, and whether it keeps names in lower case."""
        hidden = (*SYSTEM_SCHEMAS, UDUP_SCHEMA)
        with closing(connect(self.endpoint)) as connection:
            folds = int(scalar(connection, "SELECT @@global.lower_case_table_names")) != 0
            rows = query(
                connection,
                "SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, COLUMN_DEFAULT"
                " FROM information_schema.COLUMNS"
                f" WHERE TABLE_SCHEMA NOT IN ({', '.join(['%s'] * len(hidden))}) AND {_TELLING}",
                *hidden,
            )
        folded = selection.folding(folds)
        found: dict[tuple[str, str], dict[str, ColumnFacts]] = {}
        for schema, table, column, column_type, default in rows:
            if folded.wants_schema(str(schema)):
                name = folded.renamed_table(str(schema), str(table))
                found.setdefault(name, {})[str(column)] = ColumnFacts(str(column_type), default)
        return found, folds
