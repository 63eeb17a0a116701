"""What the API asks of servers for somebody who decides, in the request's thread; nothing is written anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from udup.base.errors import Fault, Refused, UdupError
from udup.jobs import JobRecord, document_id
from udup.jobs.document.drafts import drafted
from udup.jobs.document.inspecting import ServerAsked
from udup.jobs.estimates import Estimate, EstimatedAct, estimate
from udup.jobs.plan import plan_of
from udup.jobs.table_pages import TablesWanted
from udup.node.ends import Ends
from udup.node.reads import Reads
from udup.node.servers import Asked
from udup.node.table_listings import TableListings
from udup.node.tables import page_found, tables_found
from udup.pipeline.ports import Drivers, End
from udup.pipeline.ports.compare import LedgerRow
from udup.pipeline.ports.inspect import Grants, Inspected
from udup.pipeline.ports.rows import RowSeen
from udup.web.ports import NotThere, TablesFound


class ServerQuestions:
    """These methods of `web.ports.JobControl`."""

    def __init__(self, reads: Reads, drivers: Drivers, ends: Ends) -> None:
        self._reads, self._drivers, self._ends = reads, drivers, ends
        self._listings = TableListings(ends)

    def tables(self, job_id: str, wanted: TablesWanted) -> TablesFound:
        record = self._record(job_id)
        side = self._reads.part(record)
        if wanted.is_plain:
            return tables_found(record, side, self._ends, wanted)
        return page_found(record, self._listings.of(record, side), wanted)

    def differences(self, job_id: str, after: str, limit: int) -> list[LedgerRow]:
        return self._ends.differences(_compared(self._record(job_id)), after, limit)

    def row(self, job_id: str, schema: str, table: str, key: str) -> RowSeen | None:
        return self._ends.row(_compared(self._record(job_id)), schema, table, key)

    def estimate(self, job_id: str, act: EstimatedAct, tables: Sequence[str]) -> Estimate:
        record = self._record(job_id)
        try:
            sizes = self._ends.sizes(_asked(record))
        except UdupError as error:
            return Estimate(None, None, None, f"the source cannot be asked for the sizes of its tables: {error}")
        return estimate(act, sizes, record, frozenset(tables))

    def grants(self, document: dict[str, Any], versions: tuple[str, str]) -> tuple[Grants, Grants]:
        stored = self._reads.job(document_id(document) or "")
        spec = drafted(document, stored.document if stored else None)
        return self._drivers.grants(plan_of(spec), *versions)

    def inspect(self, asked: ServerAsked) -> Inspected:
        return self._drivers.inspector(End(asked.driver, asked.endpoint)).look(asked.wish)

    def _record(self, job_id: str) -> JobRecord:
        record = self._reads.job(job_id)
        if record is None:
            raise NotThere("job not found")
        return record


def _asked(record: JobRecord) -> Asked:
    return Asked(record.spec(), record.document, record.start)


def _compared(record: JobRecord) -> Asked:
    """Return whose servers are compared; `Refused` for a subscription."""
    if record.spec().delivers:
        problem = f"job {record.id} is a subscription: messages are not compared"
        raise Refused([Fault("Job", problem, "ask for another job")])
    return _asked(record)
