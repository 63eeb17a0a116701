"""A real node with two real servers, in a browser: a job that stops at a row goes on by its remedies, a table is loaded
again, and the document is changed and reverted, all by clicking.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.console.check import open_job, until
from tests.end_to_end.conftest import World, value, wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_a_job_that_has_stopped_at_a_row_goes_on_by_the_remedies_on_its_page(
    following: World, name: str, page: Page
) -> None:
    world = following
    world.on_target(f"DELETE FROM {name}.t WHERE id = 2")
    world.on_source(f"UPDATE {name}.t SET a = 20 WHERE id = 2")
    world.failure(name)
    open_job(page, world, name, "tables")
    card = page.locator(".fail")
    card.get_by_role("heading", name=f"A row is missing on the target: {name}.t").wait_for()
    assert f"udup job repair {name} {name}.t" in card.inner_text()
    page.locator(".job-tables").get_by_text("Differs").wait_for()
    card.get_by_role("button", name="Repair…", exact=True).click()
    dialog = page.get_by_role("dialog")
    assert "every row" in dialog.inner_text() and "that differs is written" in dialog.inner_text()
    dialog.get_by_role("button", name="Repair", exact=True).click()
    page.wait_for_url("**/compare")
    wait_for(lambda: value(world.target.endpoint, f"SELECT COUNT(*) FROM {name}.t") == 3, lambda: world.node.job(name))
    page.locator(".tabs").get_by_text("Tables").click()
    card.get_by_role("button", name="Resume", exact=True).click()
    card.wait_for(state="detached")
    world.level_and_equal(name, name)
    page.locator(".title").get_by_text("Running").wait_for()
    page.locator(".tabs").get_by_text("Events").click()
    page.get_by_text("A failure that is over").wait_for()


def test_a_document_is_changed_and_reverted_and_a_table_loaded_again_by_clicking(
    following: World, name: str, page: Page
) -> None:
    world = following
    open_job(page, world, name, "document")
    page.locator("#document-json").wait_for()
    written = page.locator("#document-json").input_value()
    page.locator("#document-json").fill(written.replace(f'"Name": "{name}"', '"Name": "Another name"'))
    page.get_by_role("button", name="Apply…").click()
    page.get_by_role("dialog").get_by_role("button", name="Apply", exact=True).click()
    page.get_by_text("The job goes by this document now.").wait_for()
    page.get_by_role("heading", name="Another name").wait_for()
    page.locator(".versions > li").nth(1).get_by_role("button", name="Revert").click()
    page.get_by_role("dialog").get_by_role("button", name="Revert", exact=True).click()
    wait_for(lambda: world.node.job(name)["Name"] == name, lambda: world.node.job(name))
    page.get_by_role("heading", name=name, exact=True).wait_for()
    world.runs(name)

    page.locator(".tabs").get_by_text("Tables").click()
    page.get_by_role("button", name=f"Actions for {name}.t").click()
    page.get_by_role("menuitem", name="Reload…").click()
    page.get_by_role("dialog").get_by_role("textbox").fill("t")
    page.get_by_role("dialog").get_by_role("button", name="Drop and reload").click()
    until(page, "/\\w/.test(document.querySelector('.act-answer').textContent)")
    told = page.locator(".act-answer")
    told.get_by_text("the node has taken it").or_(told.get_by_role("button", name="Dismiss")).first.wait_for()
    assert "the node has taken it" in told.inner_text(), told.inner_text()
    page.locator(".events").get_by_text("Tables are loaded again").wait_for()
    wait_for(lambda: world.node.job(name)["Growing"] is None, lambda: world.node.job(name))
    world.level_and_equal(name, name)
