"""A newcomer's walk: the wheel in an empty environment, a node, and the rest by clicking, from the wizard to the end.

Nothing of the checkout's code runs in the node. Both servers are real.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.console.installed import Installed, install
from tests.console.wizard_steps import end, onward
from tests.end_to_end.conftest import NUMBERS, run, value, wait_for
from udup.sandbox.api import ApiClient
from udup.sandbox.server import MysqlServer
from udup.verify.compare import compare

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


PASSWORD = "the newcomer's 1st!"

Pair = tuple[MysqlServer, MysqlServer]


@pytest.fixture
def installed(tmp_path: Path) -> Installed:
    return install(tmp_path)


@pytest.fixture
def node(installed: Installed) -> Iterator[ApiClient]:
    installed.run("udup", "init")
    with installed.server() as api:
        yield api


@pytest.fixture
def servers(pair: Pair, name: str) -> Iterator[Pair]:
    """Two servers, a schema on the source; afterwards open for everybody again, and without the account."""
    run(
        pair[0].endpoint,
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.sale (id INT PRIMARY KEY, what VARCHAR(20))",
        f"INSERT INTO {name}.sale {NUMBERS.format(500)} SELECT n, CONCAT('thing ', n) FROM n",
    )
    yield pair
    for server in pair:
        run(
            server.endpoint,
            "SET GLOBAL super_read_only = OFF",
            "SET GLOBAL read_only = OFF",
            f"DROP USER IF EXISTS '{name}'@'%'",
        )


class Newcomer:
    """Somebody who has a browser and a client of each server."""

    def __init__(self, page: Page, api: ApiClient, servers: Pair, job: str) -> None:
        self.page, self.api, self.servers, self.job = page, api, servers, job
        self.source, self.target = servers

    def makes_accounts_as_shown(self) -> None:
        for side, server in zip(("Source", "Target"), self.servers, strict=True):
            card = end(self.page, side)
            card.get_by_label("Host").fill(server.endpoint.host)
            card.get_by_label("Port").fill(str(server.endpoint.port))
            card.get_by_label("User").fill(self.job)
            card.get_by_label("Password").fill(PASSWORD)
            card.get_by_label("Password").press("Tab")
        for side, server in zip(("Source", "Target"), self.servers, strict=True):
            card = end(self.page, side)
            card.get_by_text("Access denied").first.wait_for()
            self._pastes(server, self._statements(card))
            card.get_by_role("button", name="Test again").click()
            card.get_by_text("Connected in").wait_for()

    def chooses_and_starts(self) -> None:
        page = self.page
        onward(page, "Which tables?")
        page.get_by_label(f"Replicate {self.job}", exact=True).check()
        onward(page, "How?")
        onward(page, "Can it start?")
        page.get_by_text("The job can start.").wait_for()
        if page.get_by_label("I have read").count():
            page.get_by_label("I have read").check()
        onward(page, "Start")
        page.get_by_role("button", name="Start job").click()
        page.wait_for_url(f"**/#/jobs/{self.job}")
        self.sees("Running")

    def sees(self, state: str) -> None:
        self.page.locator(".head .title", has_text=state).wait_for()

    def mends_what_somebody_broke(self) -> None:
        page = self.page
        run(self.target.endpoint, f"DELETE FROM {self.job}.sale WHERE id = 7")
        run(self.source.endpoint, f"UPDATE {self.job}.sale SET what = 'another' WHERE id = 7")
        self.sees("Diverged")
        card = page.get_by_role("region", name=f"A row is missing on the target: {self.job}.sale")
        best = card.locator("li.fix", has_text="recommended")
        best.get_by_role("button", name="Repair…").click()
        page.get_by_role("dialog").get_by_role("button", name="Repair", exact=True).click()
        page.get_by_role("button", name="Resume the job").click()
        self.sees("Running")
        page.get_by_role("button", name="Compare now").click()
        page.get_by_text("All is equal", exact=True).wait_for()
        comparison = compare(self.source.endpoint, self.target.endpoint, [self.job])
        assert comparison.equal, comparison.report()

    def cuts_over(self) -> None:
        page = self.page
        page.get_by_role("link", name="Cut over…").click()
        page.get_by_role("button", name="Dry run").click()
        page.get_by_role("heading", name="Dry run: something is in the way").wait_for()
        for fault in page.locator("li.failed li").all():
            is_of_source = f":{self.source.endpoint.port}" in fault.locator("p").first.inner_text()
            self._pastes(self.source if is_of_source else self.target, fault.locator(".command code").inner_text())
        page.get_by_role("button", name="Dry run").click()
        page.get_by_role("heading", name="Dry run: it could begin").wait_for()
        page.get_by_role("button", name="Cut over…").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("textbox").fill(self.job)
        dialog.get_by_role("button", name="Cut over", exact=True).click()
        page.get_by_role("heading", name="Done: the target is the new server").wait_for()
        assert value(self.source.endpoint, "SELECT @@GLOBAL.read_only") == 1
        run(self.target.endpoint, f"INSERT INTO {self.job}.sale VALUES (0, 'of an application')")
        back = page.locator(".outcome").get_by_role("link").inner_text()
        page.locator(".outcome").get_by_role("link").click()
        self.sees("Running")
        came = f"SELECT COUNT(*) FROM {self.job}.sale WHERE id = 0"
        wait_for(lambda: value(self.source.endpoint, came) == 1, lambda: self.api.job(back))
        self.deletes(back)

    def deletes(self, job: str) -> None:
        """Delete the job of the page with its checkpoint, which is confirmed by typing its name."""
        page = self.page
        page.get_by_role("button", name="More actions").click()
        page.get_by_role("menuitem", name="Delete with checkpoint…").click()
        dialog = page.get_by_role("dialog")
        delete = dialog.get_by_role("button", name="Delete with checkpoint", exact=True)
        assert delete.is_disabled(), "nothing is typed yet"
        dialog.get_by_label(f"Type {job} to confirm").fill(job)
        delete.click()
        page.wait_for_url("**/#/jobs")
        page.locator(f'tr[data-job="{job}"]').wait_for(state="detached")

    def reads_on(self, *, is_built: bool) -> None:
        """Search in the documentation that came with the wheel, or be told how it gets there."""
        if is_built:
            self.page.goto(f"{self.api.url}/docs/search.html?q=checkpoint")
            self.page.locator("#search-results li a").first.wait_for()
        else:
            told = httpx.get(f"{self.api.url}/docs/", timeout=20)
            assert told.status_code == 404 and "make docs" in told.text

    def _statements(self, card: Locator) -> str:
        card.get_by_text("Account and privileges").click()
        block = card.locator(".command code").first
        block.get_by_text("CREATE USER").wait_for()
        return block.inner_text()

    def _pastes(self, server: MysqlServer, text: str) -> None:
        text = text.replace("put the password here", PASSWORD.replace("'", "''"))
        run(server.endpoint, *(each.strip() for each in text.split(";\n") if each.strip(" ;")))


@pytest.mark.timeout(600)
def test_a_newcomer_comes_from_a_wheel_to_a_cut_over_by_clicking(
    installed: Installed, node: ApiClient, servers: Pair, name: str, page: Page
) -> None:
    code = Path(installed.run("python", "-c", "import udup; print(udup.__file__)").strip())
    assert code.is_relative_to(installed.folder), "the node runs what the wheel has brought"
    newcomer = Newcomer(page, node, servers, name)
    page.goto(f"{node.url}/")
    page.get_by_role("link", name="New job").first.click()
    page.locator(".wizard").wait_for()
    newcomer.makes_accounts_as_shown()
    newcomer.chooses_and_starts()
    newcomer.mends_what_somebody_broke()
    newcomer.cuts_over()
    page.goto(f"{node.url}/console/#/jobs/{name}")
    newcomer.sees("Completed")
    newcomer.deletes(name)
    newcomer.reads_on(is_built=(code.parent / "web" / "site").is_dir())
