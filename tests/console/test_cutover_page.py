"""The page of a cut-over: asked for with its options, watched step by step as the API has them, undone, finished."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.console.acts_answers import Acts, ago_ns, comparison, cutover
from tests.console.answers import Refusal
from tests.console.check import check_page, until
from tests.console.conftest import Fake
from udup.pipeline.cutover.state import CutoverState, Options, StepName, StepState
from udup.pipeline.cutover.texts import with_plan

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow

JOB = "loyalty"

ASKED = {"SourceReadOnly": True, "WritesStopped": False, "EnableEvents": True, "Reverse": True, "Timeout": 60}


@pytest.fixture
def acts(fake_api: Fake) -> Acts:
    """A job that was compared, and never cut over."""
    return Acts(comparison(differences=0, definitions=0, unlike=())).put_in(fake_api, JOB)


def _open(page: Page, fake: Fake) -> Page:
    page.goto(fake.at(f"#/jobs/{JOB}/cutover"))
    page.locator("#cutover-steps").wait_for()
    return page


def _step(page: Page, number: int) -> str:
    return page.locator("ol.cut > li").nth(number - 1).inner_text()


def _becomes(acts: Acts, method: str, made: object) -> None:
    acts.then[method, "cutover"] = lambda _body: setattr(acts, "cutover", made)


def test_a_dry_run_tells_what_each_step_would_do_and_changes_nothing(page: Page, fake_api: Fake, acts: Acts) -> None:
    _open(page, fake_api).get_by_text("All tables were compared 2 min ago and are equal").wait_for()
    options = Options(source_read_only=True, enable_events=True, reverse=True, dry_run=True)
    tried = cutover(1, CutoverState.DONE, options=options, text="nothing was changed; to do it: udup job cutover")
    _becomes(acts, "POST", with_plan(tried, "src:3306", "dst:3306", JOB))
    page.get_by_role("button", name="Dry run").click()
    page.get_by_role("heading", name="Dry run: it could begin").wait_for()
    assert acts.sent == [("POST", "cutover", ASKED | {"DryRun": True})]
    assert "would make src:3306 read-only" in _step(page, 2) and "point of no return" in _step(page, 5)
    assert page.get_by_role("button", name="Cut over…").is_visible()


def test_it_is_confirmed_by_typing_the_jobs_id_since_no_step_asks_again(page: Page, fake_api: Fake, acts: Acts) -> None:
    _open(page, fake_api)
    page.get_by_text("I have made it read-only").click()
    page.get_by_text("SET GLOBAL super_read_only = ON;").wait_for()
    page.get_by_label("Create the way back").uncheck()
    page.get_by_role("button", name="Cut over…").click()
    dialog = page.get_by_role("dialog", name=f"Cut over job {JOB}?")
    text = dialog.inner_text()
    assert "it comes without another question" in text and "No way back is created." in text
    assert f"udup job cutover {JOB} --enable-events" in text
    assert dialog.get_by_role("button", name="Cut over", exact=True).is_disabled()
    page.keyboard.type("loyal")
    page.keyboard.press("Enter")
    dialog.wait_for(state="detached")
    assert not acts.sent
    page.get_by_role("button", name="Cut over…").click()
    dialog.get_by_role("textbox").fill(JOB)
    _becomes(acts, "POST", cutover(1))
    dialog.get_by_role("button", name="Cut over", exact=True).click()
    page.get_by_role("heading", name="Cut-over under way").wait_for()
    assert acts.sent == [("POST", "cutover", ASKED | {"SourceReadOnly": False, "Reverse": False, "DryRun": False})]


def test_the_outage_is_counted_from_when_the_source_is_closed(page: Page, fake_api: Fake, acts: Acts) -> None:
    acts.missing = "3e11fa47-8c1d-11f0-a1b2-0242ac120002:901200-901210,4e11fa47-8c1d-11f0-a1b2-0242ac120002:7"
    acts.cutover = cutover(2)
    figures = _open(page, fake_api).get_by_role("region", name="Where it stands")
    figures.get_by_text("12 transactions").wait_for()
    seconds = figures.get_by_role("timer")
    until(page, f"document.querySelector('[role=timer]').innerText !== '{seconds.inner_text()}'")
    assert "Nobody can write for" in figures.inner_text() and "all can be undone until step 5" in figures.inner_text()
    assert page.locator("li[aria-current=step]").inner_text().startswith("3")


def test_it_is_undone_by_a_click_until_the_switch(page: Page, fake_api: Fake, acts: Acts) -> None:
    acts.cutover = cutover(2)
    _open(page, fake_api).get_by_role("button", name="Undo and go back").click()
    dialog = page.get_by_role("dialog", name="Undo the cut-over?")
    assert f"udup job cutover {JOB} --abort" in dialog.inner_text()
    text = "somebody has asked for its end. The source src:3306 is as it was found, and job loyalty goes on."
    undone = cutover(1, CutoverState.UNDONE, text=text).noted(StepName.FREEZE, StepState.UNDONE)
    _becomes(acts, "DELETE", undone)
    dialog.get_by_role("button", name="Undo and go back").click()
    page.get_by_role("heading", name="Undone: nothing was switched").wait_for()
    assert page.get_by_text(text).is_visible() and acts.sent == [("DELETE", "cutover", None)]
    assert page.get_by_role("heading", name="Cut over again").is_visible()


def test_behind_the_switch_nothing_is_undone_and_what_is_left_is_carried_on(
    page: Page, fake_api: Fake, acts: Acts
) -> None:
    left = cutover(7, CutoverState.STOPPED, text="events: denied. The switch is made, so nothing is undone.")
    acts.cutover = left.noted(StepName.EVENTS, StepState.FAILED, "the account lacks EVENT")
    _open(page, fake_api).get_by_role("heading", name="Switched, but not finished").wait_for()
    assert page.get_by_role("button", name="Undo and go back").count() == 0
    page.locator("main").get_by_text("cannot be undone").first.wait_for()
    assert "the account lacks EVENT" in _step(page, 8)
    _becomes(acts, "POST", cutover(9, CutoverState.DONE, text="job loyalty is cut over"))
    page.get_by_role("button", name="Carry on").click()
    page.get_by_role("heading", name="Done: the target is the new server").wait_for()
    assert page.get_by_role("link", name="orders-back").get_attribute("href") == "#/jobs/orders-back"
    assert acts.sent == [("POST", "cutover", ASKED)]


def test_a_refusal_stands_where_the_button_is(page: Page, fake_api: Fake, acts: Acts, allowed: list[str]) -> None:
    allowed.append("400")
    acts.refuse["cutover"] = Refusal("400 Bad Request", "job loyalty is a migration, which ends by itself")
    _open(page, fake_api).get_by_role("button", name="Dry run").click()
    page.get_by_role("alert").get_by_text("is a migration, which ends by itself").wait_for()
    page.get_by_label("Seconds to become level").fill("0")
    assert page.get_by_role("button", name="Dry run").is_disabled()
    assert page.get_by_text("Write seconds from 1 to 3600").is_visible()


def test_a_comparison_that_is_old_or_found_something_is_told_before(page: Page, fake_api: Fake, acts: Acts) -> None:
    acts.comparison = comparison(differences=3, definitions=0)
    _open(page, fake_api).get_by_text("The last comparison found 3 differences").wait_for()
    assert page.get_by_role("link", name="Compare first").get_attribute("href") == f"#/jobs/{JOB}/compare"
    old = ago_ns(30 * 3600)
    acts.comparison = comparison(differences=0, definitions=0, unlike=(), since_ns=old, ended_ns=old)
    page.reload()
    page.get_by_text("The last comparison is 1 d 6 h old").wait_for()


def test_who_may_only_read_watches(page: Page, make_fake: Callable[..., Fake]) -> None:
    fake = make_fake(tokens={"reads": "read"})
    Acts(comparison(), cutover=cutover(2)).put_in(fake, JOB)
    page.add_init_script("sessionStorage.setItem('udup.token', 'reads')")
    _open(page, fake).get_by_role("button", name="Copy command").wait_for()
    assert page.get_by_role("button", name="Undo and go back").count() == 0


@pytest.mark.parametrize("is_at", ["begin", "level", "done"])
def test_the_page_holds_in_both_themes_and_languages_and_at_all_widths(
    page: Page, fake_api: Fake, acts: Acts, is_at: str
) -> None:
    if is_at != "begin":
        acts.cutover = cutover(2) if is_at == "level" else cutover(9, CutoverState.DONE, text="job loyalty is cut over")
    _open(page, fake_api)
    page.locator("#cutover-outcome" if acts.cutover else "#cutover-begin").wait_for()
    check_page(page)
    if is_at == "begin":
        page.get_by_role("button", name="Cut over…").click()
        page.get_by_role("dialog").wait_for()
        check_page(page, widths=(1360, 400))
