"""The document of a job: a form and JSON that edit each other, what is wrong with it, and the documents before it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests.console.answers import Refusal
from tests.console.check import check_page
from tests.console.conftest import Allowed, Fake
from tests.console.job_answers import quiet
from tests.console.made_up import TOKEN

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

JOB = "payments"

#: The field of the form for the workers of the target.
WORKERS = "field-Tasks[1].Config.ParallelWorkers"


@pytest.fixture
def document(fake_api: Fake, page: Page) -> Page:
    quiet(fake_api, JOB)
    return _open(page, fake_api)


def _open(page: Page, fake: Fake) -> Page:
    page.goto(fake.at(f"#/jobs/{JOB}/document"))
    page.locator("#document-json").wait_for()
    return page


def _field(page: Page) -> Locator:
    return page.locator(f"[id='{WORKERS}']")


def _json(page: Page) -> Any:
    return json.loads(page.locator("#document-json").input_value())


def _apply(page: Page) -> None:
    page.get_by_role("button", name="Apply…").click()
    page.locator("dialog").get_by_role("button", name="Apply", exact=True).click()


def _refuse(status: str, text: str, details: list[dict[str, str]] | None = None) -> Callable[[object], object]:
    def answer(_request: object) -> object:
        raise Refusal(status, text, details)

    return answer


def test_the_form_and_the_json_edit_each_other(document: Page) -> None:
    _field(document).fill("16")
    assert _json(document)["Tasks"][1]["Config"]["ParallelWorkers"] == 16
    changed = _json(document)
    changed["Tasks"][1]["Config"]["ParallelWorkers"] = 8
    document.locator("#document-json").fill(json.dumps(changed))
    assert _field(document).input_value() == "8"
    document.locator("#document-json").fill('{"Name": ')
    document.get_by_text("This is no JSON yet, so the form waits").wait_for()
    assert _field(document).is_disabled() and document.get_by_role("button", name="Apply…").is_disabled()
    document.get_by_role("button", name="Discard changes").click()
    assert _field(document).input_value() == "4" and not _field(document).is_disabled()


def test_a_document_is_applied_to_the_job_that_was_looked_at(fake_api: Fake, document: Page) -> None:
    fake_api.answers["POST", "jobs"] = {"Success": True, "Index": 9, "Warning": ""}
    _field(document).fill("16")
    _apply(document)
    document.get_by_text("The job goes by this document now.").wait_for()
    method, path, body = fake_api.sent[-1]
    assert (method, path, body["EnforceIndex"]) == ("POST", "jobs", True)
    assert body["JobModifyIndex"] == fake_api.world.wholes[JOB]["JobModifyIndex"]
    assert body["Tasks"][1]["Config"]["ParallelWorkers"] == 16
    assert body["Tasks"][0]["Config"]["ConnectionConfig"]["Password"] == "******"


def test_every_fault_is_told_at_its_field_and_in_a_list_that_has_the_focus(
    fake_api: Fake, document: Page, allowed: Allowed
) -> None:
    allowed.append("409")
    faults = [
        {"field": "Tasks[1].Config.ParallelWorkers", "problem": "1000 are too many", "remedy": "64 at most"},
        {"field": "Tasks[0].Config.ReplicateDoDb", "problem": "shop2 is not there", "remedy": "create it"},
    ]
    fake_api.answers["POST", "jobs"] = _refuse("409 Conflict", "the job cannot take this document", faults)
    _field(document).fill("1000")
    _apply(document)
    document.get_by_role("heading", name="2 faults").wait_for()
    assert document.evaluate("document.activeElement.className") == "fault-list"
    assert _field(document).get_attribute("aria-invalid") == "true"
    document.get_by_role("button", name="Tasks[1].Config.ParallelWorkers: 1000 are too many").click()
    assert document.evaluate("document.activeElement.id") == WORKERS
    assert _field(document).input_value() == "1000"


def test_a_check_tells_faults_first_and_folds_what_is_good(fake_api: Fake, document: Page) -> None:
    checks = [
        {"Task": "Src", "Check": "version", "Result": "pass", "Found": "8.4.3", "Remedy": ""},
        {"Task": "Src", "Check": "binlog_retention", "Result": "warn", "Found": "1 h", "Remedy": "keep it longer"},
        {"Task": "Dest", "Check": "read_only", "Result": "fail", "Found": "it is ON", "Remedy": "SET GLOBAL x = 0"},
    ]
    fake_api.answers["POST", "validate/job"] = {"Checks": checks, "Error": ""}
    document.get_by_role("button", name="Check", exact=True).click()
    document.get_by_role("heading", name="One check fails").wait_for()
    lines = document.locator(".checks > ul > li").all_inner_texts()
    assert "read_only" in lines[0] and "SET GLOBAL x = 0" in lines[0] and "binlog_retention" in lines[1]
    assert not document.get_by_text("8.4.3").is_visible()
    assert fake_api.sent[-1][2]["ID"] == JOB


def test_a_document_that_somebody_else_has_changed_is_not_overwritten(fake_api: Fake, document: Page) -> None:
    _field(document).fill("16")
    fake_api.streams.change(JOB, JobModifyIndex=999, Name="Of somebody else")
    document.get_by_text("Somebody has changed the job's document meanwhile").wait_for()
    assert _field(document).input_value() == "16"
    document.get_by_role("button", name="Discard mine, show the present one").click()
    assert _field(document).input_value() == "4"


def test_what_is_written_outlives_the_token_and_a_look_at_another_tab(
    make_fake: Callable[..., Fake], page: Page, allowed: Allowed
) -> None:
    allowed.append("401")
    fake = make_fake(tokens={TOKEN: "write"})
    quiet(fake, JOB)
    page.add_init_script(f"sessionStorage.setItem('udup.token', '{TOKEN}')")
    _open(page, fake)
    _field(page).fill("16")
    fake.tokens = {"another": "write"}
    _apply(page)
    page.get_by_text("Your token is no longer accepted").first.wait_for()
    sent = len(fake.sent)
    fake.answers["POST", "jobs"] = {"Success": True, "Index": 9}
    page.get_by_label("API token").fill("another")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text("Your token is no longer accepted").first.wait_for(state="detached")
    assert _field(page).input_value() == "16"
    assert len(fake.sent) == sent, "what was refused is not sent again by itself"
    page.locator(".tabs").get_by_text("Events").click()
    page.locator(".events.long").wait_for()
    page.locator(".tabs").get_by_text("Document").click()
    page.locator("#document-json").wait_for()
    assert _field(page).input_value() == "16"
    _apply(page)
    page.get_by_text("The job goes by this document now.").wait_for()


def test_a_revert_tells_what_comes_back(fake_api: Fake, document: Page) -> None:
    versions = document.locator(".versions > li")
    versions.nth(2).wait_for()
    assert "v3" in versions.nth(0).inner_text() and "reverted to v1" in versions.nth(0).inner_text()
    assert "16" in versions.nth(0).locator(".diff del").first.inner_text()
    versions.nth(2).get_by_role("button", name="Revert").click()
    dialog = document.locator("dialog")
    assert "Back to document v1?" in dialog.inner_text() and f"udup job revert {JOB} 1" in dialog.inner_text()
    assert "Tasks[1].Config.ParallelWorkers: 4" in dialog.inner_text()
    with document.expect_request(lambda request: request.method == "POST") as sent:
        dialog.get_by_role("button", name="Revert", exact=True).click()
    assert sent.value.url.endswith(f"/v1/job/{JOB}/revert?to=1")


def test_the_document_is_accessible(document: Page) -> None:
    document.locator(".versions > li").nth(2).wait_for()
    check_page(document, (1360, 400))
