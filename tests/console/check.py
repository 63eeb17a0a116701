"""What every page is held to: axe finds nothing, nothing is wider than the window, in both themes and languages."""

from __future__ import annotations

import importlib.resources
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page

WIDTHS = (1360, 760, 400)
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], "preload": False}

#: Texts, as the viewer sees them, with their English letters: names and SQL stand in elements of `code`, `.name`, ….
_THEME = "name => import('./core/theme.js').then(module => module.chooseTheme(name))"
_LANGUAGE = "name => import('./core/words.js').then(module => module.speak(name))"


@cache
def _axe() -> str:
    return (importlib.resources.files("axe_playwright_python") / "axe.min.js").read_text("utf-8")


def faults_of(page: Page) -> list[str]:
    """Return what axe finds, and whether the page is wider than its window."""
    page.evaluate(_axe())
    result: dict[str, Any] = page.evaluate("rules => axe.run(rules)", RULES)
    found = [
        f"{each['id']}: {node['target']} {node['failureSummary'][:300]}"
        for each in result["violations"]
        for node in each["nodes"][:3]
    ]
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return found + [f"wider than the window by {wide}"] * (wide > 0)


def check_page(page: Page, widths: tuple[int, ...] = WIDTHS) -> None:
    """Hold the page that is shown to it all, without loading it again; leaves it light, English and wide."""
    faults: list[str] = []
    for language in ("en", "zh"):
        page.evaluate(_LANGUAGE, language)
        for theme in ("light", "dark"):
            page.evaluate(_THEME, theme)
            for width in widths:
                page.set_viewport_size({"width": width, "height": 900})
                faults += [f"{language} {theme} {width}: {fault}" for fault in faults_of(page)]
    page.evaluate(_LANGUAGE, "en")
    page.evaluate(_THEME, "light")
    page.set_viewport_size({"width": widths[0], "height": 900})
    assert not faults, "\n".join(faults)
