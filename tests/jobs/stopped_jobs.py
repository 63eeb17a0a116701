"""Jobs that have stopped, one for each cause there is: as the supervisor would have stored them."""

from __future__ import annotations

from udup.base.causes import Cause, reason
from udup.base.errors import Contradicted, Failure, FailureKind, Fault
from udup.jobs import JobRecord, Stage, TaskType, history

GTID = "3e11fa47-71ca-11e1-9e33-c80aa9429562:23"
TABLE = "shop.orders"

_K = FailureKind
_AGAINST = (("shop", "orders"),)
_ROW = {"contradicted": Contradicted(_AGAINST, rows=True), "table": TABLE, "gtid": GTID}

#: What else is known of a failure by each cause, besides its kind.
_CASES: dict[Cause, tuple[FailureKind, dict[str, object]]] = {
    Cause.ROW_MISSING: (_K.DIVERGENCE, _ROW),
    Cause.ROW_EXISTS: (_K.DIVERGENCE, _ROW),
    Cause.ROW_DIFFERS: (_K.DIVERGENCE, {**_ROW, "contradicted": None}),
    Cause.DIVERGENCE: (_K.DIVERGENCE, {"gtid": GTID}),
    Cause.COPY_DIFFERS: (_K.DIVERGENCE, {"table": TABLE}),
    Cause.TABLE_MISSING: (_K.DIVERGENCE, {"gtid": GTID, "table": TABLE}),
    Cause.MEMORY_LOST: (_K.DIVERGENCE, {"table": f"{TABLE}, shop.items"}),
    Cause.DEFINITION: (_K.UNSUPPORTED, {"gtid": GTID, "contradicted": Contradicted(_AGAINST)}),
    Cause.STATEMENT_REFUSED: (_K.DIVERGENCE, {"gtid": GTID}),
    Cause.UNSETTLED: (_K.DIVERGENCE, {"gtid": GTID, "table": TABLE}),
    Cause.STALE_TABLE: (_K.UNSUPPORTED, {"gtid": GTID, "reloads": (TABLE,)}),
    Cause.UNSUPPORTED: (_K.UNSUPPORTED, {"gtid": GTID}),
    Cause.LOG_DAMAGED: (_K.UNSUPPORTED, {}),
    Cause.LIMIT: (_K.REFUSED, {"gtid": GTID, "faults": (Fault(GTID, "too large", "raise it", "Dest"),)}),
    Cause.START_REFUSED: (_K.REFUSED, {"faults": (Fault("Src 10.0.0.5:3306", "no log", "SET it", "Src"),)}),
    Cause.SOURCE_PURGED: (_K.REFUSED, {"faults": (Fault("Src", "purged", "copy", "Src", Cause.SOURCE_PURGED),)}),
    Cause.SOURCE_RESET: (_K.UNSUPPORTED, {}),
    Cause.SINK: (_K.DIVERGENCE, {}),
    Cause.TOO_MANY_RESTARTS: (_K.TRANSIENT, {}),
    Cause.SUPERSEDED: (_K.SUPERSEDED, {}),
    Cause.INTERNAL: (_K.INTERNAL, {}),
    Cause.FAILED: (_K.INTERNAL, {}),
}


def failure_by(cause: Cause) -> Failure:
    """Return a failure of this cause with all that such a one carries."""
    kind, about = _CASES[cause]
    told = reason(cause, {"table": about.get("table", ""), "failures": 20})
    return Failure(kind, f"{cause}: something is the matter", reason=told, **about)  # type: ignore[arg-type]


def stopped_job(cause: Cause, document: dict[str, object], job: str = "shop") -> JobRecord:
    """Return a job that does not go on, or not with all of its tables, by this cause."""
    record = JobRecord(id=job, document={**document, "ID": job}, has_followed=True)
    if cause is Cause.NOT_UNDERSTOOD:
        return record.model_copy(update={"not_understood": True, "status_description": "not understood"})
    if cause is Cause.TABLES_FAILED:
        tables = [{"Table": TABLE, "State": "waiting", "Percent": 0.0, "Rows": 0, "Total": 0}]
        growing = {"State": "failed", "Reload": True, "Percent": None, "Since": "", "Problem": "no", "Tables": tables}
        return record.model_copy(update={"stage": Stage.RUNNING, "growing_shown": growing})
    failed = record.model_copy(update={"stage": Stage.FAILED, "status_description": str(cause)})
    return history.given_up(failed, (TaskType.DEST,), failure_by(cause), 1_700_000_000_123_456_789)
