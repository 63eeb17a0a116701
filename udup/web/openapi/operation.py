"""What an operation of the API is, and what many of them share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

#: What any operation may answer beside its own: a request that is not understood, that brings no token, that comes
#: from a page of another origin or has a method that is not there, a fault of the server, a server that is not ready.
COMMON_ERRORS = (400, 401, 403, 405, 500, 503)


@dataclass(frozen=True)
class Operation:
    """`answer` is the name of a schema, `[…]` for a list of it, `text`, `metrics`, `string`, or "" for an empty body.

    `parameters` and `headers` are names of `components`. Of `errors`, 301 leads to the clean form of a path.
    """

    method: str
    path: str
    name: str
    summary: str
    tag: str
    answer: str
    parameters: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    body: str = ""
    errors: tuple[int, ...] = ()
    description: str = ""


FRESH = ("X-Udup-Index", "X-Udup-KnownLeader", "X-Udup-LastContact")
WRITTEN = ("X-Udup-Index", "X-Udup-Job-Id")
READ = ("region", "index", "wait", "stale", "pretty")
WRITE = ("region", "pretty")
JOB_ID, UUID, PID = ("job_id",), ("uuid",), ("pid",)


def reading(path: str, name: str, summary: str, tag: str, answer: str, *more: str) -> Operation:
    """A GET with an index, that may wait. One of a thing may be answered that the thing is not there."""
    errors = (301, 404) if "{" in path else ()
    return Operation("get", path, name, summary, tag, answer, (*more, *READ), FRESH, errors=errors)


def changing(
    part: str,
    name: str,
    summary: str,
    answer: str = "JobResponse",
    *,
    asked: tuple[str, ...] = (),
    method: str = "put",
    body: str = "",
    errors: tuple[int, ...],
    description: str,
) -> Operation:
    """Return a change of a job: `part` follows its ID in the path, `asked` are parameters of its own."""
    path, parameters = f"/v1/job/{{id}}/{part}", (*JOB_ID, *asked, *WRITE)
    return Operation(method, path, name, summary, "jobs", answer, parameters, WRITTEN, body, errors, description)


def both(operation: Operation) -> Iterator[Operation]:
    """The same by PUT and by POST."""
    for method in ("put", "post"):
        yield replace(operation, method=method, name=f"{operation.name}By{method.capitalize()}")
