"""The documentation as a site, built once, served as a node serves it, and searched in a browser without a network."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.console.conftest import Fake
from udup.web.resources import console

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site as `make docs` does: a warning, such as a page that no other leads to, is an error."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-E", "-b", "html", "-d"]
    command += [str(folder / "doctrees"), str(ROOT / "docs"), str(folder / "html")]
    built = subprocess.run(command, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return folder / "html"


@pytest.fixture
def address(site: Path, make_fake: Callable[..., Fake], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of the site at a node that asks everybody for a token."""
    monkeypatch.setattr(console, "SITE", site)
    yield f"{make_fake(tokens={'token-that-writes': 'write'}).url}/docs"


def test_the_site_is_searched_offline_under_its_policy(page: Page, address: str) -> None:
    page.goto(f"{address}/")
    assert page.get_by_role("heading", name="Udup").is_visible()
    field = page.get_by_role("search").get_by_placeholder("Search").first
    field.fill("completion shell")
    field.press("Enter")
    found = page.locator("#search-results")
    found.get_by_role("link", name="Install a node").first.click()
    page.wait_for_url("**/install.html*")
    assert page.get_by_role("heading", name="Completion in the shell").is_visible()


def test_pages_fit_a_narrow_screen(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 360, "height": 800})
    for name in ("index", "console", "comparison", "first-job"):
        page.goto(f"{address}/{name}.html")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, name


def test_the_site_is_dark_where_the_viewer_is(page: Page, address: str) -> None:
    page.emulate_media(color_scheme="dark")
    page.goto(f"{address}/")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert sum(int(part) for part in ground.strip("rgb()").split(",")) < 150, ground
