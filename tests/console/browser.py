"""Debian's Chromium, driven by Playwright; never a browser that Playwright downloads."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

#: Names another browser program; the environment's word counts first.
VARIABLE = "UDUP_CHROMIUM"

PACKAGES = ("chromium", "fonts-noto-cjk")
MISSING = "no Chromium: apt-get install chromium fonts-noto-cjk, or name one in UDUP_CHROMIUM"


def chromium() -> str | None:
    """Return the path of the browser's program, None where there is none."""
    named = os.environ.get(VARIABLE)
    if named:
        return named
    return next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )


def provide(say: Callable[[str], object]) -> None:
    """Install Debian's Chromium, with Chinese letters, where there is none and this may be done; say what was done."""
    if chromium() is not None:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        say(f"The console's tests in a browser are skipped: {MISSING}")
        return
    say("No Chromium is here, which the console's tests drive: installing Debian's (apt-get install chromium)")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-qq"], ["install", "-qq", "-y", "--no-install-recommends", *PACKAGES]):
        done = subprocess.run(["apt-get", *command], env=quiet, capture_output=True, text=True)
        if done.returncode:
            why = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
            say(f"The console's tests in a browser are skipped: apt-get {command[0]} failed: {why}")
            return


@contextmanager
def browser() -> Iterator[Browser]:
    """Yield a browser without a window; the sandbox is off, since tests run as root."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        try:
            yield launched
        finally:
            launched.close()
