"""Prometheus' own tool, which reads rules and expressions as Prometheus does: that of Debian's package, unpacked."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from udup.sandbox.cache import cache_folder

#: Names another one; the environment's word counts first.
VARIABLE = "UDUP_PROMTOOL"

MISSING = f"promtool is not here: install Debian's package prometheus, or name one by {VARIABLE}"

_UNPACKED = "promtool"


def promtool() -> str | None:
    """Return the tool's path, None where there is none."""
    kept = cache_folder() / _UNPACKED
    return os.environ.get(VARIABLE) or shutil.which("promtool") or (str(kept) if kept.exists() else None)


def provide(say: Callable[[str], object]) -> None:
    """Unpack the tool from Debian's package into the cache where there is none; nothing of the system is changed."""
    if promtool() is not None or shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        return
    say("No promtool is here: unpacking it from Debian's package prometheus (30 MB, once)")
    with tempfile.TemporaryDirectory(dir=cache_folder(), prefix="partial-") as folder:
        for command in (["apt-get", "-qq", "download", "prometheus"], ["dpkg-deb", "-x", "", "."]):
            if command[0] == "dpkg-deb":
                command[2] = next(str(file) for file in Path(folder).glob("prometheus_*.deb"))
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
            if done.returncode:
                why = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
                say(f"Rules of alerts are not run: {command[0]} failed: {why}")
                return
        (Path(folder) / "usr" / "bin" / "promtool").rename(cache_folder() / _UNPACKED)
