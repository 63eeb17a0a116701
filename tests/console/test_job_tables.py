"""The tables of a job: ten thousand of them, of which only those in sight are in the page."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.console.check import until
from tests.console.conftest import Fake
from tests.console.job_answers import quiet

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

JOB = "payments"

#: Milliseconds from the address to rows, and of a frame while the list is scrolled (95 of 100).
ROWS_MS, FRAME_MS = 1000, 50

#: A busy machine gets another try. The list is scrolled for so many frames.
TRIES, FRAMES = 3, 90

_SCROLL = """async () => {
  const view = document.querySelector('.grid .view'), frames = [];
  let last = performance.now();
  for (let i = 0; i < FRAMES; i++) {
    view.scrollTop += 700;
    await new Promise(done => requestAnimationFrame(done));
    const now = performance.now();
    frames.push(now - last);
    last = now;
  }
  frames.sort((a, b) => a - b);
  return { p95: frames[Math.floor(frames.length * 0.95)], rows: view.querySelectorAll('[data-index]').length };
}""".replace("FRAMES", str(FRAMES))

#: When the first row of the list came, in milliseconds since the address was gone to.
_FIRST_ROW = """new MutationObserver(() => {
  if (!window.firstRow && document.querySelector('.grid .row .name b')) window.firstRow = performance.now();
}).observe(document, { childList: true, subtree: true });"""


def _open(page: Page, fake: Fake, query: str = "") -> Page:
    page.goto(fake.at(f"#/jobs/{JOB}{query}"))
    _row(page, 0).locator(".name b").wait_for()
    return page


def _row(page: Page, index: int) -> Locator:
    return page.locator(f".grid [data-index='{index}']")


@pytest.fixture
def tables(make_fake: Callable[..., Fake], page: Page) -> Page:
    fake = make_fake(30, 430)
    quiet(fake, JOB)
    return _open(page, fake)


def test_ten_thousand_tables_come_and_scroll_within_their_budgets(make_fake: Callable[..., Fake], page: Page) -> None:
    fake = make_fake(30, 10_000)
    quiet(fake, JOB)
    page.add_init_script(_FIRST_ROW)
    _open(page, fake)  # the node has its lists and files in memory from now on
    first, frame = ROWS_MS + 1.0, FRAME_MS + 1.0
    for _ in range(TRIES):
        page.goto("about:blank")
        busy = _Busy(page)
        _open(page, fake)
        first = min(first, page.evaluate("window.firstRow"), busy.ms())
        busy = _Busy(page)
        scrolled = page.evaluate(_SCROLL)
        frame = min(frame, scrolled["p95"], busy.ms() / FRAMES)
        if first <= ROWS_MS and frame <= FRAME_MS:
            break
    assert first <= ROWS_MS and frame <= FRAME_MS, f"rows after {first:.0f} ms, frames of {frame:.1f} ms"
    assert scrolled["rows"] <= 60
    assert page.locator(".grid [role=table]").get_attribute("aria-rowcount") == "10001"


class _Busy:
    """The time of a processor that the page needs: on a machine with other work the clock says less."""

    def __init__(self, page: Page) -> None:
        self._session = page.context.new_cdp_session(page)
        self._session.send("Performance.enable", {"timeDomain": "threadTicks"})
        self._before = self._read()

    def ms(self) -> float:
        return self._read() - self._before

    def _read(self) -> float:
        told = {each["name"]: each["value"] for each in self._session.send("Performance.getMetrics")["metrics"]}
        return float(told["TaskDuration"]) * 1000


def test_rows_are_told_by_their_place_in_the_whole_list(tables: Page) -> None:
    view = tables.locator(".grid .view")
    view.evaluate("view => { view.scrollTop = 300 * 36; }")
    _row(tables, 305).locator(".name b").wait_for()
    assert _row(tables, 305).get_attribute("aria-rowindex") == "307"
    assert _row(tables, 0).count() == 0


def test_a_search_and_a_group_are_asked_of_the_node_and_stand_in_the_address(tables: Page) -> None:
    tables.get_by_role("searchbox", name="Find tables").fill("line_00012")
    tables.locator(".grid [aria-rowcount='2']").wait_for()
    assert "q=line_00012" in tables.url
    tables.get_by_role("searchbox").fill("nothing of this name")
    tables.get_by_text('No table "nothing of this name"').wait_for()
    tables.get_by_role("button", name="Clear").click()
    tables.locator(".grid [aria-rowcount='431']").wait_for()
    chip = tables.get_by_role("button", name=re.compile("^In trouble 10"))
    chip.click()
    tables.locator(".grid [aria-rowcount='11']").wait_for()
    assert chip.get_attribute("aria-pressed") == "true" and "show=trouble" in tables.url
    tables.reload()
    tables.locator(".grid [aria-rowcount='11']").wait_for()


def test_a_column_sorts_and_a_third_click_is_the_order_by_trouble_again(tables: Page) -> None:
    head = tables.get_by_role("columnheader", name="Table")
    for wanted, name in (("ascending", "00000"), ("descending", "00429"), ("none", "00040")):
        head.get_by_role("button").click()
        tables.locator(f"[aria-sort='{wanted}']", has_text="Table").wait_for()
        _row(tables, 0).locator(".name", has_text=f"order_line_{name}").wait_for()


def test_the_keyboard_goes_from_row_to_row_beyond_what_is_in_sight(tables: Page) -> None:
    tables.locator(".grid .view").focus()
    for _ in range(40):
        tables.keyboard.press("ArrowDown")
    until(tables, "document.activeElement.dataset.index === '39'")
    tables.keyboard.press("Home")
    until(tables, "document.activeElement.dataset.index === '0'")
    tables.keyboard.press("End")
    until(tables, "document.activeElement.dataset.index === '429'")
    tables.keyboard.press("k")
    until(tables, "document.activeElement.dataset.index === '428'")
    _row(tables, 428).locator(".name b").wait_for()
    tables.keyboard.press("Enter")
    tables.get_by_role("menuitem", name="Compare", exact=True).wait_for()


def test_the_menu_of_a_row_is_whole_in_a_short_list_and_at_the_end_of_the_window(
    make_fake: Callable[..., Fake], page: Page
) -> None:
    fake = make_fake(30, 1)
    quiet(fake, JOB)
    _open(page, fake)
    for height in (1400, 500):
        page.set_viewport_size({"width": 1360, "height": height})
        _row(page, 0).scroll_into_view_if_needed()
        _row(page, 0).get_by_role("button").click()
        page.get_by_role("menuitem", name="Leave out…").click(trial=True)
        page.keyboard.press("Escape")


def test_a_row_keeps_its_menu_and_the_list_its_place_when_it_is_loaded_again(tables: Page) -> None:
    _row(tables, 3).get_by_role("button").click()
    before = tables.get_by_role("menuitem").all_inner_texts()
    assert before == ["Compare", "Show the differences", "Repair…", "Reload…", "Leave out…", "Copy name"]
    with tables.expect_response(re.compile("/tables"), timeout=20_000):
        tables.wait_for_timeout(1)  # the next look at what is in sight
    assert tables.get_by_role("menuitem").all_inner_texts() == before


def test_a_reload_wants_the_tables_name_and_says_what_it_costs(make_fake: Callable[..., Fake], page: Page) -> None:
    fake = make_fake(30, 60)
    quiet(fake, JOB)
    fake.answers["GET", f"job/{JOB}/estimate"] = {"Seconds": 360, "Rows": 12_400_000, "Bytes": 1, "Why": ""}
    _open(page, fake)
    name = _row(page, 0).locator(".name").inner_text()
    _row(page, 0).get_by_role("button").click()
    page.get_by_role("menuitem", name="Reload…").click()
    dialog = page.locator("dialog")
    dialog.get_by_text("About 6 min.").wait_for()
    assert "12.4m rows" in dialog.inner_text().lower() and f"udup job reload {JOB} {name}" in dialog.inner_text()
    dialog.locator("input").fill(name.partition(".")[2])
    with page.expect_request(lambda request: request.method == "POST") as sent:
        dialog.get_by_role("button", name="Drop and reload", exact=True).click()
    assert sent.value.url.endswith(f"/v1/job/{JOB}/reload?table={name}")
    page.get_by_text("the node has taken it").wait_for()


def test_a_reload_is_asked_for_although_the_source_does_not_tell_its_size(
    make_fake: Callable[..., Fake], page: Page
) -> None:
    fake = make_fake(30, 60)
    quiet(fake, JOB)
    page.route("**/estimate?*", lambda _route: None)  # no answer comes
    _open(page, fake)
    name = _row(page, 0).locator(".name").inner_text()
    _row(page, 0).get_by_role("button").click()
    page.get_by_role("menuitem", name="Reload…").click()
    page.get_by_role("dialog").get_by_role("heading", name=f"Reload {name}?").wait_for(timeout=20_000)


def test_a_repair_tells_the_rows_that_a_dry_run_finds(make_fake: Callable[..., Fake], page: Page) -> None:
    fake = make_fake(30, 60)
    quiet(fake, JOB)
    name = "shop.order_line_00040"
    counts = {"Total": 4, "Inserts": 1, "Replaces": 2, "Deletes": 1, "Rows": [], "Note": ""}
    fake.answers["POST", f"job/{JOB}/repair"] = counts | {"Success": True}
    _open(page, fake)
    _row(page, 0).get_by_role("button").click()
    page.get_by_role("menuitem", name="Repair…").click()
    page.get_by_text("4 rows are written on mysql-p17.dr:3306: 1 inserted, 2 replaced, 1 deleted.").wait_for()
    page.locator("dialog").get_by_role("button", name="Repair", exact=True).click()
    page.get_by_text("the node has taken it").wait_for()
    assert [each[2] for each in fake.sent] == [{"Tables": [name], "DryRun": True}, {"Tables": [name]}]


def test_a_table_is_left_out_by_the_document_that_was_looked_at(make_fake: Callable[..., Fake], page: Page) -> None:
    fake = make_fake(30, 60)
    quiet(fake, JOB)
    fake.answers["POST", "jobs"] = {"Success": True, "Index": 9}
    _open(page, fake)
    _row(page, 0).get_by_role("button").click()
    page.get_by_role("menuitem", name="Leave out…").click()
    page.locator("dialog").get_by_role("button", name="Leave out", exact=True).click()
    page.get_by_text("the node has taken it").wait_for()
    document = fake.sent[-1][2]
    assert document["Tasks"][0]["Config"]["ReplicateIgnoreDb"] == [
        {"TableSchema": "shop", "Tables": [{"TableName": "order_line_00040"}]}
    ]
    assert document["EnforceIndex"] is True
    assert document["JobModifyIndex"] == fake.world.wholes[JOB]["JobModifyIndex"]
    assert "Shown" not in document and "Progress" not in document
