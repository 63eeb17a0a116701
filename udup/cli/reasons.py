"""Why a job is where it is, told once: each fault on lines of its own, with its time, and the command that goes on."""

from __future__ import annotations

import datetime
import re
import shutil
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

from udup.cli.output import shown

Json = dict[str, Any]

#: Faults are told as one text, joined by "; "; each begins with the server or the place in the document.
_BETWEEN_FAULTS = re.compile(r"; (?=(?:Src|Dest) \S+: |Tasks\b|cannot connect to )")

#: Between what is wrong and what to do about it.
_REMEDY = " -- "

#: Names a part of the document in what is to be done.
_DOCUMENT = "in this ConnectionConfig"

#: Characters of an error where it is shown again and again.
_BRIEF = 160

#: Columns of a line at the least, however narrow the terminal is.
_NARROWEST = 40


def reason(job: Json) -> str:
    """Why the job has failed or waits, else the error that ended its last run; "" where that is history."""
    error, told = _progress(job).get("last_error"), job.get("StatusDescription")
    return str(((told or error) if job.get("Stage") in ("failed", "completed") else (error or told)) or "")


def reasons(job: Json) -> list[str]:
    """The lines below "job X has failed": every fault, what to do about it, and how the job goes on then."""
    lines = [line for fault in _BETWEEN_FAULTS.split(reason(job)) if fault for line in _told(fault)]
    command = f"udup job resume {shown(job.get('ID'))}"
    if lines and job.get("Stage") == "failed" and command not in shown(reason(job)):
        posted = "; when it was in the document: udup job run FILE" if _DOCUMENT in reason(job) else ""
        lines.append(f"  When that is fixed: {command}{posted}")
    return lines


def title(job: Json) -> str:
    """The headline over them, with the time in the clock of the wall."""
    word = "Reasons" if job.get("Stage") == "failed" else "Last error"
    moment = _moment(_progress(job).get("last_error_time"))
    return f"{word} ({moment})" if moment else word


def brief(text: str) -> str:
    """An error in one line that is shown again and again."""
    text = shown(text).partition(_REMEDY)[0]
    return text if len(text) <= _BRIEF else text[: _BRIEF - 1] + "…"


def _progress(job: Json) -> Json:
    return job.get("Progress") or {}


def _moment(stamp: object) -> str:
    try:
        moment = datetime.datetime.fromisoformat(str(stamp)).astimezone()
    except ValueError:
        return ""
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def _told(fault: str) -> Iterator[str]:
    problem, _, remedy = shown(fault).partition(_REMEDY)
    yield from _wrapped(problem, "  ", "    ")
    if remedy:
        yield from _wrapped(remedy, "    -> ", "       ")


def _wrapped(text: str, first: str, others: str) -> list[str]:
    """On a terminal, in its width; in a pipe a line stays whole, for the program that reads it."""
    if not sys.stdout.isatty():
        return [first + text]
    width = max(_NARROWEST, shutil.get_terminal_size().columns)
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=others, break_long_words=False, break_on_hyphens=False
    )
