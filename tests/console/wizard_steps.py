"""The wizard's steps as a person goes through them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.console.conftest import Fake
from tests.console.wizard_answers import PASSWORD, SOURCE, TARGET

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


def at_step(page: Page, fake: Fake, step: str, query: str = "") -> None:
    page.goto(fake.at(f"#/new/{step}{query}"))
    page.locator(".wizard").wait_for()


def end(page: Page, name: str) -> Locator:
    """Return the card of the source or the target."""
    return page.get_by_role("region", name=name, exact=True)


def type_server(page: Page, name: str, host: str, password: str = PASSWORD, user: str = "udup") -> None:
    card = end(page, name)
    card.get_by_label("Host").fill(host)
    card.get_by_label("User").fill(user)
    card.get_by_label("Password").fill(password)
    card.get_by_label("Password").press("Tab")  # a server is asked when the field is left


def type_servers(page: Page) -> None:
    type_server(page, "Source", SOURCE)
    type_server(page, "Target", TARGET)


def onward(page: Page, to: str) -> None:
    """Go to the next step, and wait for its heading."""
    page.locator(".onward button").click()
    page.get_by_role("heading", name=to, level=1).wait_for()


def to_tables(page: Page, fake: Fake) -> None:
    at_step(page, fake, "servers")
    type_servers(page)
    onward(page, "Which tables?")
    page.get_by_label("Replicate shop").wait_for()


def to_options(page: Page, fake: Fake) -> None:
    to_tables(page, fake)
    page.get_by_label("Replicate shop").check()
    page.get_by_text("FEDERATED: cannot be replicated").wait_for()
    onward(page, "How?")


def to_start(page: Page, fake: Fake) -> None:
    to_options(page, fake)
    onward(page, "Can it start?")
    page.get_by_text("The job can start.").wait_for()
    onward(page, "Start")


def focused(page: Page) -> str:
    """Return the ID of what has the focus, or its text."""
    found: str = page.evaluate("document.activeElement.id || document.activeElement.innerText")
    return found
