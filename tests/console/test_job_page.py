"""The page of a job: why it stopped, what mends it, how it is, and what can be done with it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.console.check import check_page, until
from tests.console.conftest import Allowed, Fake
from tests.console.job_answers import ACTS, KINDS, entries, fail, failure, quiet
from tests.console.made_up import READ_TOKEN
from tests.console.world import stamp
from udup.base.causes import Cause
from udup.jobs.failing.acts import Act

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

JOB = "billing"
HAN = re.compile(r"[一-鿿]")


@pytest.fixture
def job(fake_api: Fake, page: Page) -> Page:
    """The page of a job that has stopped at a row."""
    quiet(fake_api, JOB)
    fail(fake_api, JOB, failure("row_missing", JOB, ("compare", "reload", "skip", "resume")))
    return _open(page, fake_api, f"#/jobs/{JOB}")


def _open(page: Page, fake: Fake, place: str) -> Page:
    page.goto(fake.at(place))
    page.locator("main h1").wait_for()
    page.locator(".job").wait_for()
    return page


def _card(page: Page) -> Locator:
    return page.locator(".fail")


def _changes(page: Page) -> list[tuple[str, str, str]]:
    """Return the changes that the page sends from now on: method, path with its query, body."""
    sent: list[tuple[str, str, str]] = []

    def note(request: object) -> None:
        method = request.method  # type: ignore[attr-defined]
        if method != "GET":
            at = urlsplit(request.url)  # type: ignore[attr-defined]
            query = f"?{at.query}" if at.query else ""
            sent.append((method, at.path + query, request.post_data or ""))  # type: ignore[attr-defined]

    page.on("request", note)
    return sent


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_kind_of_failure_has_a_heading_a_meaning_and_its_remedies(
    fake_api: Fake, job: Page, language: str
) -> None:
    job.evaluate("language => import('./core/words.js').then(words => words.speak(language))", language)
    card = _card(job)
    seen = set()
    for kind in KINDS:
        fail(fake_api, JOB, failure(kind, JOB, ("resume", "update", "skip"), Text=f"{kind} once more"))
        card.locator(".original", has_text=f"{kind} once more").wait_for(state="attached")
        heading, meaning = card.locator("h2").inner_text(), card.locator(".top p").inner_text()
        seen.add(heading)
        assert len(meaning) > 10 and "{" not in heading + meaning, kind
        assert bool(HAN.search(heading)) is (language == "zh") is bool(HAN.search(meaning)), (kind, heading, meaning)
        assert card.locator(".fix").count() == 3
        assert language != "zh" or "what skip does" not in card.inner_text()
    assert len(seen) == len(KINDS)


def test_every_cause_and_every_act_of_the_node_has_words_in_both_languages(fake_api: Fake, page: Page) -> None:
    page.goto(fake_api.at("#/settings"))
    for language in ("en", "zh"):
        path = f"./words/{language}/failures.js"
        keys = set(page.evaluate("path => import(path).then(words => Object.keys(words.default))", path))
        missing = [each for each in Cause if each != Cause.FAILED and f"failures.{each.value}.short" not in keys]
        assert not missing, missing
        forms = ("title", "verb", "text")
        assert not {f"failures.act.{act.value}.{form}" for act in Act for form in forms} - keys
        assert not {f"failures.act.{act.value}.warning" for act in Act if act not in _NO_DIALOG} - keys
    assert {each.value for each in Cause} - {"failed"} == set(KINDS)


#: Acts that are not asked about: they change nothing, or a page of their own asks.
_NO_DIALOG = (Act.RESUME, Act.COMPARE, Act.UPDATE, Act.STATEMENT)


def test_a_kind_that_the_page_does_not_know_is_told_in_the_words_of_the_node(fake_api: Fake, job: Page) -> None:
    fail(fake_api, JOB, failure("of_a_later_version", JOB))
    heading = _card(job).get_by_role("heading", name="of_a_later_version: the node's own words about it.", exact=True)
    heading.wait_for()
    assert "And a second sentence." in _card(job).locator(".top p").inner_text()


def test_the_card_tells_the_object_what_is_known_and_the_time_left(fake_api: Fake, job: Page) -> None:
    card = _card(job)
    card.get_by_role("heading", name="A row is missing on the target: billing.invoice, id = 48213").wait_for()
    evidence = dict(
        zip(card.locator(".evidence dt").all_inner_texts(), card.locator(".evidence dd").all_inner_texts(), strict=True)
    )
    assert "at the first try" in evidence["Stopped"] and "6 min ago" in evidence["Stopped"].replace("7", "6")
    assert ":901122" in evidence["Transaction"] and evidence["Log position"] == "binlog.004417:88120331"
    assert "2 d 3 h" in evidence["Time left"]
    assert card.locator(".fix .tag").all_inner_texts() == ["recommended"]
    fail(fake_api, JOB, failure("source_purged", JOB, SourceKeepsUntil=stamp(1)))
    card.get_by_text("may have purged what this job needs").wait_for()


def test_what_was_refused_at_the_start_is_listed_with_what_mends_each(fake_api: Fake, job: Page) -> None:
    told = [{"Where": "Tasks[0]", "Problem": "gtid_mode is OFF", "Remedy": "SET PERSIST gtid_mode = ON", "Task": "Src"}]
    fail(fake_api, JOB, failure("start_refused", JOB, Faults=told))
    fault = _card(job).locator(".faults li")
    fault.wait_for()
    assert "gtid_mode is OFF" in fault.inner_text() and "SET PERSIST gtid_mode = ON" in fault.inner_text()


def test_the_button_of_every_remedy_sends_what_its_command_would(fake_api: Fake, job: Page) -> None:
    sent = _changes(job)
    for act, (method, behind, args, in_body, danger, typed) in ACTS.items():
        told = failure("divergence", JOB, (act,), Text=f"mended by {act}")
        fail(fake_api, JOB, told)
        fake_api.answers[method, f"job/{JOB}{behind}"] = {
            "Success": True,
            "Index": 7,
            "Total": 0,
            "Note": "it has stopped",
        }
        job.goto(fake_api.at(f"#/jobs/{JOB}"))
        job.locator(".original", has_text=f"mended by {act}").wait_for(state="attached")
        sent.clear()
        _card(job).locator(".fix .do button").click()
        if danger != "none":
            _confirm(job, typed)
        until(job, "!document.querySelector('dialog, [aria-busy=true]')")
        assert sent[-1][:2] == (method, told["Remedies"][0]["Path"]), act
        assert json.loads(sent[-1][2] or "{}") == (args if in_body else {}), act
        assert all("DryRun" in each[2] for each in sent[:-1]), act


def _confirm(page: Page, typed: str) -> None:
    dialog = page.locator("dialog")
    dialog.wait_for()
    act = dialog.locator(".acts button").nth(1)
    if typed:
        assert act.is_disabled() and page.evaluate("document.activeElement.tagName") == "INPUT"
        dialog.locator("input").fill(typed)
    else:
        assert page.evaluate("document.activeElement.textContent") == "Cancel"
    act.click()


def test_an_act_that_is_refused_says_so_where_its_button_is(fake_api: Fake, job: Page, allowed: Allowed) -> None:
    allowed.append("409")

    def refuse(_request: object) -> object:
        from tests.console.answers import Refusal

        raise Refusal("409 Conflict", "the job's cut-over is in the way")

    fake_api.answers["POST", f"job/{JOB}/compare"] = refuse
    fix = _card(job).locator(".fix").first
    fix.get_by_role("button", name="Compare", exact=True).click()
    fix.get_by_role("alert").get_by_text("the job's cut-over is in the way").wait_for()


def test_a_job_that_has_changed_since_it_was_confirmed_is_not_touched(fake_api: Fake, job: Page) -> None:
    sent = _changes(job)
    _card(job).get_by_role("button", name="Skip…").click()
    whole = fake_api.world.wholes[JOB]
    whole["Failure"] = failure("row_missing", JOB, ("skip",), Gtid="3e11fa47-8c1d-11f0-a1b2-0242ac120002:901999")
    whole["Shown"] = "running"
    _confirm(job, "901122")
    job.get_by_text("Nothing was done: the job has changed meanwhile. It was Failed").wait_for()
    assert sent == []


def test_who_may_only_read_sees_the_commands_and_no_acts(make_fake: Callable[..., Fake], page: Page) -> None:
    fake = make_fake(tokens={READ_TOKEN: "read"})
    quiet(fake, JOB)
    fail(fake, JOB, failure("row_missing", JOB, ("compare", "reload", "skip", "resume")))
    page.add_init_script(f"sessionStorage.setItem('udup.token', '{READ_TOKEN}')")
    page.goto(fake.at(f"#/jobs/{JOB}"))
    card = _card(page)
    card.wait_for()
    page.locator(".job-tables [data-index='0']").wait_for()
    assert card.get_by_role("button", name="Copy command").count() == 4
    assert card.locator(".do").all_inner_texts() == ["Copy command"] * 4
    page.get_by_role("button", name="More actions").click()
    assert page.get_by_role("menuitem").all_inner_texts() == ["Export"]
    page.keyboard.press("Escape")
    page.locator(".job-tables [data-index='0']").get_by_role("button").click()
    assert page.get_by_role("menuitem").all_inner_texts() == ["Copy name"]


def test_a_pause_is_asked_for_and_a_resume_is_not(fake_api: Fake, page: Page) -> None:
    quiet(fake_api, "payments")
    _open(page, fake_api, "#/jobs/payments")
    sent = _changes(page)
    pause = page.get_by_role("button", name="Pause", exact=True)
    pause.click()
    page.locator("dialog").wait_for()
    page.keyboard.press("Escape")
    page.locator("dialog").wait_for(state="detached")
    assert page.evaluate("document.activeElement.textContent") == "Pause" and sent == []
    pause.click()
    page.locator("dialog").wait_for()
    page.keyboard.press("Enter")  # Cancel has the focus
    page.locator("dialog").wait_for(state="detached")
    assert sent == []
    pause.click()
    _confirm(page, "")
    page.get_by_role("button", name="Resume", exact=True).click()
    pause.wait_for()
    assert [each[:2] for each in sent] == [("POST", "/v1/job/payments/pause"), ("POST", "/v1/job/payments/resume")]


def test_deleting_with_the_checkpoint_wants_the_name_typed(fake_api: Fake, page: Page) -> None:
    quiet(fake_api, "payments")
    _open(page, fake_api, "#/jobs/payments")
    sent = _changes(page)
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("menuitem", name="Delete with checkpoint…").click()
    assert page.locator("dialog code").inner_text() == "udup job delete --purge payments"
    _confirm(page, "Payments")
    page.wait_for_url(re.compile("#/jobs$"))
    assert sent == [("DELETE", "/v1/job/payments?purge=true", "")]


def test_an_export_holds_the_document_with_references_for_secrets(fake_api: Fake, page: Page) -> None:
    quiet(fake_api, "payments")
    _open(page, fake_api, "#/jobs/payments")
    page.get_by_role("button", name="More actions").click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="Export").click()
    text = download.value.path().read_text("utf-8")
    assert download.value.suggested_filename == "payments.json"
    assert "******" not in text and "Shown" not in text and "Progress" not in text
    assert '"Password": "env:UDUP_SECRET_' in text and '"ParallelWorkers": 4' in text


def test_what_a_job_waits_for_is_told_with_the_next_try_and_can_be_tried_now(fake_api: Fake, page: Page) -> None:
    quiet(fake_api, "warehouse")
    _open(page, fake_api, "#/jobs/warehouse")
    sent = _changes(page)
    card = _card(page)
    card.get_by_role("heading", name="Waits for the target: mysql-w3.dr:3306").wait_for()
    assert "refuses connections (2003)" in card.inner_text() and "try 7" in card.inner_text()
    card.get_by_role("button", name="Try now").click()
    until(page, "!document.querySelector('[aria-busy=true]')")
    assert [each[:2] for each in sent] == [("POST", "/v1/job/warehouse/resume")]


def test_the_chart_is_walked_by_keys_and_read_out_and_shown_as_a_table(fake_api: Fake, page: Page) -> None:
    quiet(fake_api, "payments")
    _open(page, fake_api, "#/jobs/payments")
    plot = page.get_by_role("img", name=re.compile("Lag over the last hour"))
    plot.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    said = page.locator(".readout")
    until(page, "document.querySelector('.readout').textContent")
    first = said.inner_text()
    assert re.match(r"(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d · Lag level · rows/s 640", first), first
    page.keyboard.press("End")
    until(page, f"document.querySelector('.readout').textContent !== {json.dumps(first)}")
    page.get_by_role("button", name="As table").click()
    assert page.locator(".as-table tbody tr").count() == 60


def test_what_should_be_known_of_a_running_job_is_told(fake_api: Fake, page: Page) -> None:
    quiet(fake_api, "payments")
    fake_api.world.wholes["payments"]["Progress"]["warnings"] = ["binlog_expire_logs_seconds is an hour"]
    _open(page, fake_api, "#/jobs/payments")
    page.get_by_text("One warning").click()
    assert page.get_by_text("binlog_expire_logs_seconds is an hour").is_visible()


def test_events_come_live_and_failures_that_are_over_are_folded(fake_api: Fake, page: Page) -> None:
    told = entries("started", "failed", "failed", "resumed", "document")
    fake_api.answers["GET", "job/payments/timeline"] = told
    quiet(fake_api, "payments")
    _open(page, fake_api, "#/jobs/payments/events")
    page.get_by_text("2 failures that are over").wait_for()
    assert not page.get_by_text("failed number 2").is_visible()
    assert page.get_by_text("by ana").is_visible()
    fresh = {
        **told["Entries"][0],
        "Number": 6,
        "Kind": "definition",
        "Text": "ALTER TABLE shop.stock",
        "Time": stamp(0),
    }
    fake_api.streams.tell("timeline", {"ID": "payments", "Entry": fresh})
    page.get_by_text("ALTER TABLE shop.stock").wait_for()
    page.get_by_role("button", name="DDL 1").click()
    assert page.locator(".events.long > li").count() == 1 and "kind=definition" in page.url


def test_keys_open_the_tabs_and_the_neighbours(fake_api: Fake, page: Page) -> None:
    for job in fake_api.world.briefs:
        quiet(fake_api, job)
    _open(page, fake_api, "#/jobs/payments")
    page.locator("main h1").focus()
    for key, tab in (("e", "events"), ("d", "document"), ("t", "tables")):
        page.keyboard.press(key)
        page.wait_for_url(re.compile(f"#/jobs/payments/{tab}$"))
        page.locator(".tabs [aria-current=page]").get_by_text(tab.title()).wait_for()
    page.keyboard.press("]")
    page.wait_for_url(re.compile("#/jobs/(?!payments)"))


def test_the_counting_of_gtids_and_the_hour(fake_api: Fake, page: Page) -> None:
    page.goto(fake_api.at("#/settings"))
    found = page.evaluate("""async () => {
      const { missing } = await import('./pages/job/gtids.js');
      const { later, withTimes } = await import('./pages/job/series.js');
      const u = '3e11fa47-8c1d-11f0-a1b2-0242ac120002';
      const rates = { RowsPerSecond: [1, 2, 3], TransactionsPerSecond: [1, 2, 3] };
      const hour = withTimes({ Step: 10, End: '2026-01-01T00:00:00Z', LagMs: [1, 2, 3], ...rates });
      const told = { Time: '2026-01-01T00:00:20Z', LagMs: 9, RowsPerSecond: 9, TransactionsPerSecond: 9 };
      const next = later(hour, told), two = missing(`${u}:1-10:12,${u.replace('3', '4')}:1-5`, `${u}:1-7`);
      return [two, missing('0-1-42', '0-1-40'), next.LagMs, next.times[2] - next.times[0]];
    }""")
    assert found == [9, None, [3, None, 9], 20_000]


def test_the_page_is_accessible(make_fake: Callable[..., Fake], page: Page) -> None:
    fake = make_fake(5, 6)
    quiet(fake, JOB)
    fail(fake, JOB, failure("row_missing", JOB, ("compare", "reload", "skip", "resume")))
    _open(page, fake, f"#/jobs/{JOB}").locator(".job-tables [data-index='0'] .name").wait_for()
    check_page(page)


def test_its_dialogs_menus_and_other_tabs_are_accessible(make_fake: Callable[..., Fake], page: Page) -> None:
    fake = make_fake(5, 6)
    quiet(fake, JOB)
    fail(fake, JOB, failure("row_missing", JOB, ("compare", "reload", "skip", "resume")))
    _open(page, fake, f"#/jobs/{JOB}/events").locator(".events.long li").first.wait_for()
    page.get_by_role("button", name="More actions").click()
    check_page(page, (1360, 400))
    page.keyboard.press("Escape")
    page.goto(fake.at(f"#/jobs/{JOB}/tables"))
    _card(page).get_by_role("button", name="Skip…").click()
    page.locator("dialog").wait_for()
    check_page(page, (1360, 400))


@pytest.mark.parametrize("name", ["warehouse", "crm-migration"])
def test_a_waiting_and_a_copying_job_are_accessible(make_fake: Callable[..., Fake], page: Page, name: str) -> None:
    fake = make_fake(20, 6)
    quiet(fake, name)
    _open(page, fake, f"#/jobs/{name}").locator(".job-tables [data-index='0'] .name").wait_for()
    check_page(page, (760,))
