"""Names that mean something elsewhere, two nodes behind one proxy, a viewer's clock that is set back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.console.check import until, until_holds
from tests.console.conftest import Allowed, Fake
from udup.base.config import load_settings
from udup.web.live.topics import Asked, asked_of
from udup.web.serve import WebServer

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow

SHIFT = "window.shift = 0; const real = Date.now; Date.now = () => real.call(Date) + window.shift;"


@pytest.mark.parametrize("job", ["a,b", "100%", "a%2Cb", "a,nodes", "__proto__"])
def test_any_id_is_one_topic_of_the_stream(page: Page, fake_api: Fake, allowed: Allowed, job: str) -> None:
    allowed.append("404")
    page.goto(fake_api.at(f"#/jobs/{quote(job, safe='')}"))
    page.wait_for_selector("h1")
    until_holds(page, lambda: any(Asked("job", job) in asked_of([each]) for each in fake_api.streams.asked))
    assert all(len(asked_of([each])) <= 2 for each in fake_api.streams.asked)


@pytest.mark.parametrize(
    "place", ["#/constructor", "#/toString/x", "#/jobs?sort=constructor", "#/new/constructor?for=toString"]
)
def test_an_address_of_words_that_every_object_has_is_a_page(page: Page, fake_api: Fake, place: str) -> None:
    page.goto(fake_api.at(place, "?lang=constructor"))
    page.wait_for_selector("h1")


class Proxy:
    """Passes on what is asked under a prefix to one of several nodes, as nginx does."""

    def __init__(self, **nodes: Fake) -> None:
        self._nodes = nodes

    def __call__(self, environment: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        prefix, _, path = environment["PATH_INFO"][1:].partition("/")
        return self._nodes[prefix]({**environment, "PATH_INFO": f"/{path}"}, start)


@pytest.fixture
def one() -> Fake:
    return Fake()


@pytest.fixture
def two() -> Fake:
    fake = Fake()
    fake.world.briefs = {"billing": fake.world.briefs["billing"]}
    return fake


@pytest.fixture
def proxy(one: Fake, two: Fake) -> Iterator[str]:
    def close() -> None:
        one.streams.close()
        two.streams.close()

    server = WebServer(Proxy(a=one, b=two), load_settings(flags={"ports.http": 0, "http.threads": 32}), close)
    server.start()
    yield server.url
    server.stop()


def test_a_tab_of_another_node_behind_the_same_proxy_is_told_nothing(
    proxy: str, one: Fake, two: Fake, page: Page
) -> None:
    page.goto(f"{proxy}/a/console/#/jobs")
    page.wait_for_selector("tr[data-job=payments]")
    page.evaluate("import('./core/kept.js').then(({ session }) => session.set('token', 'of-one'))")
    other = page.context.new_page()
    other.goto(f"{proxy}/b/console/#/jobs")
    other.wait_for_selector("tr[data-job=billing]")
    until_holds(page, lambda: one.streams.opened >= 1 and two.streams.opened >= 1)
    one.streams.change("payments", LagMs=4200)
    until(page, "document.querySelector('tr[data-job=payments] td.num').textContent === '4.2 s'")
    assert other.locator("tr[data-job=payments]").count() == 0
    page.goto(f"{proxy}/b/console/#/jobs")
    token = "import('./core/kept.js').then(({ session }) => session.get('token'))"
    assert page.evaluate(token) is None, "one node's token is not sent to another"
    page.close()
    other.close()


def test_a_clock_that_is_set_back_hides_no_silence(page: Page, fake_api: Fake, allowed: Allowed) -> None:
    allowed.append("503")
    page.add_init_script(SHIFT)
    page.goto(fake_api.at("#/jobs"))
    page.locator(".heard", has_text="Live").wait_for()
    page.evaluate("window.shift = -3_600_000")
    fake_api.refuse = ("503 Service Unavailable", "the job store does not answer")
    fake_api.streams.close()
    page.locator(".banner", has_text="Not heard for").wait_for()
    fake_api.refuse = None
    page.locator(".banner").wait_for(state="detached")
