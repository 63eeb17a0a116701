"""What is new comes by one stream a browser; where it does not come the page says so, and goes on by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.console.check import check_page, until, until_holds
from tests.console.conftest import Allowed, Fake

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow

LAG = "document.querySelector('tr[data-job=payments] td.num').textContent"


def _open(page: Page, fake: Fake) -> None:
    page.goto(fake.at("#/jobs"))
    page.wait_for_selector("tr[data-job]")
    page.locator(".heard", has_text="Live").wait_for()


def test_a_change_is_shown_without_asking(page: Page, fake_api: Fake) -> None:
    _open(page, fake_api)
    fake_api.streams.change("payments", LagMs=4200)
    until(page, f"{LAG} === '4.2 s'")


def test_two_tabs_share_one_stream_and_the_second_takes_over(page: Page, fake_api: Fake) -> None:
    _open(page, fake_api)
    other = page.context.new_page()
    _open(other, fake_api)
    fake_api.streams.change("payments", LagMs=5100)
    until(page, f"{LAG} === '5.1 s'")
    until(other, f"{LAG} === '5.1 s'")
    assert fake_api.streams.opened == 1
    page.close()
    until(other, "document.querySelector('.heard').textContent.includes('Live')")
    until_holds(other, lambda: fake_api.streams.opened == 2)
    fake_api.streams.change("payments", LagMs=6300)
    until(other, f"{LAG} === '6.3 s'")


def test_tabs_agree_also_where_there_are_no_locks(page: Page, fake_api: Fake) -> None:
    """A page that comes over plain HTTP from another machine has none."""
    page.context.add_init_script("Object.defineProperty(navigator, 'locks', { value: undefined })")
    _open(page, fake_api)
    other = page.context.new_page()
    other.goto(fake_api.at("#/jobs"))
    other.wait_for_selector("tr[data-job]")
    page.wait_for_timeout(2500)  # a tab that leads says so each second
    opened = fake_api.streams.opened
    fake_api.streams.change("payments", LagMs=7400)
    until(page, f"{LAG} === '7.4 s'")
    until(other, f"{LAG} === '7.4 s'")
    assert opened <= 2  # both may begin at the same moment; the older one goes on


def test_what_is_not_fresh_is_told_and_looks_so(page: Page, fake_api: Fake, allowed: Allowed) -> None:
    """What becomes of a node that is killed is in test_node_real.py."""
    allowed.append("503")
    page.clock.install()
    _open(page, fake_api)
    fake_api.refuse = ("503 Service Unavailable", "the job store does not answer")
    fake_api.streams.close()
    until_holds(page, lambda: fake_api.streams.listeners == 0)
    page.clock.fast_forward(11_000)
    page.locator(".banner", has_text="Not heard for").wait_for()
    assert page.locator("main.is-stale").count() == 1
    since = page.locator('tr[data-job="billing"] .since').inner_text()
    check_page(page, widths=(1360, 400))
    assert page.locator('tr[data-job="billing"] .since').inner_text() == since
    fake_api.refuse = None
    page.get_by_role("button", name="Try now").click()
    page.locator(".banner").wait_for(state="detached")
    fake_api.streams.change("payments", LagMs=8500)
    until(page, f"{LAG} === '8.5 s'")


def test_where_no_stream_comes_through_the_jobs_are_asked_for(page: Page, fake_api: Fake, allowed: Allowed) -> None:
    allowed.append("503")
    fake_api.streams.refused = 1000
    page.goto(fake_api.at("#/jobs"))
    page.locator(".heard", has_text="Polling").wait_for(timeout=20_000)
    fake_api.world.briefs["payments"]["LagMs"] = 9600
    until(page, f"{LAG} === '9.6 s'")


def test_a_node_that_is_away_at_the_start_is_told_and_tried_again(page: Page, fake_api: Fake, allowed: Allowed) -> None:
    allowed.append("503")
    fake_api.refuse = ("503 Service Unavailable", "the job store does not answer")
    page.goto(fake_api.at("#/jobs"))
    page.get_by_role("heading", name="The node does not answer").wait_for()
    check_page(page, widths=(1360, 400))
    fake_api.refuse = None
    page.get_by_role("button", name="Try again").click()
    page.wait_for_selector("tr[data-job]")


def test_a_name_that_the_node_does_not_know_is_explained(page: Page, fake_api: Fake, allowed: Allowed) -> None:
    allowed.append("403")
    fake_api.refuse = ("403 Forbidden", "403 Forbidden: the request is addressed to 'db.example'")
    page.goto(fake_api.at("#/jobs"))
    page.get_by_role("heading", name="The node does not answer under this name").wait_for()
    assert page.get_by_text("api.hosts").first.is_visible()


def test_a_tab_that_nobody_sees_hears_no_more_and_catches_up_when_it_is_seen(page: Page, fake_api: Fake) -> None:
    page.clock.install()
    _open(page, fake_api)
    see = "hidden => { Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });"
    see += " document.dispatchEvent(new Event('visibilitychange')); }"
    page.evaluate(see, True)
    page.clock.fast_forward(61_000)
    until_holds(page, lambda: fake_api.streams.listeners == 0)
    fake_api.streams.change("payments", LagMs=9100)
    page.evaluate(see, False)
    until(page, f"{LAG} === '9.1 s'")
    assert page.locator(".banner").count() == 0


def test_five_thousand_events_leave_the_page_small(page: Page, fake_api: Fake) -> None:
    _open(page, fake_api)
    heap = "(async () => { globalThis.gc?.(); return performance.memory.usedJSHeapSize; })()"
    before = page.evaluate(heap)
    for number in range(5000):
        fake_api.streams.change("payments", LagMs=1000 + number)
    until(page, f"{LAG} === '6 s'")
    grown = (page.evaluate(heap) - before) / 2**20
    print(f"5,000 events: the heap grew by {grown:.1f} MiB")
    assert grown < 20
