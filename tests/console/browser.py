"""Debian's Chromium, driven by Playwright; never a browser that Playwright downloads."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

#: Names another browser program; the environment's word counts first.
VARIABLE = "UDUP_CHROMIUM"

MISSING = "no Chromium: apt-get install chromium fonts-noto-cjk, or name one in UDUP_CHROMIUM"


def chromium() -> str | None:
    """Return the path of the browser's program, None where there is none."""
    named = os.environ.get(VARIABLE)
    if named:
        return named
    return next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )


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
