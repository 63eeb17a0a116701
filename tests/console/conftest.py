"""A browser, and a made-up node for it to look at. Errors of the console and requests elsewhere fail a test."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.console.browser import MISSING, browser, chromium
from tests.console.made_up import MadeUp, serve
from tests.end_to_end.conftest import following, name, node, pair, world
from tests.web.conftest import NODE_ID

__all__ = ["following", "name", "node", "pair", "world"]  # fixtures: here alone, so that all share the servers

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

#: Texts of errors of a page that a test has caused on purpose.
Allowed = list[str]


@pytest.fixture(scope="package")
def one_browser() -> Iterator[Browser]:
    """A browser for the tests of this folder alone: while it is driven, no other test can run an event loop."""
    if chromium() is None:
        pytest.skip(MISSING)
    with browser() as launched:
        yield launched


class Fake(MadeUp):
    """A made-up node with the address that it is served at."""

    url = ""
    world_node = NODE_ID

    def at(self, place: str, query: str = "") -> str:
        """Return the address of a page, such as `#/jobs`."""
        return f"{self.url}/console/{query}{place}"


@pytest.fixture
def make_fake() -> Iterator[Callable[..., Fake]]:
    """Makes a made-up node with so many jobs, tables, tokens."""
    servers = []

    def make(*args: object, **keys: object) -> Fake:
        fake = Fake(*args, **keys)  # type: ignore[arg-type]
        server = serve(fake)
        servers.append(server)
        fake.url = server.url
        return fake

    yield make
    for server in servers:
        server.stop()


@pytest.fixture
def fake_api(make_fake: Callable[..., Fake]) -> Fake:
    return make_fake()


@pytest.fixture
def allowed() -> Allowed:
    """Parts of error texts that are no fault in this test."""
    return []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Have the report of a test that failed tell what was on its page."""
    report = yield
    tab = getattr(item, "funcargs", {}).get("page")
    if report.failed and call.when == "call" and tab is not None:
        with suppress(Exception):  # the page may be gone
            report.sections.append(("page", f"{tab.url}\n{tab.locator('body').inner_text(timeout=5000)}"))
    return report


@pytest.fixture
def page(one_browser: Browser, allowed: Allowed, make_fake: Callable[..., Fake]) -> Iterator[Page]:
    """A tab: UTC, English, no motion; it fails where a word is missing. It is closed before its node stops."""
    context = one_browser.new_context(
        viewport={"width": 1360, "height": 900}, locale="en-GB", timezone_id="UTC", reduced_motion="reduce"
    )
    context.add_init_script("window.__udupStrict = true")
    tab = context.new_page()
    tab.set_default_timeout(60_000)  # for what a node does meanwhile, on a busy machine
    said: list[str] = []
    origins: set[str] = set()
    tab.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    tab.on("pageerror", lambda error: said.append(str(error.stack or error)))
    tab.on("request", lambda request: origins.add("/".join(request.url.split("/")[:3])))
    yield tab
    context.close()
    assert len({each for each in origins if each.startswith("http")}) <= 1, f"requests to other hosts: {origins}"
    faults = [text for text in said if not any(part in text for part in allowed)]
    assert not faults, "\n".join(faults)
