"""What every page is held to: axe finds nothing, nothing is wider than the window, in both themes and languages."""

from __future__ import annotations

import importlib.resources
import os
import time
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.end_to_end.conftest import World

WIDTHS = (1360, 760, 400)
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

#: Texts, as the viewer sees them, with their English letters: names and SQL stand in elements of `code`, `.name`, ….
_THEME = "name => import('./core/theme.js').then(module => module.chooseTheme(name))"
_LANGUAGE = "name => import('./core/words.js').then(module => module.speak(name))"

#: Returns what breaks the rules, as lines: to carry all that axe says out of the page takes longer than to find it.
_RUN = """async tags => {
  const { violations } = await axe.run({ resultTypes: ['violations'], preload: false, runOnly: tags });
  return violations.flatMap(({ id, nodes }) => nodes.slice(0, 3).map(
    node => `${id}: ${JSON.stringify(node.target)} ${node.failureSummary.slice(0, 300)}`));
}"""


@cache
def _axe() -> str:
    return (importlib.resources.files("axe_playwright_python") / "axe.min.js").read_text("utf-8")


def faults_of(page: Page) -> list[str]:
    """Return what axe finds, and whether the page is wider than its window."""
    if not page.evaluate("'axe' in globalThis"):
        page.evaluate(_axe())
    found: list[str] = page.evaluate(_RUN, TAGS)
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return found + [f"wider than the window by {wide}"] * (wide > 0)


#: Language, theme and width: each width has both themes and both languages; colours do not depend on the language.
AXE = tuple(
    (language, theme, width)
    for width in WIDTHS
    for language, theme in ((("en", "light"), ("zh", "dark")) if width != 760 else (("zh", "light"), ("en", "dark")))
)
EVERYTHING = tuple(
    (language, theme, width) for language in ("en", "zh") for theme in ("light", "dark") for width in WIDTHS
)


def check_page(page: Page, widths: tuple[int, ...] = WIDTHS) -> None:
    """Hold the page that is shown to it all, without loading it again; leaves it light, English and wide.

    UDUP_AXE=all looks at every language in every theme at every width, in twice the time.
    """
    faults: list[str] = []
    for language, theme, width in EVERYTHING if os.environ.get("UDUP_AXE") == "all" else AXE:
        if width not in widths:
            continue
        page.evaluate(_LANGUAGE, language)
        page.evaluate(_THEME, theme)
        page.set_viewport_size({"width": width, "height": 900})
        faults += [f"{language} {theme} {width}: {fault}" for fault in faults_of(page)]
    page.evaluate(_LANGUAGE, "en")
    page.evaluate(_THEME, "light")
    page.set_viewport_size({"width": widths[0], "height": 900})
    assert not faults, "\n".join(faults)


def open_job(page: Page, world: World, job: str, tab: str) -> None:
    """Show a tab of a job of a real node."""
    page.goto(f"{world.node.url}/console/#/jobs/{job}/{tab}")


def until(page: Page, expression: str, seconds: float = 30) -> None:
    """Wait until an expression is true in the page; Playwright's own waiting needs `eval`, which the policy forbids."""
    deadline = time.monotonic() + seconds
    while not page.evaluate(expression):
        if time.monotonic() > deadline:
            raise AssertionError(f"it did not come to be within {seconds:g} s: {expression}")
        page.wait_for_timeout(50)


def until_holds(page: Page, holds: Callable[[], bool]) -> None:
    """Wait until what a test looks at outside of the page has come to be."""
    for _ in range(200):
        if holds():
            return
        page.wait_for_timeout(50)
    raise AssertionError("it did not come to be")
