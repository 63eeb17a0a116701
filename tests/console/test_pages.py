"""Nodes, processes, settings, and an address that is none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.console.check import check_page, until
from tests.console.conftest import Fake

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow


def _open(page: Page, fake: Fake, place: str, heading: str) -> None:
    page.goto(fake.at(place))
    page.get_by_role("heading", name=heading, exact=True, level=1).wait_for()


def test_nodes_that_are_not_heard_stand_first(page: Page, fake_api: Fake) -> None:
    _open(page, fake_api, "#/nodes", "Nodes")
    page.locator("tbody tr").first.wait_for()
    assert "udup-2" in page.locator("tbody tr").first.inner_text()
    assert "Another node takes its jobs" in page.locator("tbody tr").first.inner_text()
    page.get_by_text("2 jobs wait for the target").wait_for()
    page.get_by_text("GiB").first.wait_for()
    check_page(page)


def test_a_node_shows_its_jobs_and_is_drained_after_a_question(page: Page, fake_api: Fake) -> None:
    node = fake_api.world_node
    drained: list[str] = []
    fake_api.answers["PUT", f"node/{node}/drain"] = lambda request: drained.append(request.word("enable"))
    _open(page, fake_api, f"#/nodes/{node}", "udup-1")
    page.get_by_role("heading", name="Jobs of this node").wait_for()
    page.get_by_role("button", name="Drain…").click()
    dialog = page.get_by_role("dialog", name="Drain udup-1?")
    dialog.wait_for()
    assert page.evaluate("document.activeElement.textContent") == "Cancel"
    assert "udup cluster drain udup-1" in dialog.inner_text()
    page.keyboard.press("Enter")
    dialog.wait_for(state="detached")
    assert drained == []
    page.get_by_role("button", name="Drain…").click()
    check_page(page, widths=(1360, 400))
    dialog.get_by_role("button", name="Drain", exact=True).click()
    dialog.wait_for(state="detached")
    until(page, "!document.querySelector('[aria-busy=true]')")
    assert drained == ["true"]


def test_the_tree_of_actors_is_walked_by_keys(page: Page, fake_api: Fake) -> None:
    _open(page, fake_api, "#/processes", "Processes")
    grid = page.get_by_role("treegrid")
    grid.wait_for()
    page.locator("tr[data-key='supervisor::0']").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("End")
    assert page.evaluate("document.activeElement.getAttribute('aria-level')") == "4"
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.dataset.key").startswith("applier:")
    page.keyboard.press("ArrowLeft")
    until(page, "document.activeElement.getAttribute('aria-expanded') === 'false'")
    check_page(page)


def test_stacks_are_shown_and_a_kill_is_asked_about(page: Page, fake_api: Fake) -> None:
    _open(page, fake_api, "#/processes", "Processes")
    acts = page.get_by_role("button", name="Acts on Supervisor 71")
    acts.click()
    page.keyboard.press("Enter")
    page.get_by_text("supervisor.py:120 receive").wait_for()
    check_page(page, widths=(1360, 400))
    page.keyboard.press("Escape")
    acts.click()
    page.get_by_role("menuitem", name="Kill…").click()
    dialog = page.get_by_role("dialog", name="Kill Supervisor 71?")
    assert "udup admin kill 71" in dialog.inner_text()
    dialog.get_by_role("button", name="Kill", exact=True).click()
    dialog.wait_for(state="detached")
    for _ in range(100):
        if fake_api.sent:
            break
        page.wait_for_timeout(50)
    assert fake_api.sent[0][:2] == ("PUT", "agent/actor/71/kill")


def test_settings_are_chosen_and_kept(page: Page, fake_api: Fake) -> None:
    _open(page, fake_api, "#/settings", "Settings")
    page.get_by_text("preact", exact=True).wait_for()
    check_page(page)
    page.get_by_role("radio", name="Dark").check()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.get_by_role("radio", name="中文").check()
    page.get_by_role("heading", name="设置", exact=True, level=1).wait_for()
    assert page.evaluate("document.documentElement.lang") == "zh-Hans"
    page.get_by_label("单字母快捷键").uncheck()
    page.reload()
    page.get_by_role("heading", name="设置", exact=True, level=1).wait_for()
    page.keyboard.press("g")
    page.keyboard.press("n")
    page.wait_for_timeout(200)
    assert page.url.endswith("#/settings")


def test_an_address_that_no_page_has_says_so(page: Page, fake_api: Fake) -> None:
    _open(page, fake_api, "#/nothing", "There is no such page")
    check_page(page, widths=(1360, 400))
    page.get_by_role("link", name="To the jobs").click()
    page.wait_for_selector("tr[data-job]")


def test_nothing_scrolls_sideways_on_320_pixels(page: Page, fake_api: Fake) -> None:
    page.set_viewport_size({"width": 320, "height": 700})
    for place in ("#/jobs", "#/nodes", "#/processes", "#/settings"):
        page.goto(fake_api.at(place))
        page.locator("main h1").wait_for()
        until(page, "!document.querySelector('.skeleton')")
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, place


def test_the_skip_link_comes_first_and_leads_to_the_page(page: Page, fake_api: Fake) -> None:
    _open(page, fake_api, "#/settings", "Settings")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    assert re.search(r"#/settings$", page.url)
