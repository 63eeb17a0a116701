"""A real node with two real servers, in a browser: the wizard makes a job, whose account is made by what it prints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.console.conftest import Allowed
from tests.console.wizard_steps import end, onward
from tests.end_to_end.conftest import NUMBERS, World, run, value, wait_for
from udup.sandbox.server import MysqlServer

if TYPE_CHECKING:
    from playwright.sync_api import Page


PASSWORD = "a secret of Wizard's 7!"
ROWS = 900


@pytest.fixture
def account(world: World, name: str) -> Iterator[str]:
    """The name of an account that is on neither server yet."""
    yield name[:30]
    for server in (world.source, world.target):
        run(server.endpoint, f"DROP USER IF EXISTS '{name[:30]}'@'%'")


@pytest.fixture
def tables(world: World, name: str) -> None:
    world.on_source(
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.t (id INT PRIMARY KEY, a VARCHAR(20), KEY (a))",
        f"INSERT INTO {name}.t {NUMBERS.format(ROWS)} SELECT n, CONCAT('row ', n) FROM n",
        f"CREATE TABLE {name}.u (id INT PRIMARY KEY)",
        f"INSERT INTO {name}.u VALUES (1), (2)",
        f"CREATE TABLE {name}.without (a INT)",
        f"INSERT INTO {name}.without VALUES (5), (5)",
    )


def _type(page: Page, side: str, server: MysqlServer, user: str, password: str) -> None:
    card = end(page, side)
    card.get_by_label("Host").fill(server.endpoint.host)
    card.get_by_label("Port").fill(str(server.endpoint.port))
    card.get_by_label("User").fill(user)
    card.get_by_label("Password").fill(password)
    card.get_by_label("Password").press("Tab")


def _open(page: Page, world: World, place: str) -> None:
    page.goto(f"{world.node.url}/console/{place}")
    page.locator(".wizard").wait_for()


def _through_the_check(page: Page) -> None:
    page.get_by_text("The job can start.").wait_for()
    if page.get_by_label("I have read").count():
        page.get_by_label("I have read").check()
    onward(page, "Start")


def _start(page: Page, world: World, name: str) -> None:
    """Start the job from the page of the check, and see it follow its source."""
    _through_the_check(page)
    world.posted.add(name)
    page.get_by_role("button", name="Start job").click()
    page.wait_for_url(f"**/#/jobs/{name}")
    world.node.wait_stage(name)


def _make_account(page: Page, side: str, server: MysqlServer, schema: str) -> None:
    """Run the statements that the page shows, as a person pastes them, and see that they name the schema alone."""
    card = end(page, side)
    card.get_by_text("Account and privileges").click()
    block = card.locator(".command code").first
    block.get_by_text(schema).wait_for()
    text = block.inner_text().replace("put the password here", PASSWORD.replace("'", "''"))
    assert "ALL PRIVILEGES" not in text
    run(server.endpoint, *(each.strip() for each in text.split(";\n") if each.strip(" ;")))
    card.get_by_role("button", name="Test again").click()
    card.get_by_text("Connected in").wait_for()


@pytest.mark.usefixtures("tables")
def test_a_job_is_made_by_clicking_with_an_account_of_the_statements_that_are_shown(
    world: World, name: str, account: str, page: Page, allowed: Allowed
) -> None:
    root = world.source.endpoint
    _open(page, world, "#/new/servers")
    for side, server in (("Source", world.source), ("Target", world.target)):
        _type(page, side, server, root.user, server.endpoint.password)
        end(page, side).get_by_text("Connected in").wait_for()
    onward(page, "Which tables?")
    page.get_by_label(f"Replicate {name}", exact=True).check()
    page.get_by_text("No key: changed rows are searched for in the whole table").wait_for()

    page.get_by_role("link", name="Servers (done)").click()
    for side, server in (("Source", world.source), ("Target", world.target)):
        _type(page, side, server, account, PASSWORD)
        end(page, side).get_by_text("Access denied").first.wait_for()
        _make_account(page, side, server, name)
    onward(page, "Which tables?")
    assert page.get_by_label(f"Replicate {name}", exact=True).is_checked()
    onward(page, "How?")
    onward(page, "Can it start?")
    _through_the_check(page)
    assert page.get_by_label("ID").input_value() == name
    world.posted.add(name)
    page.get_by_role("button", name="Start job").click()
    page.wait_for_url(f"**/#/jobs/{name}")
    world.runs(name)
    world.on_source(f"INSERT INTO {name}.t VALUES (0, 'later')")
    world.level_and_equal(name, name)
    [source, target] = world.node.job(name)["Tasks"]
    assert source["Config"]["ReplicateDoDb"] == [{"TableSchema": name}]
    assert target["Config"]["ConnectionConfig"]["User"] == account
    assert PASSWORD not in page.evaluate("JSON.stringify({...sessionStorage})")


@pytest.mark.usefixtures("tables")
def test_a_table_is_added_to_a_job_that_runs(world: World, name: str, page: Page, allowed: Allowed) -> None:
    chosen = {"ReplicateDoDb": [{"TableSchema": name, "Tables": [{"TableName": "t"}]}]}
    document = world.document(name, [name])
    document["Tasks"][0]["Config"].update(chosen)
    world.post(document)
    world.runs(name)
    _open(page, world, f"#/new/tables?job={name}&for=add")
    assert page.get_by_label("Replicate t", exact=True).is_disabled()
    page.get_by_label("Replicate u", exact=True).check()
    onward(page, "Can it start?")
    _through_the_check(page)
    page.get_by_role("button", name="Add tables").click()
    page.wait_for_url(f"**/#/jobs/{name}")
    world.on_source(f"INSERT INTO {name}.u VALUES (3)", f"DROP TABLE {name}.without")
    wait_for(lambda: world.node.job(name)["Growing"] is None, lambda: world.node.job(name)["Growing"])
    world.level_and_equal(name, name)


def test_a_mariadb_is_chosen_like_a_mysql(
    mariadb_source: MysqlServer, world: World, name: str, page: Page, allowed: Allowed
) -> None:
    run(
        mariadb_source.endpoint,
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.t (id INT PRIMARY KEY)",
        f"INSERT INTO {name}.t VALUES (1)",
    )
    try:
        _open(page, world, "#/new/servers")
        for side, server in (("Source", mariadb_source), ("Target", world.target)):
            _type(page, side, server, server.endpoint.user, server.endpoint.password)
        end(page, "Source").get_by_text("MariaDB").first.wait_for()
        onward(page, "Which tables?")
        page.get_by_label(f"Replicate {name}", exact=True).check()
        onward(page, "How?")
        onward(page, "Can it start?")
        _start(page, world, name)
        run(mariadb_source.endpoint, f"INSERT INTO {name}.t VALUES (2)")
        wait_for(
            lambda: value(world.target.endpoint, f"SELECT COUNT(*) FROM {name}.t") == 2, lambda: world.node.job(name)
        )
    finally:
        world.forget_all()
        run(mariadb_source.endpoint, f"DROP DATABASE {name}")


@pytest.mark.usefixtures("tables")
def test_a_subscription_to_the_nodes_own_stream_is_made_by_clicking(
    world: World, name: str, page: Page, allowed: Allowed
) -> None:
    root = world.source.endpoint
    _open(page, world, "#/new/servers")
    _type(page, "Source", world.source, root.user, root.password)
    page.get_by_label("What it is").select_option("NATS")
    page.get_by_label("Prefix").fill(name)
    onward(page, "Which tables?")
    page.get_by_label(f"Replicate {name}", exact=True).check()
    onward(page, "How?")
    onward(page, "Can it start?")
    _start(page, world, name)
    job = world.node.job(name)
    assert job["Type"] == "subscribe" and job["Tasks"][1]["Driver"] == "NATS"
