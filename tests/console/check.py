"""What every page is held to: axe finds nothing, nothing is wider than the window, in both themes and languages."""

from __future__ import annotations

import importlib.resources
import os
import re
import time
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.end_to_end.conftest import World

WIDTHS = (1360, 760, 400)
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

#: Rules whose answer a language or a theme may change, where the width is the same: of names, colours and sizes. The
#: others look at elements, roles and attributes, which neither changes; a width may hide some of them.
BY_LANGUAGE_OR_THEME = re.compile(
    r"color-contrast|link-in-text-block|label|name$|alt$|title|lang|target-size|scrollable|empty-|text|duplicate|unique"
)

#: Texts, as the viewer sees them, with their English letters: names and SQL stand in elements of `code`, `.name`, ….
_THEME = "name => import('./core/theme.js').then(module => module.chooseTheme(name))"
_LANGUAGE = "name => import('./core/words.js').then(module => module.speak(name))"

#: Returns what breaks the rules, as lines: all rules but those `without`, and where these have the contrast, that of
#: one text for each look.
_RUN = """async ({ tags, without }) => {
  const options = { resultTypes: ['violations'], preload: false };
  const said = found => found.violations.flatMap(({ id, nodes }) => nodes.slice(0, 3).map(
    node => `${id}: ${JSON.stringify(node.target)} ${node.failureSummary.slice(0, 300)}`));
  const rules = Object.fromEntries(without.map(rule => [rule, { enabled: false }]));
  const faults = said(await axe.run({ ...options, runOnly: tags, rules }));
  const looks = without.includes('color-contrast') ? looksOf(document.body) : [];
  if (!looks.length) return faults;
  return [...faults, ...said(await axe.run({ include: looks }, { ...options, runOnly: ['color-contrast'] }))];
}"""

#: Defines what returns an element for each look: its kind, the colours and sizes of its text, and all that is painted
#: behind it. One that others cover, or that is out of sight, does not stand for one that is seen.
_LOOKS = """() => { window.looksOf = body => {
  const behind = new Map([[null, '']]), looks = new Map();
  const backOf = element => {
    if (!behind.has(element)) {
      const { backgroundColor, backgroundImage, opacity, filter, mixBlendMode } = getComputedStyle(element);
      const own = [backgroundColor, backgroundImage, opacity, filter, mixBlendMode].join();
      const plain = own === 'rgba(0, 0, 0, 0),none,1,none,normal';
      behind.set(element, backOf(element.parentElement) + (plain ? '' : `|${own}`));
    }
    return behind.get(element);
  };
  for (const element of body.querySelectorAll('*')) {
    const texts = [...element.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim());
    if (!(texts || element.matches('input, select, textarea')) || !element.checkVisibility()) continue;
    const { x, y, width, height } = element.getBoundingClientRect();
    if (width < 2 || height < 2) continue;
    const isSeen = element.contains(document.elementFromPoint(x + width / 2, y + height / 2));
    const { color, fontSize, fontWeight, textShadow, position } = getComputedStyle(element);
    const disabled = element.closest(':disabled, [aria-disabled=true]') !== null;
    const kind = [element.tagName, element.className, isSeen, disabled, position];
    const look = [...kind, color, fontSize, fontWeight, textShadow, backOf(element)].join();
    if (!looks.has(look)) looks.set(look, element);
  }
  return [...looks.values()];
}; }"""


@cache
def _axe() -> str:
    return (importlib.resources.files("axe_playwright_python") / "axe.min.js").read_text("utf-8")


def faults_of(page: Page, *, is_first: bool = True, is_seen: bool = False) -> list[str]:
    """Return what axe finds, and whether the page is wider than its window.

    Where this is not the first look, the contrast of one text stands for all that look the same; where the page has
    been seen in this width, only those rules count that its language or theme may break.
    """
    known: list[str] = page.evaluate("globalThis.axe ? axe.getRules().map(rule => rule.ruleId) : []")
    if not known:
        page.evaluate(_axe())
        page.evaluate(_LOOKS)
        known = page.evaluate("axe.getRules().map(rule => rule.ruleId)")
    without = [] if is_first else ["color-contrast"]
    if is_seen:
        without += [rule for rule in known if not BY_LANGUAGE_OR_THEME.search(rule)]
    found: list[str] = page.evaluate(_RUN, {"tags": TAGS, "without": without})
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

    UDUP_AXE=all holds every text to every rule in every language and theme at every width, in several times the time.
    """
    everything = os.environ.get("UDUP_AXE") == "all"
    faults: list[str] = []
    seen: set[int] = set()
    for language, theme, width in EVERYTHING if everything else AXE:
        if width not in widths:
            continue
        page.evaluate(_LANGUAGE, language)
        page.evaluate(_THEME, theme)
        page.set_viewport_size({"width": width, "height": 900})
        found = faults_of(page, is_first=everything or not seen, is_seen=width in seen and not everything)
        faults += [f"{language} {theme} {width}: {fault}" for fault in found]
        seen.add(width)
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
