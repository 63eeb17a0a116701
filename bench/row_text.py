"""Rows as JSON texts on one core: what a subscription does to each row before it is sent.

The same events go to Udup's two readers, the compiled one and the one in Python (which stands in where no compiler
was), and to mysql-replication's own decoder, which makes Python values of them and no text.
"""

from __future__ import annotations

import time

from bench.results import OURS, Line, Result
from bench.rows import PEER, QUICK_ROWS, ROWS, STATEMENT_ROWS, line, read_by_peer, recorded
from bench.servers import Bench
from udup.drivers.mysql.rowtext.compiled import reader_kind, table_text
from udup.drivers.mysql.rowtext.options import parse_options
from udup.drivers.mysql.rowtext.reader import MakeTableText, MysqlRecordReader
from udup.drivers.mysql.rowtext.table_text import GeneratedTableText
from udup.pipeline.ports.delivery import RowsText, Template
from udup.pipeline.records import CommitOrder, Transaction, TransactionId

IN_PYTHON = "Udup, reader in Python"

#: How often the quick readers read all of it: the best time counts.
ROUNDS = 3

#: About what an envelope has around the images.
TEMPLATE = Template(
    b'{"before":',
    b',"after":',
    b',"source":{"version":"1.0","connector":"mysql","name":"bench","ts_ms":1767323045123,"snapshot":"false",'
    b'"db":"rows_bench","sequence":null,"ts_us":1767323045123456,"ts_ns":1767323045123456000,"table":"mixed",'
    b'"server_id":1,"gtid":"3e11fa47-71ca-11e1-9e33-c80aa9429562:23","file":"binlog.000002","pos":1234567,"row":',
    b',"thread":12,"query":null},"transaction":null,"op":"c","ts_ms":1767323045124,"ts_us":1767323045124456,'
    b'"ts_ns":1767323045124456000}',
)


def run(bench: Bench) -> Result:
    rows = bench.rows or (QUICK_ROWS if bench.quick else ROWS)
    result = Result(
        "rowtext", f"{rows:,} inserted rows of 12 columns, a quarter updated, a tenth deleted", "µs of CPU a row"
    )
    with bench.server("source", **{"binlog-row-metadata": "FULL"}) as source:
        events = recorded(source.endpoint, rows)
    result.note(f"{len(events)} events of {sum(map(len, events)) / 1e6:.0f} MB, {STATEMENT_ROWS} rows a statement")
    result.attempt(PEER, lambda: [read_by_peer(events)])
    result.attempt(IN_PYTHON, lambda: [_read(IN_PYTHON, events, GeneratedTableText)])
    if reader_kind() == "compiled":
        result.attempt(OURS, lambda: [_read(OURS, events, table_text)])
    else:
        result.note("there is no compiled reader here: install a C++ compiler, then Udup again")
    return result


def _read(contestant: str, events: list[bytes], make: MakeTableText) -> Line:
    """Keys and values of all rows; an update counts once, as for the others."""
    reader = MysqlRecordReader(parse_options({}), make=make)
    found = list(reader.rows(Transaction(TransactionId("", 1, CommitOrder(0, 1, 0)), b"".join(events))))
    best, rows = min(_once(found) for _ in range(ROUNDS))
    return line(contestant, "read", rows, best)


def _once(found: list[RowsText]) -> tuple[float, int]:
    rows = 0
    began = time.process_time()
    for each in found:
        rows += len(each.table.values(each.event, TEMPLATE, 0) or ())
    return time.process_time() - began, rows
