"""Reading a job from a file or from standard input, before any server sees it.

It is JSON: the job itself, or wrapped as `{"Job": {…}}`. What it means is the server's to judge; here it must be
readable, and what is not is told by line and column. Nothing of the text is shown, since it holds passwords.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from udup.cli.commands import CommandError

#: The name that means standard input.
STDIN = "-"

Document = dict[str, Any]


def read_job(name: str) -> Document:
    """The JSON object in this file; `CommandError` if there is none."""
    shown = "standard input" if name == STDIN else name
    try:
        data = sys.stdin.buffer.read() if name == STDIN else Path(name).read_bytes()
    except OSError as error:
        raise CommandError(f"cannot read the job file {name}: {error.strerror}") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CommandError(f"{shown}, line {line}: not UTF-8 (byte 0x{data[error.start]:02x})") from error
    if not text.strip():
        raise CommandError(f"{shown} is empty; a job is a JSON object, `udup init` writes an example")
    try:
        document = json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise CommandError(f"{shown}, line {error.lineno}, column {error.colno}: {error.msg}") from error
    except RecursionError as error:
        raise CommandError(f"{shown}: nested too deeply for a job") from error
    except ValueError as error:
        raise CommandError(f"{shown}: {error}") from error
    if not isinstance(document, dict):
        raise CommandError(f"{shown}: a job is a JSON object in braces, this is {_kind(document)}")
    return document


def wrapped(document: Document, check_index: int | None) -> Document:
    """The job as the original's client posts it. `check_index`: the JobModifyIndex that must still hold."""
    outer = dict(document) if isinstance(document.get("Job"), dict) else {"Job": document}
    if check_index is not None:
        outer |= {"EnforceIndex": True, "JobModifyIndex": check_index}
    return outer


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


def _kind(value: object) -> str:
    kinds = {list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")
