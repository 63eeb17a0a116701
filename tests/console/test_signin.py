"""Tokens: asked for, kept as the viewer wishes, refused later without a loss; and those that may only read."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.console.check import check_page, until
from tests.console.conftest import Allowed, Fake
from tests.console.made_up import READ_TOKEN, TOKEN

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow


@pytest.fixture
def guarded(make_fake: Callable[..., Fake], allowed: Allowed) -> Fake:
    allowed.append("401")
    return make_fake(tokens={TOKEN: "write", READ_TOKEN: "read"})


def _sign_in(page: Page, token: str, *, keep: bool = False) -> None:
    page.get_by_label("API token").fill(token)
    if keep:
        page.get_by_label("Keep until this tab is closed").check()
    page.get_by_role("button", name="Sign in").click()


def test_a_wrong_token_is_told_and_a_right_one_lets_in(page: Page, guarded: Fake) -> None:
    page.goto(guarded.at("#/jobs?show=healing"))
    page.get_by_role("heading", name="Sign in").wait_for()
    _sign_in(page, "wrong")
    page.get_by_text("This token is not accepted").wait_for()
    check_page(page)
    _sign_in(page, TOKEN)
    page.wait_for_selector("tr[data-job=warehouse]")  # the address was kept
    assert TOKEN not in page.url
    page.reload()
    page.get_by_role("heading", name="Sign in").wait_for()  # it was in memory alone
    _sign_in(page, TOKEN, keep=True)
    page.wait_for_selector("tr[data-job]")
    page.reload()
    page.wait_for_selector("tr[data-job]")
    assert page.context.cookies() == []


def test_a_token_that_expires_leaves_the_page_and_what_was_typed(page: Page, guarded: Fake) -> None:
    page.goto(guarded.at("#/jobs"))
    _sign_in(page, TOKEN)
    page.wait_for_selector("tr[data-job]")
    page.get_by_role("searchbox").fill("pay")
    until(page, "document.querySelectorAll('tr[data-job]').length === 1")
    guarded.tokens = {"another-token": "write"}
    guarded.streams.close()  # the next request is refused
    page.get_by_role("heading", name="Your token is no longer accepted").wait_for(timeout=20_000)
    assert page.get_by_role("searchbox", include_hidden=True).input_value() == "pay"
    check_page(page, widths=(1360, 400))
    _sign_in(page, "another-token")
    page.locator(".later").wait_for(state="detached")
    assert page.get_by_role("searchbox").input_value() == "pay"
    guarded.streams.change("payments", LagMs=4200)
    until(page, "document.querySelector('tr[data-job=payments] td.num').textContent === '4.2 s'")


def test_who_may_only_read_sees_all_and_no_act(page: Page, guarded: Fake) -> None:
    page.goto(guarded.at("#/jobs"))
    _sign_in(page, READ_TOKEN)
    page.wait_for_selector("tr[data-job]")
    assert page.locator(".tag", has_text="read only").is_visible()
    assert page.get_by_role("link", name=re.compile("New job")).count() == 0
    page.keyboard.press("n")
    assert "#/jobs" in page.url
    page.goto(guarded.at("#/processes"))  # the same document: the token is in memory
    page.get_by_role("heading", name="Processes").wait_for()
    page.get_by_role("button", name=re.compile("Acts on Supervisor")).click()
    page.get_by_role("menuitem", name="Stacks").wait_for()
    assert page.get_by_role("menuitem").count() == 1
    assert guarded.sent == []


def test_signing_out_forgets_the_token(page: Page, guarded: Fake) -> None:
    page.goto(guarded.at("#/settings"))
    _sign_in(page, TOKEN, keep=True)
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", name="Sign in").wait_for()
    page.reload()
    page.get_by_role("heading", name="Sign in").wait_for()
