"""A real node in a browser: it is killed and comes back, it stops, and what it shows are its own jobs and processes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.console.check import check_page
from udup.base.endpoint import Endpoint
from udup.sandbox.api import job_document
from udup.sandbox.node import UdupNode

if TYPE_CHECKING:
    from playwright.sync_api import Page

#: A token of each kind.
TOKEN, READ_TOKEN = "a-token-that-may-write", "a-token-that-may-read"
SETTINGS = f'read_token = "{READ_TOKEN}"'

#: Nothing listens there: the job waits for both servers.
NOWHERE, NOWHERE_ELSE = (Endpoint("127.0.0.1", port, "udup", "none") for port in (1, 2))


def _document() -> Any:
    return {**job_document("console-real", NOWHERE, NOWHERE_ELSE, ["shop"]), "ID": "console-real"}


def _sign_in(page: Page, node: UdupNode, place: str, token: str) -> None:
    page.goto(f"{node.url}/")
    page.get_by_label("API token").fill(token)
    page.get_by_role("button", name="Sign in").click()
    page.locator("main h1").wait_for()
    page.goto(f"{node.url}/console/{place}")


@pytest.mark.timeout(300)
def test_a_node_that_is_killed_is_told_within_twelve_seconds_and_all_goes_on(
    server_folder: Path, page: Page, allowed: list[str]
) -> None:
    allowed += ["401", "ERR_"]
    with UdupNode(server_folder / "console-node", token=TOKEN, settings=SETTINGS) as node:
        node.post_job(_document())
        _sign_in(page, node, "#/jobs", TOKEN)
        row = page.locator('tr[data-job="console-real"]')
        row.get_by_text("Reconnecting").wait_for()
        row.get_by_text("Waits for source and target").wait_for()
        page.locator(".heard", has_text="Live").wait_for()
        check_page(page, widths=(1360,))

        killed = time.monotonic()
        node.kill()
        page.locator(".banner", has_text="Not heard for").wait_for()
        took = time.monotonic() - killed
        print(f"a node that was killed: banner after {took:.1f} s")
        assert took < 20  # 12 on a quiet machine
        node.end_leftovers()
        node.start()
        page.locator(".banner").wait_for(state="detached")
        row.get_by_text("Reconnecting").wait_for()

        page.goto(f"{node.url}/console/#/processes")
        page.get_by_role("treegrid").get_by_role("link", name="console-real").wait_for()
        page.get_by_role("button", name="Acts on Supervisor").click()
        page.get_by_role("menuitem", name="Stacks").click()
        assert "thread" in page.get_by_role("region", name="Stacks").inner_text().lower()
        page.keyboard.press("Escape")
        page.goto(f"{node.url}/console/#/nodes")
        page.get_by_text("Ready: its job store").wait_for()
        page.goto(f"{node.url}/console/#/settings")
        page.get_by_text("may change everything").wait_for()
        page.get_by_text("DataDir", exact=True).wait_for()

        page.reload()  # the token was in memory alone
        page.get_by_label("API token").fill(READ_TOKEN)
        page.get_by_role("button", name="Sign in").click()
        page.locator(".tag", has_text="read only").wait_for()
