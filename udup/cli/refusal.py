"""Why a job does not run, one reason a line."""

from __future__ import annotations

import re

from udup.cli.jobs import Json, progress

#: Faults are told as one text, joined by "; "; each begins with the server or the place in the document.
_BETWEEN_FAULTS = re.compile(r"; (?=(?:Src|Dest) \S+: |Tasks\b)")


def reasons(job: Json) -> list[str]:
    """The lines below "job X has failed"."""
    text = str(job.get("StatusDescription") or progress(job).get("last_error") or "")
    return [f"  {fault}" for fault in _BETWEEN_FAULTS.split(text)] if text else []
