"""A stored record that this version cannot read: shown as far as it can be, and otherwise left alone.

A newer version may have written words and a form that this one does not know. The bytes stay in the store as they are
until that version is back: the job is not carried out meanwhile, and nothing of it is overwritten.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError

from udup import __version__
from udup.jobs.record import FORMAT, JobRecord
from udup.jobs.words import DesiredState

#: What is the matter is told of so many fields.
_TOLD = 3


class UnreadRecord(JobRecord):
    """It holds what the API shows, and is itself never stored."""


def read_record(raw: Any, key: str) -> JobRecord:
    """Return a stored record, by its JSON; an `UnreadRecord` if this version cannot read it. `key`: where it is."""
    if not isinstance(raw, dict):
        return unread(raw, key, "it is damaged")
    written = raw.get("format", 1)
    if not isinstance(written, int) or written > FORMAT:
        return unread(raw, key, f"its format is {written!r}, and this version reads {FORMAT}")
    try:
        return JobRecord.model_validate_json(json.dumps(raw))
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        told = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in faults[:_TOLD]]
        return unread(raw, key, "; ".join(told))


def unread(raw: Any, key: str, why: str) -> UnreadRecord:
    """Return what is shown of a record that cannot be read for this reason."""
    known = raw if isinstance(raw, dict) else {}
    document, job_id = known.get("document"), known.get("id")
    indexes = ("create_index", "modify_index", "job_modify_index")
    return UnreadRecord(
        id=job_id if isinstance(job_id, str) and job_id else key,
        document=document if isinstance(document, dict) else {},
        desired=DesiredState.PAUSE if known.get("desired") == DesiredState.PAUSE.value else DesiredState.RUN,
        status_description=told(why),
        not_understood=True,
        **{name: known[name] for name in indexes if isinstance(known.get(name), int)},
    )


def told(why: str) -> str:
    """Return what is said of a job that this version does not understand, and what is to be done."""
    return (
        f"Udup {__version__} does not understand what is stored of this job ({why}); a newer version has written it, or"
        " it is damaged. The job is not carried out, and it is kept as it is: start the version that wrote it, or a"
        " newer one, and it goes on; or delete the job"
    )
