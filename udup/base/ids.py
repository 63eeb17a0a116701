"""Which IDs of jobs can stand in a path of the API: `/v1/job/<id>`, and `/v1/job/<id>/<part>` for something of a job.

Paths with `//`, `.` and `..` lead to their clean forms, in Udup as in proxies and clients, and what ends like a part is
one. A job of such an ID could be made and never be asked for again.
"""

from __future__ import annotations

from urllib.parse import quote

#: What may follow a job's ID in a path, also in versions to come.
PARTS = frozenset(
    {
        *("pause", "resume", "allocations", "evaluations", "history", "revert", "versions", "validate"),
        *("level", "finish"),
        *("compare", "skip", "settle", "cutover", "progress", "logs", "events", "snapshot", "tables", "reload"),
        *("repair", "differences", "series", "timeline", "row", "estimate"),
    }
)


def unaddressable(job_id: str) -> str:
    """Why a path cannot name this job; "" if one can."""
    first, *more = job_id.split("/")
    if any(segment in ("", ".", "..") for segment in (first, *more)):
        return "has nothing, . or .. before, between or after its slashes, which no path keeps"
    if more and more[-1] in PARTS:
        return f"ends in /{more[-1]}, which in a path means something of the job {job_id.rpartition('/')[0]!r}"
    return ""


def job_path(job_id: str, part: str = "") -> str:
    """Return the path of a job, or of something of it; a query where the ID cannot stand in a path."""
    if not part and unaddressable(job_id):
        return f"/v1/job/?id={quote(job_id, safe='')}"
    return f"/v1/job/{quote(job_id, safe='/')}" + (f"/{part}" if part else "")
