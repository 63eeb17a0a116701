"""What a packet of statements has changed is judged whole: a row that is not there comes before what follows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from udup.base.errors import Refused, Unsupported
from udup.drivers.mysql.client.errors import MySQLError, NamedRowError, error_code
from udup.drivers.mysql.statements import batch
from udup.drivers.mysql.statements.batch import Batch, WarnedError

#: Of the server's answers: rows and warnings of a statement, or its error.
Answer = tuple[int, int] | int

DUPLICATE, DEADLOCK, LOST = 1062, 1213, 2013


class Server:
    """Answers a packet as it was told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.packets: list[bytes] = []
        self.answers: list[Answer] = []
        monkeypatch.setattr(batch, "execute_affected", self._execute)

    def _execute(self, connection: Any, packet: bytes, statements: int) -> Iterator[tuple[int, int]]:
        self.packets.append(packet)
        for answer in self.answers:
            if isinstance(answer, int):
                raise MySQLError(answer, "so it is")
            yield answer


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    return Server(monkeypatch)


def _batch(limit: int = 1 << 24) -> Batch:
    made = Batch(None, limit)  # type: ignore[arg-type]
    made.add("UPDATE udup.checkpoint", 1, lambda: "this job's row in 'udup.checkpoint'")
    made.add("INSERT INTO t", 1, lambda: "a row of 't'", quietly=True)
    return made


def test_a_group_that_was_taken_over_is_known_by_the_checkpoint_though_its_rows_are_there_already(
    server: Server,
) -> None:
    server.answers = [(0, 0), DUPLICATE]
    with pytest.raises(NamedRowError, match=r"this job's row in 'udup\.checkpoint'") as failure:
        _batch().send()
    assert error_code(failure.value) == 1032


@pytest.mark.parametrize("code", [DEADLOCK, LOST])
def test_what_passes_is_told_as_it_is(server: Server, code: int) -> None:
    server.answers = [(0, 0), code]
    with pytest.raises(MySQLError) as failure:
        _batch().send()
    assert error_code(failure.value) == code


def test_an_error_alone_is_its_own(server: Server) -> None:
    server.answers = [(1, 0), DUPLICATE]
    with pytest.raises(MySQLError) as failure:
        _batch().send()
    assert error_code(failure.value) == DUPLICATE


def test_a_warning_counts_where_nobody_looks(server: Server) -> None:
    server.answers = [(1, 1), (1, 1)]
    with pytest.raises(WarnedError):
        _batch().send()


def test_what_a_server_could_take_and_does_not_is_told_with_the_setting_and_what_none_takes_without() -> None:
    limit = 1 << 20
    with pytest.raises(Refused, match="max_allowed_packet = 4194304"):
        Batch(None, limit).add("x" * limit)  # type: ignore[arg-type]
    with pytest.raises(Unsupported, match="no server takes more"):
        raise batch._too_large(1 << 31, (1 << 30) - 1024)
