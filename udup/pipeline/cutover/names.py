"""Names: a way back's, and the command that carries a cut-over on."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from udup.pipeline.cutover.state import DEFAULT_TIMEOUT_S, Options

_BACK = re.compile(r"(?P<base>.+?)-back(-\d+)?")

#: Names that are tried for a way back.
_TRIES = 100


def way_back_names(job: str) -> Iterator[str]:
    """Yield names for the way back of a job: `shop` leads to `shop-back`, and that one to `shop` again."""
    match = _BACK.fullmatch(job)
    base = match["base"] if match else f"{job}-back"
    yield base
    for number in range(2, _TRIES):
        yield f"{base}-{number}"


def command(job: str, options: Options) -> str:
    """Return what begins a cut-over with these options, or carries it on."""
    flags = {
        "--source-read-only": options.source_read_only,
        "--writes-stopped": options.writes_stopped,
        "--enable-events": options.enable_events,
        "--reverse": options.reverse,
        f"--timeout {options.timeout_s:g}": options.timeout_s != DEFAULT_TIMEOUT_S,
    }
    return " ".join([f"udup job cutover {shlex.quote(job)}", *(flag for flag, wanted in flags.items() if wanted)])


def show_command(job: str) -> str:
    return f"udup job cutover {shlex.quote(job)} --show"


def abort_command(job: str) -> str:
    return f"udup job cutover {shlex.quote(job)} --abort"
