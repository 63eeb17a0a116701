"""Whether commits stand still until a semi-synchronous replica acknowledges them, by what a server says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from udup.base import runtime
from udup.drivers.mysql.client.processes import Process
from udup.drivers.mysql.stream import position
from udup.drivers.mysql.stream.position import waits_for_replica

COUNTS = {"wait_sessions": 0, "yes_tx": 5, "no_tx": 0}


class Server:
    """Answers with the processes that the account may see, and with the counts of one look after the other."""

    def __init__(self, *states: tuple[str, int], counts: list[dict[str, int]], word: str = "source") -> None:
        self.processes = [Process(n, "app", "h", "Query", s, state, "COMMIT") for n, (state, s) in enumerate(states)]
        self.counts: Iterator[dict[str, int]] = iter(counts)
        self.word = word

    def query(self, sql: str) -> list[tuple[str, str]]:
        assert sql == "SHOW GLOBAL STATUS LIKE 'Rpl_semi_sync_%'"
        counts = {"clients": 1, **next(self.counts)}
        return [(f"Rpl_semi_sync_{self.word}_{name}", str(value)) for name, value in counts.items()]


@pytest.fixture(autouse=True)
def server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(position, "read_processes", lambda connection: connection.processes)
    monkeypatch.setattr(position, "query", lambda connection, sql: connection.query(sql))
    monkeypatch.setattr(runtime, "sleep", lambda seconds: None)


def _waits(*args: Any, **more: Any) -> bool:
    return waits_for_replica(Server(*args, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "state",
    ["Waiting for semi-sync ACK from replica", "Waiting for semi-sync ACK from slave", "Waiting for semi-sync ACK"],
)
def test_a_session_that_waits_for_seconds_tells(state: str) -> None:
    assert _waits(("executing", 90), (state, 9), counts=[])


def test_commits_that_are_acknowledged_in_a_moment_do_not_stand_still() -> None:
    """On a busy source there is always one that waits."""
    busy = [COUNTS | {"wait_sessions": 2, "yes_tx": done} for done in (5, 905)]
    assert not _waits(("Waiting for semi-sync ACK from replica", 0), counts=busy)


@pytest.mark.parametrize("word", ["source", "master"])
def test_an_account_that_sees_no_session_of_others_is_told_by_the_counts(word: str) -> None:
    assert _waits(counts=[COUNTS | {"wait_sessions": 1}] * 2, word=word)


def test_a_server_where_nobody_waits_or_without_the_plugin_waits_for_nobody() -> None:
    assert not _waits(("executing", 90), counts=[COUNTS])
    assert not _waits(counts=[{}])


def test_a_wait_that_ends_while_it_is_looked_at_is_none() -> None:
    assert not _waits(counts=[COUNTS | {"wait_sessions": 1}, COUNTS | {"no_tx": 1}])
