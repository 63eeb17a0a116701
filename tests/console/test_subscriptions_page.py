"""Subscriptions: the furthest behind first, the live tail of one, who may read the node's own streams."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest

from tests.console.acts_subscriptions import add_subscription, deliver, message
from tests.console.check import check_page, until
from tests.console.conftest import Fake

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow

USERS = [{"Name": "search", "Streams": ["SHOP1", "SHOP2"], "Missing": ["SHOP2"], "Since": "2026-11-25T19:03:08Z"}]


@pytest.fixture
def fake(fake_api: Fake) -> Fake:
    add_subscription(fake_api, "orders-events", 120)
    add_subscription(fake_api, "slow-events", 71_000)
    add_subscription(fake_api, "new-events", None, Shown="pending", Group="under_way")
    waits = {"Shown": "reconnecting", "Group": "healing", "Reason": "the sink 10.0.0.9:4222 takes nothing"}
    add_subscription(fake_api, "stuck-events", 30_000, **waits)
    fake_api.answers["GET", "nats/users"] = USERS
    return fake_api


def _tail(page: Page, fake: Fake) -> Page:
    page.goto(fake.at("#/subscriptions/orders-events"))
    page.get_by_role("heading", name="Live tail").wait_for()
    return page


def _follow(page: Page, fake: Fake) -> None:
    page.get_by_role("button", name="Follow").click()
    end = time.monotonic() + 10
    while "tail:orders-events" not in (fake.streams.asked or [""])[-1]:
        assert time.monotonic() < end, fake.streams.asked
        page.wait_for_timeout(50)


def test_what_waits_comes_first_then_the_furthest_behind(page: Page, fake: Fake) -> None:
    page.goto(fake.at("#/subscriptions"))
    listed = page.get_by_role("table", name="List of subscriptions").locator("tbody tr")
    listed.first.wait_for()
    names = [line.get_by_role("link").inner_text() for line in listed.all()]
    assert names == ["stuck-events", "slow-events", "orders-events", "new-events"]
    assert "takes nothing" in listed.first.inner_text()
    page.get_by_role("link", name="orders-events").click()
    page.get_by_role("heading", name="orders-events", level=1).wait_for()
    for text in ("27,372", "SHOP1"):
        page.locator("main").get_by_text(text).first.wait_for()


def test_the_tail_starts_paused_follows_when_asked_and_is_bounded(page: Page, fake: Fake) -> None:
    lines = _tail(page, fake).locator(".tail-lines li")
    page.get_by_text("Press Follow").wait_for()
    assert not any("tail:" in asked for asked in fake.streams.asked)
    with page.expect_request(lambda request: "tail:orders-events" in unquote(request.url)) as asked:
        _follow(page, fake)
    assert "table=" not in asked.value.url and "rate=20" in asked.value.url
    deliver(fake, "orders-events", [message(number) for number in range(520)], 1240)
    page.get_by_text("1,240/s, showing 20/s").wait_for()
    until(page, "document.querySelectorAll('.tail-lines li').length === 500")
    assert "id=519" in (lines.last.text_content() or "") and "id=20" in (lines.first.text_content() or "")
    page.get_by_role("region", name="Events, the newest last").evaluate("each => { each.scrollTop = 0; }")
    page.get_by_text("paused, 500 events kept").wait_for()


def test_one_table_is_asked_of_the_node_alone(page: Page, fake: Fake) -> None:
    _tail(page, fake)
    _follow(page, fake)
    table = page.get_by_role("region", name="Live tail").get_by_label("Table")
    table.press_sequentially("shop.")
    deliver(fake, "orders-events", [message(1)], 1)
    page.locator(".tail-lines li").wait_for()  # what passes meanwhile takes nothing from what is typed
    with page.expect_request(lambda request: "table=shop.items" in request.url):
        table.press_sequentially("items")
        table.press("Enter")
    assert table.input_value() == "shop.items"


def test_an_event_opens_before_and_after_and_as_json_with_every_digit(page: Page, fake: Fake) -> None:
    _tail(page, fake)
    _follow(page, fake)
    long = {**message(6), "Value": '{"before": null, "after": {"text": "' + "long " * 50}
    deliver(fake, "orders-events", [message(7, "c"), message(8, "u"), message(9, "d", "shop.items"), long])
    page.locator(".tail-lines li button").nth(1).press("Enter")
    event = page.get_by_role("region", name="The chosen event")
    pairs = event.get_by_role("table")
    assert pairs.locator("tr.unequal").count() == 2 and "card··" in pairs.inner_text() and "75.00" in pairs.inner_text()
    event.get_by_role("button", name="JSON", exact=True).click()
    text = event.locator("pre").inner_text()
    assert '"ts_us": 1795000000000000123' in text and '"total": 75.00' in text
    page.locator(".tail-lines li button").nth(3).click()
    event.get_by_text("perhaps its beginning alone").wait_for()
    page.get_by_role("group", name="Kinds of events").get_by_role("button", name="delete").click()
    assert page.locator(".tail-lines li").count() == 1 and "shop.items" in page.locator(".tail-lines li").inner_text()


def test_rows_are_delivered_again_when_that_was_confirmed(page: Page, fake: Fake) -> None:
    section = _tail(page, fake).get_by_role("region", name="Deliver rows again")
    section.get_by_label("Table").fill("shop.orders")
    section.get_by_role("button", name="Deliver again…").click()
    dialog = page.get_by_role("dialog", name="Deliver all rows of shop.orders again?")
    assert "udup job snapshot orders-events shop.orders" in dialog.inner_text()
    dialog.get_by_role("button", name="Deliver again", exact=True).click()
    section.get_by_text("The rows of shop.orders are being delivered again.").wait_for()
    assert [each[:2] for each in fake.sent] == [("POST", "job/orders-events/snapshot")]


def test_a_user_of_nats_is_let_in_and_its_password_shown_once(page: Page, fake: Fake) -> None:
    made = {"Name": "reports", "Streams": ["SHOP1"], "Missing": [], "Since": "2026-11-27T19:03:08Z"}
    secret = {"Password": "once-and-never-again", "Address": "127.0.0.1:4222", "RemoteAddress": ""}
    fake.answers["POST", "nats/users"] = made | secret
    page.goto(fake.at("#/subscriptions"))
    users = page.get_by_role("region", name="NATS users")
    users.get_by_text("not there yet: SHOP2").wait_for()
    users.get_by_label("Name").fill("reports")
    users.get_by_label("Streams").fill("SHOP1, SHOP3")
    users.get_by_role("button", name="Let in").click()
    users.get_by_text("once-and-never-again").wait_for()
    assert fake.sent == [("POST", "nats/users", {"Name": "reports", "Streams": ["SHOP1", "SHOP3"]})]
    users.get_by_role("button", name="I have noted it").click()
    assert users.get_by_text("once-and-never-again").count() == 0
    fake.answers["DELETE", "nats/users/search"] = ""
    users.get_by_role("button", name="Remove…").click()
    page.get_by_role("dialog", name="Remove user search?").get_by_role("button", name="Remove", exact=True).click()
    until(page, "!document.querySelector('[aria-busy=true]')")
    assert fake.sent[-1][:2] == ("DELETE", "nats/users/search")


def test_both_pages_hold_in_both_themes_and_languages_and_at_all_widths(page: Page, fake: Fake) -> None:
    page.goto(fake.at("#/subscriptions"))
    page.get_by_text("not there yet: SHOP2").wait_for()
    check_page(page)
    page.set_viewport_size({"width": 320, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.set_viewport_size({"width": 1360, "height": 900})
    _tail(page, fake)
    _follow(page, fake)
    deliver(fake, "orders-events", [message(number, "cud"[number % 3]) for number in range(9)])
    page.locator(".tail-lines li button").nth(4).click()
    check_page(page)
