"""What the demo shows."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from udup.cli.progress import Observer, View
from udup.cli.watch import LivePanel, PlainLines, line, open_screen, panel
from udup.demo.verdict import Numbers, show_verdict
from udup.sandbox.load_process import LoadStats
from udup.verify.compare import Comparison, TableVerdict
from udup.verify.sums import TableSum


def copying(rows: int, eta: float | None = None) -> dict[str, Any]:
    tables = {"shop.orders": {"rows": rows, "total": 1000}, "shop.stock": {"rows": 10, "total": 10}}
    return {"Stage": "copying", "Progress": {"tables": tables, "eta_s": eta}}


def text(view: View) -> str:
    console = Console(file=io.StringIO(), width=100)
    console.print(panel(view))
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_rates_and_time_to_go_follow_from_two_answers() -> None:
    observer = Observer()
    observer.view(copying(0), written=0)
    observer._counts["shop.orders"][0] = (observer._counts["shop.orders"][0][0] - 1.0, 0)
    view = observer.view(copying(250), written=5)
    orders = view.tables[0]
    assert 200 < orders.rate < 251
    assert orders.eta is not None and 2.9 < orders.eta < 4
    assert view.copy_eta is not None and 2.9 < view.copy_eta < 4
    assert (view.rows, view.total) == (260, 1010)


def test_the_servers_own_estimate_goes_before_ours() -> None:
    assert Observer().view(copying(250, eta=17.0), written=0).copy_eta == 17.0


def test_a_copy_shows_each_table() -> None:
    shown = text(Observer().view(copying(250), written=42))
    assert "copying" in shown and "42 commits" in shown
    assert "shop.orders" in shown and "250" in shown and "1,000" in shown


def test_a_running_job_shows_lag_and_flow() -> None:
    job = {"Stage": "running", "Progress": {"lag_ms": 12.4, "tx_per_s": 301.6, "rows_per_s": 1234.5, "tables": {}}}
    observer = Observer()
    view = observer.view(job, written=1)
    for shown in (text(view), line(view)):
        assert "12 ms" in shown and "302" in shown and "1,234" in shown
    assert list(observer.lags) == [12.4]


def test_a_job_that_has_not_said_anything_yet_can_be_shown() -> None:
    view = Observer().view({"Stage": "pending", "Progress": None}, written=0)
    assert "pending" in text(view) and "pending" in line(view)


def test_restarts_and_errors_are_told() -> None:
    job = {"Stage": "catching_up", "Progress": {"restarts": 2, "last_error": "connection lost [x]"}}
    view = Observer().view(job, written=0)
    assert "connection lost [x]" in text(view) and "restarts: 2" in line(view)


def test_without_a_terminal_there_is_a_line_a_second_and_one_a_stage() -> None:
    output = io.StringIO()
    console = Console(file=output, width=200)
    screen = open_screen(console)
    assert isinstance(screen, PlainLines)
    observer = Observer()
    with screen:
        for _ in range(20):
            screen.show(observer.view(copying(10), written=0))
        screen.show(observer.view({"Stage": "running"}, written=0))
    assert len(output.getvalue().splitlines()) == 2
    assert isinstance(open_screen(Console(file=io.StringIO(), force_terminal=True)), LivePanel)


def test_the_verdict_names_the_table_that_differs() -> None:
    output = io.StringIO()
    sums = TableSum(2, "AB" * 32, 7), TableSum(2, "CD" * 32, 9)
    comparison = Comparison(
        (), (TableVerdict(("shop", "stock"), *sums), TableVerdict(("shop", "orders"), *sums[:1] * 2))
    )
    numbers = Numbers(copied_rows=1000, copy_seconds=2.0, level_seconds=0.5, load=LoadStats(transactions=9))
    show_verdict(Console(file=output, width=160), comparison, numbers, Observer())
    shown = output.getvalue()
    assert "NOT EQUAL" in shown and "shop.stock: 2 rows on the source, 2 on the target, not equal" in shown
    assert "abababababab" in shown and "cdcdcdcdcdcd" in shown
    assert "500 rows/s" in shown
