"""The tab Compare: what differs is found in the ledger, opened, tried, repaired, and compared again."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.console.acts_answers import LEDGER, Acts, ago_ms, ago_ns, comparison, row
from tests.console.answers import Refusal
from tests.console.check import check_page, until
from tests.console.conftest import Fake
from udup.pipeline.verify.state import CompareOptions, CompareState

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.slow

JOB = "loyalty"


@pytest.fixture
def acts(fake_api: Fake) -> Acts:
    """The last comparison of a running job has found what is in the ledger."""
    return Acts(comparison(), list(LEDGER)).put_in(fake_api, JOB)


def _open(page: Page, fake: Fake, query: str = "") -> Page:
    page.goto(fake.at(f"#/jobs/{JOB}/compare", query))
    page.locator("#compare-round").wait_for()
    return page


def _card(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name, exact=True)


def test_a_row_opens_column_by_column_and_what_does_not_show_is_made_visible(
    page: Page, fake_api: Fake, acts: Acts
) -> None:
    card = _card(_open(page, fake_api), "Rows that differ")
    assert card.get_by_text("5 open").is_visible() and card.get_by_text("1 repaired").is_visible()
    for key in ("j", "j", "j", "k", "Enter"):
        page.keyboard.press(key)
    pairs = card.get_by_role("table", name="Columns of billing.invoice 48219")
    pairs.wait_for()
    lines = [re.sub(r"\s+", " ", line.inner_text()).strip() for line in pairs.locator("tbody tr").all()]
    assert lines[:5] == [
        "id 48219 = equal 48219",
        "status paid ≠ not equal open",
        "memo NULL ≠ not equal ''",
        r"note paid by card·· ≠ not equal paid by\tcard",
        "photo 0xffd8ffe000104a46 8 bytes = equal 0xffd8ffe000104a46 8 bytes",
    ]
    assert pairs.locator("tr.unequal").count() == 4
    story = pairs.locator("tbody tr").nth(5)
    assert "b" in story.inner_text() and "All 401 letters" in story.inner_text()
    story.get_by_role("button", name="All 401 letters").first.click()
    assert story.get_by_text("a" * 300 + "b" + "c" * 100).is_visible()
    card.get_by_role("button", name="Show billing.invoice 48213").click()
    card.get_by_text("(no row)").first.wait_for()
    assert pairs.count() == 0


def test_hidden_values_are_not_shown_and_the_page_says_so(page: Page, fake_api: Fake, acts: Acts) -> None:
    acts.hidden = True
    _open(page, fake_api).get_by_role("button", name="Show billing.invoice 48219").click()
    page.get_by_text("This node does not show values").wait_for()
    pairs = page.get_by_role("table", name="Columns of billing.invoice 48219")
    assert pairs.locator("tr.unequal").count() == 4 and "paid" not in pairs.inner_text()


def test_a_repair_is_tried_asked_with_numbers_and_sent(page: Page, fake_api: Fake, acts: Acts) -> None:
    card = _card(_open(page, fake_api), "Rows that differ")
    card.get_by_role("button", name="Dry run").click()
    card.get_by_text("Dry run: 5 rows would be repaired (2 inserted, 2 updated, 1 deleted).").wait_for()
    assert "billing.invoice 48219 would be updated" in card.inner_text() and not acts.sent
    card.get_by_role("button", name="Repair all…").click()
    dialog = page.get_by_role("dialog", name="Repair all rows that differ?")
    assert "5 rows on" in dialog.inner_text() and "udup job repair loyalty --all" in dialog.inner_text()
    assert dialog.get_by_role("button", name="Cancel").evaluate("each => each === document.activeElement")
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    assert not acts.sent
    card.get_by_role("button", name="Repair all…").click()
    done = [
        each if each.definition or each.repaired else row(each.table, each.key, each.kind, repaired=ago_ms(1))
        for each in LEDGER
    ]
    ended = comparison(
        options=CompareOptions(repair=True), rows=6, differences=0, unlike=(), id="r1", ended_ns=ago_ms(1) * 10**6
    )

    def repaired(_body: object) -> None:
        acts.comparison, acts.ledger = ended, done

    acts.then["POST", "repair"] = lambda body: None if body.get("DryRun") else repaired(body)
    dialog.get_by_role("button", name="Write 5 rows").click()
    page.get_by_role("heading", name="Rows were repaired").wait_for()
    card.get_by_text("6 repaired").wait_for()
    assert acts.sent == [("POST", "repair", {"All": True})]
    assert card.get_by_role("button", name="Repair all…").count() == 0


def test_one_table_is_repaired_alone_and_a_refusal_stands_where_the_button_is(
    page: Page, fake_api: Fake, acts: Acts, allowed: list[str]
) -> None:
    allowed.append("409")
    acts.refuse["repair"] = Refusal("409 Conflict", "a repair of job loyalty is under way")
    card = _card(_open(page, fake_api), "Rows that differ")
    card.get_by_label("Only").select_option("billing.credit_note")
    card.get_by_role("button", name="Repair this table…").click()
    page.get_by_role("dialog").get_by_role("button", name="Write 1 row").click()
    card.get_by_role("alert").get_by_text("a repair of job loyalty is under way").wait_for()
    assert acts.sent == [("POST", "repair", {"Tables": ["billing.credit_note"]})]


def test_a_round_under_way_shows_how_far_it_is_and_can_be_ended(page: Page, fake_api: Fake, acts: Acts) -> None:
    running = comparison(
        CompareState.RUNNING, options=CompareOptions(continuous=True), round=4, text="a long transaction"
    )
    acts.comparison = running
    card = _card(_open(page, fake_api), "Round 4 is running")
    card.get_by_text("of about 61M").wait_for()
    assert "a long transaction" in card.inner_text()
    assert "37 tables equal" in card.inner_text() and "3 differ" in card.inner_text()
    acts.then["DELETE", "compare"] = lambda _body: setattr(acts, "comparison", comparison(CompareState.STOPPED))
    card.get_by_role("button", name="End the round").click()
    page.get_by_role("heading", name="The comparison was ended").wait_for()
    assert acts.sent == [("DELETE", "compare", None)]


def test_a_job_that_was_never_compared_says_so_and_is_compared(page: Page, fake_api: Fake, acts: Acts) -> None:
    acts.comparison, acts.ledger = None, []
    _open(page, fake_api).get_by_text("Never compared.").wait_for()
    page.get_by_label("How fast").select_option(label="50,000 rows/s at most")
    acts.then["POST", "compare"] = lambda _body: setattr(acts, "comparison", comparison(CompareState.RUNNING))
    page.get_by_role("button", name="Compare now").click()
    page.get_by_role("heading", name="Round 1 is running").wait_for()
    assert acts.sent == [("POST", "compare", {"Continuous": False, "RowsPerSecond": 50000})]


def test_a_table_that_is_not_equal_is_compared_again_or_loaded_again(page: Page, fake_api: Fake, acts: Acts) -> None:
    tables = _card(_open(page, fake_api), "Compared").locator(".unlike li")
    assert "its rows are written while they are read (MEMORY)" in tables.nth(3).inner_text()
    tables.nth(1).get_by_role("button", name="Compare again").click()
    until(page, "!document.querySelector('[aria-busy=true]')")
    assert acts.sent == [("POST", "compare", {"Tables": ["billing.credit_note"], "RowsPerSecond": 0})]
    tables.nth(3).get_by_role("button", name="Reload…").click()
    dialog = page.get_by_role("dialog")
    assert "udup job reload loyalty billing.session" in dialog.inner_text()
    dialog.get_by_role("textbox").fill("session")
    dialog.get_by_role("button", name="Drop and reload").click()
    until(page, "!document.querySelector('[aria-busy=true]')")
    assert fake_api.sent[-1][:2] == ("POST", "job/loyalty/reload")


def test_definitions_have_their_statements_and_what_does_no_harm_is_folded(
    page: Page, fake_api: Fake, acts: Acts
) -> None:
    card = _card(_open(page, fake_api), "Definitions")
    assert card.get_by_text("ALTER TABLE `billing`.`invoice` ADD KEY `by_state` (`state`)").is_visible()
    assert card.get_by_text("for_reports").is_hidden()
    card.get_by_text("1 more that only the target has").click()
    assert card.get_by_text("for_reports").is_visible()


def test_thousands_of_rows_come_page_by_page(page: Page, fake_api: Fake, acts: Acts) -> None:
    acts.ledger = [row("invoice", f"{number:05}", "missing") for number in range(450)]
    card = _card(_open(page, fake_api), "Rows that differ")
    card.get_by_text("Rows 1 to 200").wait_for()
    for shown in ("Rows 201 to 400", "Rows 401 to 450"):
        card.get_by_role("button", name="Next").click()
        card.get_by_text(shown).wait_for()
    assert card.get_by_role("button", name="Next").is_disabled() and "00449" in card.inner_text()
    card.get_by_role("button", name="Previous").click()
    card.get_by_text("Rows 201 to 400").wait_for()


def test_who_may_only_read_gets_commands_in_the_place_of_acts(page: Page, make_fake: Callable[..., Fake]) -> None:
    fake = make_fake(tokens={"reads": "read"})
    Acts(comparison(), list(LEDGER)).put_in(fake, JOB)
    page.add_init_script("sessionStorage.setItem('udup.token', 'reads')")
    _open(page, fake)
    names = page.locator("main").get_by_role("button").all_inner_texts()
    assert not {"Compare now", "Repair all…", "Dry run"} & set(names) and "Copy command" in names


def test_a_stopped_job_has_its_table_repaired_and_goes_on(page: Page, fake_api: Fake) -> None:
    options = CompareOptions(tables=("billing.invoice",), repair=True)
    before = comparison(options=options, differences=0, unlike=(), since_ns=ago_ns(9000), ended_ns=ago_ns(8000))
    acts = Acts(before).put_in(fake_api, "billing")
    page.goto(fake_api.at("#/jobs/billing/compare"))
    card = _card(page, "Rows that differ")
    card.get_by_role("button", name="Repair billing.invoice…").wait_for()
    assert page.get_by_role("button", name="Resume the job").count() == 0, "that repair has not seen this row"
    card.get_by_role("button", name="Repair billing.invoice…").click()
    dialog = page.get_by_role("dialog", name="Repair billing.invoice?")
    assert "udup job repair billing billing.invoice" in dialog.inner_text()
    ended = comparison(options=options, differences=0, unlike=(), rows=4, since_ns=ago_ns(2), ended_ns=ago_ns(1))
    acts.then["POST", "repair"] = lambda _body: setattr(acts, "comparison", ended)
    dialog.get_by_role("button", name="Compare and repair").click()
    card.get_by_role("button", name="Resume the job").click()
    until(page, "!document.querySelector('[aria-busy=true]')")
    assert acts.sent == [("POST", "repair", {"Tables": ["billing.invoice"]}), ("PUT", "resume", None)]


def test_the_page_holds_in_both_themes_and_languages_and_at_all_widths(page: Page, fake_api: Fake, acts: Acts) -> None:
    _open(page, fake_api).get_by_role("button", name="Show billing.invoice 48219").click()
    page.get_by_role("table", name="Columns of billing.invoice 48219").wait_for()
    page.get_by_role("button", name="Dry run").click()
    page.get_by_role("group", name="Rows that would be repaired").wait_for()
    check_page(page)
    page.get_by_role("button", name="Repair all…").click()
    page.get_by_role("dialog").wait_for()
    check_page(page, widths=(1360, 400))
