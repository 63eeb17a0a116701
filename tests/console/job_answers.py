"""What the made-up node answers about a job that has stopped, its documents and its time line."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlencode

from tests.console.acts_answers import comparison
from tests.console.conftest import Fake
from tests.console.world import UUID, Json, stamp
from udup.web.schemas.compare import comparison_of

GTID = f"{UUID}:901122"
TABLE = "billing.invoice"

#: Words of `Failure.Kind`, each with what is known of it beside the words.
KINDS: dict[str, tuple[str, ...]] = {
    "row_missing": ("table", "key"),
    "row_exists": ("table", "key"),
    "row_differs": ("table",),
    "divergence": ("table",),
    "copy_differs": ("table",),
    "table_missing": ("table",),
    "memory_lost": ("table",),
    "definition": ("table",),
    "statement_refused": (),
    "unsettled": ("table",),
    "stale_table": ("table",),
    "unsupported": (),
    "log_damaged": (),
    "limit": (),
    "start_refused": (),
    "source_purged": (),
    "source_reset": (),
    "sink": (),
    "too_many_restarts": (),
    "superseded": (),
    "not_understood": (),
    "tables_failed": ("tables",),
    "internal": (),
}

#: Act → (method, what stands behind the job's ID, its arguments, whether they are a body, danger, what is typed).
ACTS: dict[str, tuple[str, str, Json, bool, str, str]] = {
    "resume": ("PUT", "/resume", {}, False, "none", ""),
    "compare": ("POST", "/compare", {"Tables": [TABLE], "RowsPerSecond": 0, "Continuous": False}, True, "none", ""),
    "repair": ("POST", "/repair", {"Tables": [TABLE], "All": False}, True, "loses", ""),
    "reload": ("PUT", "/reload", {"table": [TABLE]}, False, "loses", TABLE),
    "skip": ("PUT", "/skip", {"gtid": GTID}, False, "loses", "901122"),
    "settle": ("PUT", "/settle", {"gtid": GTID, "applied": "true"}, False, "loses", "901122"),
    "revert": ("PUT", "/revert", {}, False, "changes", ""),
    "give_up": ("DELETE", "/reload", {}, False, "changes", ""),
    "delete": ("DELETE", "", {}, False, "loses", "billing"),
    "purge": ("DELETE", "", {"purge": "true"}, False, "loses", "billing"),
}


def remedy(act: str, job: str, *, best: bool = False) -> Json:
    """Return a remedy as the API tells it; `statement` and `update` are none that a request is sent for."""
    method, behind, args, in_body, danger, typed = ACTS.get(act, ("", "", {}, False, "changes", ""))
    query = f"?{urlencode(args, doseq=True)}" if args and not in_body else ""
    return {
        "Act": act,
        "Args": args,
        "Danger": "none" if act == "statement" else danger,
        "Command": "SELECT 1" if act == "statement" else f"udup job {act} {job}",
        "Text": f"what {act} does",
        "Recommended": best,
        "Confirm": typed,
        "Seconds": 40 if act == "compare" else None,
        "Method": method,
        "Path": f"/v1/job/{job}{behind}{query}" if method else "",
        "Body": args if in_body else None,
    }


def failure(kind: str, job: str, acts: tuple[str, ...] = ("resume",), **more: Any) -> Json:
    """Return why a job has stopped; what a kind does not know is empty."""
    known = {"table": TABLE, "key": "id = 48213", "tables": TABLE}
    told = {name: known[name] for name in KINDS.get(kind, ())}
    return {
        "Kind": kind,
        "Params": {"job": job, **told},
        "Text": f"{kind}: the node's own words about it. And a second sentence.",
        "At": stamp(time.time() - 412),
        "Tries": 1,
        "Gtid": GTID if "table" in told else "",
        "Table": told.get("table", ""),
        "Key": told.get("key", ""),
        "Statement": "",
        "Position": "binlog.004417:88120331",
        "SourceKeepsUntil": stamp(time.time() + 183_600),
        "Faults": [],
        "Remedies": [remedy(act, job, best=place == 0) for place, act in enumerate(acts)],
        **more,
    }


def fail(fake: Fake, job: str, told: Json) -> None:
    """Have a job stop by this, in front of whoever looks."""
    fake.streams.change(job, Failure=told, Waits=None, Shown="failed", Group="needs_you", NeedsYou=True)


def quiet(fake: Fake, job: str) -> None:
    """Let the node answer what is asked beside the job itself."""
    fake.world.wholes[job]["Comparison"] = {"State": "done", "Equal": True, "Text": ""}
    fake.answers["GET", f"job/{job}/compare"] = comparison_of(comparison())
    fake.answers["GET", f"job/{job}/differences"] = {"Rows": [], "Next": ""}
    fake.answers["GET", f"job/{job}/history"] = documents()


def documents() -> list[Json]:
    """Return three documents of a job, the oldest first."""
    day = 86_400 * 10**9
    now = time.time_ns()

    def version(number: int, how: str, changes: list[tuple[str, str, str]]) -> Json:
        told = [{"Key": key, "Before": before, "After": after} for key, before, after in changes]
        return {
            "Number": number,
            "Time": now - (4 - number) * day,
            "How": how,
            "Present": number == 3,
            "Changes": told,
            "MoreChanges": 0,
        }

    return [
        version(1, "posted", []),
        version(2, "posted", [("Tasks[1].Config.ParallelWorkers", "4", "16")]),
        version(3, "reverted to 1", [("Tasks[1].Config.ParallelWorkers", "16", "4"), ("Name", "", "Billing")]),
    ]


def entries(*kinds: str) -> Json:
    """Return a time line of entries of these kinds, a minute apart, the newest last."""
    now = time.time()
    found = [
        {
            "Number": number,
            "Time": stamp(now - (len(kinds) - number + 1) * 60),
            "Kind": kind,
            "Text": f"{kind} number {number}",
            "Params": {},
            "By": "ana" if kind == "document" else "",
            "Gtid": "",
            "Table": "",
        }
        for number, kind in enumerate(kinds, 1)
    ]
    return {"Entries": found, "Next": len(kinds) + 1, "Oldest": 1}
