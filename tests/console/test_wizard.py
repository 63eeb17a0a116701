"""The wizard makes a job step by step, tells what is wrong where it is typed, and loses nothing that was said."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import udup.web
from tests.console.answers import Refusal, Request
from tests.console.check import WIDTHS, check_page
from tests.console.conftest import Allowed, Fake
from tests.console.made_up import READ_TOKEN, TOKEN
from tests.console.wizard_answers import FAULT, PASSWORD, SOURCE, TARGET, WARNING, answer_wizard, validation
from tests.console.wizard_steps import at_step, end, focused, onward, to_options, to_start, to_tables, type_server
from tests.console.wizard_steps import type_servers as type_both
from udup.web.openapi.document import openapi

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.fixture
def fake(fake_api: Fake) -> Fake:
    answer_wizard(fake_api)
    return fake_api


def _json(page: Page) -> Any:
    """Return what the page says that it will post."""
    if page.get_by_role("button", name="Show as JSON").count():
        page.get_by_role("button", name="Show as JSON").click()
    return json.loads(page.get_by_role("region", name="What will be posted", exact=True).inner_text())


def _posted(fake: Fake) -> Any:
    return [body for method, path, body in fake.sent if (method, path) == ("POST", "jobs")][-1]


def test_what_is_shown_as_json_is_what_is_posted_and_the_jobs_page_comes(page: Page, fake: Fake) -> None:
    to_start(page, fake)
    page.get_by_label("Name").fill("Shop to the cloud")
    shown = _json(page)
    assert "right horse" not in json.dumps(shown)
    page.get_by_label("Show passwords").check()
    shown = _json(page)
    page.get_by_role("button", name="Start job").click()
    page.wait_for_url("**/#/jobs/shop-to-the-cloud")
    assert _posted(fake) == shown
    job = shown["Job"]
    assert (job["ID"], job["Name"], shown["EnforceIndex"], shown["JobModifyIndex"]) == (
        "shop-to-the-cloud",
        "Shop to the cloud",
        True,
        0,
    )
    source, target = (task["Config"] for task in job["Tasks"])
    assert source["ConnectionConfig"] == {"Host": SOURCE, "Port": 3306, "User": "udup", "Password": PASSWORD}
    assert target["ConnectionConfig"]["Host"] == TARGET
    assert source["ReplicateDoDb"] == [{"TableSchema": "shop"}]
    assert source["ReplicateIgnoreDb"] == [{"TableSchema": "shop", "Tables": [{"TableName": "remote"}]}]
    at_step(page, fake, "servers")  # the draft has become a job: the next one begins empty
    assert end(page, "Source").get_by_label("Host").input_value() == ""


def test_a_press_counts_while_the_answer_of_a_server_changes_the_page(page: Page, fake: Fake) -> None:
    """The button was pressed while a password had the focus: the server is asked, and what it answers takes room."""
    at_step(page, fake, "servers")
    type_server(page, "Source", SOURCE)
    end(page, "Source").get_by_text("MySQL 8.4.5").wait_for()
    for field, text in (("Host", TARGET), ("User", "udup"), ("Password", PASSWORD)):
        end(page, "Target").get_by_label(field).fill(text)
    page.wait_for_timeout(1000)  # the typing rests; the server is asked when the field is left
    tall = page.evaluate("document.querySelector('.ends-columns').offsetHeight")
    box = page.locator(".onward button").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 20, box["y"] + 5)
    page.mouse.down()
    end(page, "Target").get_by_text("MariaDB 11.8.2").wait_for()
    assert page.evaluate("document.querySelector('.ends-columns').offsetHeight") > tall
    page.mouse.up()
    page.get_by_role("heading", name="Which tables?", level=1).wait_for()


def test_faults_stand_at_their_fields_and_in_a_list_that_leads_there(page: Page, fake: Fake) -> None:
    at_step(page, fake, "servers")
    page.get_by_role("button", name="Next: Tables").click()
    listed = page.get_by_role("group", name="4 things are to be put right")
    listed.wait_for()
    assert page.evaluate("document.activeElement.className") == "fault-list"
    listed.get_by_role("button", name="Target, User").click()
    assert focused(page) == "field-Tasks[1].Config.ConnectionConfig.User"
    described = page.evaluate(
        "document.getElementById(document.activeElement.getAttribute('aria-describedby')).innerText"
    )
    assert described == "Write the account's name"
    page.keyboard.type("udup")
    page.get_by_role("group", name="3 things are to be put right").wait_for()


def test_a_wrong_password_is_told_at_the_password(page: Page, fake: Fake) -> None:
    at_step(page, fake, "servers")
    type_server(page, "Source", SOURCE, "wrong")
    type_server(page, "Target", TARGET)
    end(page, "Source").get_by_text("Access denied for user").wait_for()  # as typed, before anything is pressed
    page.get_by_role("button", name="Next: Tables").click()
    page.get_by_role("button", name="Source, Password: mysql-o1.test: Access denied").click()
    assert focused(page) == "field-Tasks[0].Config.ConnectionConfig.Password"
    page.keyboard.press("Control+A")
    page.keyboard.type(PASSWORD[:4])
    page.wait_for_timeout(1000)  # longer than the typing must rest elsewhere
    page.keyboard.type(PASSWORD[4:])
    page.keyboard.press("Tab")
    end(page, "Source").get_by_text("MySQL 8.4.5").wait_for()
    tried = [body["ConnectionConfig"].get("Password") for _, path, body in fake.sent if path == "inspect"]
    assert PASSWORD[:4] not in tried, "half a password may lock an account"
    onward(page, "Which tables?")


def test_a_node_that_looks_at_other_servers_is_asked_again(page: Page, fake: Fake, allowed: Allowed) -> None:
    allowed.append("503")
    inspect, busy = fake.answers["POST", "inspect"], [1, 2]

    def answer(request: Request) -> Any:
        if busy:
            busy.pop()
            raise Refusal("503 Service Unavailable", "4 servers are being looked at already; try again in a moment")
        return inspect(request)

    fake.answers["POST", "inspect"] = answer
    at_step(page, fake, "servers")
    type_both(page)
    end(page, "Source").get_by_text("MySQL 8.4.5").wait_for()
    end(page, "Target").get_by_text("MariaDB 11.8.2").wait_for()
    assert not busy


def test_a_server_that_is_not_reached_keeps_one_from_going_on_unless_one_says_so(page: Page, fake: Fake) -> None:
    at_step(page, fake, "servers")
    type_server(page, "Source", SOURCE)
    type_server(page, "Target", "nowhere.test")
    page.get_by_role("button", name="Next: Tables").click()
    page.get_by_role("button", name="Target, Host: nowhere.test:3306: connection refused").wait_for()
    end(page, "Target").get_by_label("Go on without this test").check()
    onward(page, "Which tables?")


def test_back_forward_and_a_reload_lose_nothing_but_passwords(page: Page, fake: Fake) -> None:
    to_options(page, fake)
    page.get_by_label("End when level").check()
    page.get_by_role("link", name="Back").click()
    page.get_by_role("heading", name="Which tables?", level=1).wait_for()
    page.go_back()
    page.go_back()
    page.get_by_role("heading", name="Which tables?", level=1).wait_for()
    page.get_by_role("link", name="Servers (done)").click()
    assert end(page, "Source").get_by_label("Password").input_value() == PASSWORD
    assert PASSWORD not in page.evaluate("JSON.stringify({...sessionStorage}) + JSON.stringify({...localStorage})")
    page.reload()
    page.get_by_text("Passwords are not kept over a reload").wait_for()
    assert end(page, "Source").get_by_label("Host").input_value() == SOURCE
    assert end(page, "Source").get_by_label("Password").input_value() == ""
    type_both(page)
    onward(page, "Which tables?")
    page.get_by_text("FEDERATED: cannot be replicated").wait_for()
    assert page.get_by_label("Replicate shop").is_checked()
    onward(page, "How?")
    assert page.get_by_label("End when level").is_checked()


def test_a_token_that_expires_in_the_middle_loses_nothing(
    page: Page, make_fake: Callable[..., Fake], allowed: Allowed
) -> None:
    allowed.append("401")
    fake = make_fake(tokens={TOKEN: "write"})
    answer_wizard(fake)
    page.goto(fake.at("#/new/servers"))
    page.get_by_label("API token").fill(TOKEN)
    page.keyboard.press("Enter")
    page.locator(".wizard").wait_for()
    type_both(page)
    end(page, "Target").get_by_text("MariaDB 11.8.2").wait_for()
    fake.tokens = {"another": "write"}
    end(page, "Source").get_by_label("User").fill("other")
    page.get_by_role("dialog").get_by_label("API token").fill("another")
    page.keyboard.press("Enter")
    end(page, "Source").get_by_text("other@%").wait_for()  # what was refused is asked again
    assert end(page, "Source").get_by_label("Password").input_value() == PASSWORD
    onward(page, "Which tables?")
    page.get_by_label("Replicate shop").check()
    onward(page, "How?")
    onward(page, "Can it start?")
    page.get_by_text("The job can start.").wait_for()
    onward(page, "Start")
    page.get_by_label("Name").fill("Kept")
    fake.tokens = {"third": "write"}
    page.get_by_role("button", name="Start job").click()
    page.get_by_role("dialog").get_by_label("API token").fill("third")
    page.keyboard.press("Enter")
    page.get_by_role("dialog").wait_for(state="detached")
    assert page.get_by_label("Name").input_value() == "Kept"
    assert not [path for _, path, _ in fake.sent if path == "jobs"], "what was refused is not sent again by itself"
    page.get_by_role("button", name="Start job").click()
    page.wait_for_url("**/#/jobs/kept")


def test_the_keyboard_alone_makes_a_job(page: Page, fake: Fake) -> None:
    at_step(page, fake, "servers")

    def tab_to(wanted: str) -> None:
        for _ in range(80):
            page.keyboard.press("Tab")
            if re.search(wanted, focused(page)):
                return
        raise AssertionError(f"no way to {wanted} by Tab")

    for place, host in ((0, SOURCE), (1, TARGET)):
        for key, text in (("Host", host), ("User", "udup"), ("Password", PASSWORD)):
            tab_to(rf"Tasks\[{place}\].*{key}$")
            page.keyboard.type(text)
    page.keyboard.press("Enter")  # in a field: on
    page.get_by_role("heading", name="Which tables?", level=1).wait_for()
    assert focused(page) == "Which tables?"
    page.get_by_label("Replicate shop").wait_for()
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.ariaLabel") == "Replicate shop":
            break
    page.keyboard.press("Space")
    page.get_by_text("FEDERATED: cannot be replicated").wait_for()
    tab_to("^Next: Options")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="How?", level=1).wait_for()
    tab_to("^Next: Check")
    page.keyboard.press("Enter")
    page.get_by_text("The job can start.").wait_for()
    tab_to("^Next: Start")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Start", level=1).wait_for()
    tab_to("^Start job")
    page.keyboard.press("Enter")
    page.wait_for_url("**/#/jobs/shop")
    assert _posted(fake)["Job"]["ID"] == "shop"


def test_the_grants_are_those_of_what_was_chosen(page: Page, fake: Fake) -> None:
    to_tables(page, fake)
    page.get_by_label("Replicate shop").check()
    page.get_by_role("link", name="Servers (done)").click()
    end(page, "Source").get_by_text("Account and privileges").click()
    end(page, "Source").get_by_text("GRANT SELECT ON `shop`.* TO 'udup'@'%'").wait_for()
    asked = [body for _, path, body in fake.sent if path == "grants"][-1]
    assert PASSWORD not in json.dumps(asked)


def test_single_tables_new_names_and_what_cannot_be_carried(page: Page, fake: Fake) -> None:
    to_tables(page, fake)
    page.get_by_label("Replicate shop").check()
    so_far = page.get_by_role("region", name="So far", exact=True)
    so_far.get_by_text("1 table cannot be replicated and is left out").wait_for()
    assert so_far.get_by_text("ALTER TABLE `shop`.`audit_log` ADD PRIMARY KEY (…)").is_visible()
    assert page.get_by_label("Replicate remote").is_disabled()
    page.get_by_label("Replicate tmp_import").uncheck()
    assert "95 GiB" in so_far.inner_text() and "1 of 4" in so_far.inner_text()
    page.get_by_label("Only the tables ticked below").check()
    page.get_by_label("Replicate voucher").uncheck()
    page.get_by_text("More: new names").click()
    page.get_by_label("Name of shop on the target").fill("shop_copy")
    [entry] = _json(page)["Job"]["Tasks"][0]["Config"]["ReplicateDoDb"]
    tables = [{"TableName": name} for name in ("audit_log", "basket", "customer", "order", "payment")]
    assert entry == {"TableSchema": "shop", "TableSchemaRename": "shop_copy", "Tables": tables}
    for name in ("audit_log", "basket", "customer", "order", "payment"):
        page.get_by_label(f"Replicate {name}").uncheck()
    page.get_by_role("button", name="Next: Options").click()
    page.get_by_role("button", name="Source, Tables: Choose one schema or table at least").wait_for()


def test_tables_of_a_large_schema_are_found_by_the_server(page: Page, fake: Fake) -> None:
    to_tables(page, fake)
    page.get_by_role("button", name="wide").click()
    page.get_by_text("The first 1,000 tables by name").wait_for()
    page.get_by_label("Search tables").fill("t02345")
    page.get_by_label("Replicate t02345").check()
    assert _json(page)["Job"]["Tasks"][0]["Config"]["ReplicateDoDb"] == [
        {"TableSchema": "wide", "Tables": [{"TableName": "t02345"}]}
    ]


def test_dropping_the_targets_tables_is_typed(page: Page, fake: Fake) -> None:
    to_options(page, fake)
    page.get_by_label("Drop them").check()
    page.get_by_role("button", name="Next: Check").click()
    page.get_by_role("button", name=f"Type {TARGET}:3306 to allow that its tables are dropped").click()
    assert focused(page) == "field-typed"
    page.keyboard.type(f"{TARGET}:3306")
    onward(page, "Can it start?")
    assert _json(page)["Job"]["Tasks"][1]["Config"]["DropTableIfExists"] is True


def test_a_check_that_fails_keeps_the_job_from_starting_and_warnings_are_to_be_read(page: Page, fake: Fake) -> None:
    answer_wizard(fake, FAULT, WARNING)
    to_options(page, fake)
    onward(page, "Can it start?")
    page.get_by_role("heading", name="1 thing keeps it from starting").wait_for()
    assert page.get_by_text("GRANT INSERT ON `shop`.* TO 'udup'@'%'").is_visible()
    assert page.get_by_role("button", name="Next: Start").is_disabled()
    fake.answers["POST", "validate/job"] = validation(WARNING)
    page.get_by_role("button", name="Check again").click()
    page.get_by_text("The job can start. Read the warnings first.").wait_for()
    assert page.get_by_role("button", name="Next: Start").is_disabled()
    page.get_by_label("I have read the warning").check()
    onward(page, "Start")


def test_an_id_that_is_taken_is_told_at_the_id(page: Page, fake: Fake, allowed: Allowed) -> None:
    allowed.append("409")
    to_start(page, fake)
    page.get_by_label("ID").fill("billing")
    page.get_by_role("button", name="Start job").click()
    page.get_by_role("button", name="ID: There is a job billing already").click()
    assert focused(page) == "field-ID"


def test_tables_are_added_to_a_job_that_runs(page: Page, fake: Fake) -> None:
    at_step(page, fake, "tables", "?job=billing&for=add")
    page.get_by_label("Replicate crm").wait_for()
    assert page.get_by_label("Replicate shop").is_disabled()
    page.get_by_role("button", name="Next: Check").click()
    page.get_by_role("button", name="Source, Tables: Tick the tables that are to come into the job").wait_for()
    page.get_by_label("Replicate crm").check()
    onward(page, "Can it start?")
    onward(page, "Start")
    page.get_by_text("The job goes on for the tables that it has").wait_for()
    page.get_by_role("button", name="Add tables").click()
    page.wait_for_url("**/#/jobs/billing")
    body = _posted(fake)
    assert body["JobModifyIndex"] == fake.world.wholes["billing"]["JobModifyIndex"] or body["JobModifyIndex"] > 0
    source = body["Job"]["Tasks"][0]["Config"]
    assert source["ReplicateDoDb"] == [{"TableSchema": "shop"}, {"TableSchema": "crm"}]
    assert source["ConnectionConfig"]["Password"] == "******"


def test_another_document_keeps_the_password_that_is_stored(page: Page, fake: Fake) -> None:
    at_step(page, fake, "servers", "?job=billing&for=update")
    type_server(page, "Target", TARGET)
    end(page, "Source").get_by_text("MySQL 8.0.42").wait_for()
    asked = [body for _, path, body in fake.sent if path == "inspect"]
    assert asked[0]["Job"] == "billing" and asked[0]["ConnectionConfig"]["Password"] == "******"
    onward(page, "Which tables?")
    onward(page, "How?")
    onward(page, "Can it start?")
    onward(page, "Start")
    assert page.get_by_label("ID").is_disabled()
    page.get_by_role("button", name="Apply").click()
    page.wait_for_url("**/#/jobs/billing")
    passwords = [task["Config"]["ConnectionConfig"]["Password"] for task in _posted(fake)["Job"]["Tasks"]]
    assert passwords == ["******", PASSWORD]


def test_a_job_that_was_changed_meanwhile_is_not_overwritten(page: Page, fake: Fake, allowed: Allowed) -> None:
    allowed.append("409")
    at_step(page, fake, "options", "?job=billing&for=update")
    page.get_by_label("Once, after the copy").check()
    fake.world.wholes["billing"]["JobModifyIndex"] += 1
    onward(page, "Can it start?")
    onward(page, "Start")
    page.get_by_role("button", name="Apply").click()
    page.get_by_text("The job has been changed since this was begun").wait_for()
    page.get_by_role("button", name="Begin again").click()
    page.get_by_role("dialog").get_by_role("button", name="Begin again").click()
    page.get_by_role("heading", name="Which servers?", level=1).wait_for()
    page.get_by_role("link", name="Leave").wait_for()
    page.goto(fake.at("#/new/options?job=billing&for=update"))
    page.get_by_label("Only when asked for").wait_for()
    assert page.get_by_label("Only when asked for").is_checked()


def test_what_a_node_warns_of_when_it_takes_a_document_is_told_before_one_goes_on(page: Page, fake: Fake) -> None:
    to_start(page, fake)
    taken = fake.answers["POST", "jobs"]
    fake.answers["POST", "jobs"] = lambda request: {**taken(request), "Warning": "shop.old stays on the target"}
    page.get_by_role("button", name="Start job").click()
    page.get_by_text("shop.old stays on the target").wait_for()
    page.get_by_role("link", name="To the job").click()
    page.wait_for_url("**/#/jobs/shop")


def test_a_subscription_is_made_by_the_same_steps(page: Page, fake: Fake) -> None:
    at_step(page, fake, "servers")
    type_server(page, "Source", SOURCE)
    page.get_by_label("What it is").select_option("NATS")
    page.get_by_role("button", name="Next: Tables").click()
    page.get_by_role("button", name="Target, Prefix: Write what all topics begin with").click()
    page.keyboard.type("shop1")
    onward(page, "Which tables?")
    page.get_by_label("Replicate hr").check()
    onward(page, "How?")
    page.get_by_label("Flat").check()
    job = _json(page)["Job"]
    assert job["Type"] == "subscribe"
    assert job["Tasks"][1] == {
        "Type": "Dest",
        "Driver": "NATS",
        "Config": {"Prefix": "shop1", "NatsConfig": {}, "Format": "flat"},
    }


def test_a_token_that_may_only_read_makes_no_job(page: Page, make_fake: Callable[..., Fake], allowed: Allowed) -> None:
    allowed.append("401")
    fake = make_fake(tokens={READ_TOKEN: "read"})
    page.goto(fake.at("#/new/servers"))
    page.get_by_label("API token").fill(READ_TOKEN)
    page.keyboard.press("Enter")
    page.get_by_text("Your token may look at everything and change nothing").wait_for()
    assert not page.get_by_role("button", name="Next: Tables").count() and not fake.sent


@pytest.mark.parametrize("step", ["servers", "tables", "options", "check", "start"])
def test_each_step_is_good_for_every_reader(page: Page, fake: Fake, step: str) -> None:
    answer_wizard(fake, FAULT if step == "check" else WARNING)
    at_step(page, fake, "servers")
    if step == "servers":
        page.get_by_role("button", name="Next: Tables").click()
        page.get_by_label("What it is").select_option("Kafka")
    else:
        type_both(page)
        onward(page, "Which tables?")
        page.get_by_label("Replicate shop").check()
        page.get_by_text("FEDERATED: cannot be replicated").wait_for()
        page.goto(fake.at(f"#/new/{step}"))
        page.locator(f"li[aria-current] >> text=/{step}/i").wait_for()
    while page.locator("main details:not([open])").count():
        page.locator("main details:not([open]) > summary").first.click()
    if step in ("servers", "tables"):
        page.get_by_role("button", name="Show as JSON").click()
    check_page(page, WIDTHS if step in ("servers", "tables") else (1360, 400))


def test_help_is_there_in_chinese_for_every_key_and_for_no_other() -> None:
    schemas = openapi()["components"]["schemas"]
    text = (Path(udup.web.__file__).parent / "console/words/zh/help.js").read_text("utf-8")
    known = set(re.findall(r"^  '?([\w.]+)'?:", text, re.MULTILINE))
    keys, seen = set(), set()

    def walk(name: str) -> None:
        seen.add(name)
        keys.update(f"{name}.{key}" for key in schemas[name].get("properties", {}))
        for other in re.findall(r"#/components/schemas/(\w+)", json.dumps(schemas[name])):
            if other not in seen:
                walk(other)

    walk("JobSpec")
    told = {key: key if key in known else key.split(".")[1] for key in keys}
    assert not {key for key, name in told.items() if name not in known}
    assert known == set(told.values())


_FORM = """async () => {
  const { html, render, signal } = await import('./core/html.js');
  const { Form } = await import('./parts/form.js');
  const { documentOf, loadSchemas } = await import('./parts/schema.js');
  const { get } = await import('./core/api.js');
  const schemas = await loadSchemas();
  const document_ = documentOf(await get('job/billing'), schemas);
  document_.Tasks[0].Config.Options = { 'x.y': 'z' };
  const shown = signal({ ...document_, Strange: { kept: true } });
  window.form = shown;
  const errors = [{ field: 'Tasks[1].Config.ChunkSize', problem: 'too large', remedy: 'write less' }];
  const place = document.querySelector('main');
  place.replaceChildren();
  const App = () => html`<${Form} schema=${{ name: 'JobSpec', schemas }} value=${shown.value} errors=${errors}
    onChange=${next => { shown.value = next; }} />`;
  render(html`<${App} />`, place.appendChild(document.createElement('div')));
}"""


def test_the_form_of_a_document_keeps_what_it_does_not_know_and_shows_faults_at_their_fields(
    page: Page, fake: Fake
) -> None:
    page.goto(fake.at("#/settings"))
    page.get_by_role("heading", level=1).wait_for()
    page.evaluate(_FORM)

    def value() -> Any:
        return json.loads(page.evaluate("JSON.stringify(window.form.value)"))

    def at(path: str) -> Any:
        return page.locator(f"[id='field-{path}']")

    chunk = at("Tasks[1].Config.ChunkSize")
    assert chunk.get_attribute("aria-invalid") == "true"
    help_of, fault_of = (
        page.locator(f"[id='{each}']") for each in (chunk.get_attribute("aria-describedby") or "").split()
    )
    assert help_of.inner_text().startswith("Rows of one chunk") and "write less" in fault_of.inner_text()
    chunk.fill("500")
    password = at("Tasks[0].Config.ConnectionConfig.Password")
    assert password.input_value() == "" and password.get_attribute("type") == "password"
    password.fill("new")
    password.fill("")
    page.locator("summary[aria-label='5 more settings of Tasks[0].Config.ConnectionConfig']").click()
    mode = at("Tasks[0].Config.ConnectionConfig.SslMode")
    mode.select_option("REQUIRED")
    assert page.locator("details[open]").get_by_label("SslMode").count() == 1, "it stays where it is"
    at("ID").fill("")
    assert "ID" not in value() and at("ID").is_visible()
    at("ID").fill("billing")
    found = value()
    source, target = (task["Config"] for task in found["Tasks"])
    assert found["Strange"] == {"kept": True} and source["Options"] == {"x.y": "z"}
    assert source["ConnectionConfig"] | {"SslMode": "REQUIRED", "Password": "******"} == source["ConnectionConfig"]
    assert target["ChunkSize"] == 500
    at("Type").select_option("migration")
    at("Tasks[1].Config.ChunkSize").fill("")
    page.evaluate("window.form.value = { ...window.form.value, EndWhen: 'finished' }")
    assert at("EndWhen").input_value() == "finished"
    assert value()["Type"] == "migration" and "ChunkSize" not in value()["Tasks"][1]["Config"]
