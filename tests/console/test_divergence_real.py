"""A real node with two real servers, in a browser: rows that were changed behind the job's back are found, shown and
repaired by clicking, and the job goes on; a cut-over goes on while nobody looks; a subscription is followed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.console.check import open_job
from tests.end_to_end.conftest import World, run, value, wait_for
from udup.drivers.mysql.client.connection import connect, query

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


def test_what_was_changed_behind_the_jobs_back_is_found_shown_and_repaired_by_clicking(
    following: World, name: str, page: Page
) -> None:
    world = following
    world.on_target(f"UPDATE {name}.t SET a = 9 WHERE id = 1", f"INSERT INTO {name}.t VALUES (7, 7)")
    open_job(page, world, name, "compare")
    page.get_by_role("button", name="Compare now").click()
    rows = page.get_by_role("region", name="Rows that differ", exact=True)
    rows.get_by_text("2 open").wait_for()
    rows.get_by_role("button", name=f"Show {name}.t 1", exact=True).click()
    differing = rows.get_by_role("table", name=f"Columns of {name}.t 1").locator("tr.unequal")
    differing.wait_for()
    assert differing.inner_text().split() == ["a", "1", "≠", "not", "equal", "9"]

    rows.get_by_role("button", name="Repair all…").click()
    page.get_by_role("dialog").get_by_role("button", name="Write 2 rows").click()
    page.get_by_role("heading", name="Rows were repaired").wait_for()
    page.get_by_role("button", name="Compare now").click()
    page.get_by_text("All is equal", exact=True).wait_for()
    world.level_and_equal(name, name)

    world.on_target(f"DELETE FROM {name}.t WHERE id = 2")
    world.on_source(f"UPDATE {name}.t SET a = 20 WHERE id = 2", f"INSERT INTO {name}.t VALUES (8, 8)")
    world.failure(name)
    rows.get_by_role("button", name=f"Repair {name}.t…").click()
    page.get_by_role("dialog").get_by_role("button", name="Compare and repair").click()
    rows.get_by_role("button", name="Resume the job").click()
    wait_for(lambda: world.node.job(name)["Stage"] != "failed", lambda: world.node.job(name))
    world.runs(name)
    world.level_and_equal(name, name)
    page.get_by_role("button", name="Compare now").click()
    page.get_by_text("All is equal", exact=True).wait_for()


@pytest.fixture
def closed_later(following: World) -> Iterator[World]:
    """Its servers are open to everybody again before anything of them is dropped."""
    yield following
    for server in (following.source, following.target):
        run(server.endpoint, "SET GLOBAL super_read_only = OFF", "SET GLOBAL read_only = OFF")


def test_a_cut_over_goes_on_while_the_browser_is_closed(
    closed_later: World, name: str, page: Page, one_browser: Browser, allowed: list[str]
) -> None:
    world = closed_later
    with closing(connect(world.target.endpoint, None, autocommit=False)) as holds:
        query(holds, f"UPDATE {name}.t SET a = a WHERE id = 1")
        world.on_source(f"UPDATE {name}.t SET a = 10 WHERE id = 1")
        open_job(page, world, name, "cutover")
        page.get_by_label("Create the way back").uncheck()
        page.get_by_role("button", name="Cut over…").last.click()
        page.get_by_role("dialog").get_by_role("textbox").fill(name)
        page.get_by_role("dialog").get_by_role("button", name="Cut over", exact=True).click()
        page.locator("li[aria-current=step]", has_text="Level").wait_for()
        page.get_by_text("1 transactions").wait_for()
        page.close()
        assert value(world.source.endpoint, "SELECT @@GLOBAL.super_read_only") == 1
        holds.rollback()
    again = one_browser.new_page()
    try:
        open_job(again, world, name, "cutover")
        again.get_by_role("heading", name="Done: the target is the new server").wait_for()
        again.locator("main").get_by_text("applications may write to").first.wait_for()
        assert again.get_by_role("button", name="Undo and go back").count() == 0
        assert again.get_by_text("Nobody could write for").is_visible()
    finally:
        again.close()
    assert value(world.target.endpoint, f"SELECT a FROM {name}.t WHERE id = 1") == 10


def test_what_a_subscription_delivers_passes_by_while_somebody_follows(world: World, name: str, page: Page) -> None:
    world.on_source(f"CREATE DATABASE {name}", f"CREATE TABLE {name}.t (id INT PRIMARY KEY, a DECIMAL(30, 10))")
    sink = {"Prefix": name, "NatsConfig": {"Stream": name.upper(), "Storage": "memory"}, "Snapshot": "never"}
    document = world.document(name, [name])
    document["Type"] = "subscribe"
    document["Tasks"][1] = {"Type": "Dest", "Driver": "NATS", "Config": sink}
    world.post(document)
    world.runs(name)
    page.goto(f"{world.node.url}/console/#/subscriptions")
    page.get_by_role("link", name=name).click()
    page.get_by_role("button", name="Follow").click()
    page.get_by_text("listening…").wait_for()
    number = 0

    def passes() -> bool:
        nonlocal number
        number += 1
        world.on_source(f"INSERT INTO {name}.t VALUES ({number}, 12345678901234567890.0123456789)")
        return page.locator(".tail-lines li").count() > 0

    wait_for(passes, lambda: world.node.job(name))
    page.locator(".tail-lines li button").first.click()
    event = page.get_by_role("region", name="The chosen event")
    event.get_by_role("button", name="JSON", exact=True).click()
    assert f'"{name}.{name}.t"' in event.locator("pre").inner_text()
