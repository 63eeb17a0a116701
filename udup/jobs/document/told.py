"""How the faults of a document are told: in the API's words, each with its path, as many as somebody reads."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic_core import ErrorDetails

from udup.base.errors import Fault
from udup.jobs.document import values
from udup.jobs.document.keys import join
from udup.jobs.document.submission import BODY
from udup.jobs.document.tasks import TAG

#: Faults of a document that are told at a time.
MAX_FAULTS = 200


def told(faults: list[Fault]) -> list[Fault]:
    """Return as many faults as somebody reads."""
    more = len(faults) - MAX_FAULTS
    if more <= 0:
        return faults
    return [*faults[:MAX_FAULTS], Fault(BODY, f"has {more} more faults", "fix these, and post the job again")]


def described(detail: ErrorDetails) -> Fault:
    """Return one of pydantic's errors in the API's words."""
    return Fault(*_words(detail))


def _words(detail: ErrorDetails) -> tuple[str, str, str]:
    """Return place, problem and remedy."""
    where, given = _path(detail["loc"]), detail.get("input")
    match detail["type"]:
        case "fault":
            context = detail.get("ctx", {})
            return where, context["problem"], context["remedy"]
        case "missing" if where == "Name":
            return where, "Job Name hasn't been provided", "give the job a name"
        case "missing":
            return where, "is required", ""
        case "model_type" | "model_attributes_type" | "dict_type":
            return where, f"must be an object, got {values.kind(given)}", ""
        case "list_type":
            return where, f"must be a list, got {values.kind(given)}", ""
        case "bool_type":
            return where, f"must be true or false, got {values.kind(given)}", ""
        case _:
            return where, detail["msg"], ""


def _path(location: Sequence[str | int]) -> str:
    path = ""
    for step in (each for each in location if not str(each).startswith(TAG)):
        path = f"{path}[{step}]" if isinstance(step, int) else join(path, step)
    return path or BODY
