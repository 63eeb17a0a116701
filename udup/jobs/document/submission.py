"""What a client posts: the job itself, or wrapped as `{"Job": {…}, "EnforceIndex": …}`; taken apart, not checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from udup.base.errors import Fault, Refused
from udup.jobs.document.keys import Level, canonical
from udup.jobs.document.values import kind, shown

#: Where a fault is that concerns the document as a whole.
BODY = "body"

#: What the wrapper says about the job it holds; it overrules what the job says itself.
_OUTER_KEYS = ("EnforceIndex", "JobModifyIndex", "Region")
_OUTER = Level({"Job", "Name", "ID", *_OUTER_KEYS})


@dataclass(frozen=True)
class Submission:
    """A posted job: its document, whether it came wrapped, and the JobModifyIndex that must still hold, if any."""

    document: dict[str, Any] = field(repr=False)
    wrapped: bool
    enforce_index: int | None


_EXAMPLE = "`udup init` writes an example"


def unwrap(body: object) -> Submission:
    """Take a posted body apart; `Refused` if it is no object. What is inside is checked by `parse_job`."""
    if not isinstance(body, dict):
        raise Refused([Fault(BODY, f"must be a JSON object that describes a job, got {kind(body)}", _EXAMPLE)])
    outer = canonical(body, _OUTER, "", [])
    if "Job" not in outer or "Name" in outer:
        return Submission(body, False, _enforced_index(body))
    inner = outer["Job"]
    if not isinstance(inner, dict):
        raise Refused([Fault("Job", f"must be an object, got {kind(inner)}", _EXAMPLE)])
    if unknown := [key for key in outer if key not in _OUTER.names and outer[key] is not None]:
        known = ", ".join(("Job", *_OUTER_KEYS))
        raise Refused([Fault(shown(unknown[0]), "is not known beside Job", f"known are {known}; or put it into Job")])
    said = {key: outer[key] for key in _OUTER_KEYS if key in outer}
    overruled = {key.lower() for key in said}
    document = {key: value for key, value in inner.items() if key.lower() not in overruled} | said
    return Submission(document, True, _enforced_index(document))


def document_id(document: object) -> str | None:
    """The ID that a posted document names, None if there is none (or none that could be one)."""
    if not isinstance(document, dict):
        return None
    name = canonical(unwrap(document).document, _OUTER, "", []).get("ID")
    return name if isinstance(name, str) else None


def _enforced_index(document: dict[str, Any]) -> int | None:
    """JobModifyIndex if EnforceIndex is set; values of wrong types are left for `parse_job` to tell."""
    given = canonical(document, _OUTER, "", [])
    index = given.get("JobModifyIndex", 0)
    if given.get("EnforceIndex") is not True or isinstance(index, bool) or not isinstance(index, int):
        return None
    return index
