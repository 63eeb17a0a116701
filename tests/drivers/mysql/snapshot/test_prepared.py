"""A snapshot begins at a moment at which no XA transaction is prepared: the log has their rows, a reader does not."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.full_copy import run
from udup.base.errors import Refused
from udup.drivers.mysql.client.connection import connect
from udup.drivers.mysql.snapshot import snapshot
from udup.drivers.mysql.snapshot.snapshot import open_snapshot
from udup.sandbox.server import MysqlServer

#: Seconds that each transaction stays prepared before the next one is.
TURN = 0.2


@pytest.fixture
def always_prepared(source: MysqlServer, schema: str) -> Iterator[threading.Event]:
    """One transaction is prepared after the other, each before the last one ends, until they are told to stop."""
    stop, began = threading.Event(), threading.Event()

    def prepare_in_turn() -> None:
        with closing(connect(source.endpoint)) as one, closing(connect(source.endpoint)) as other:
            run(one, f"CREATE DATABASE {schema}", f"CREATE TABLE {schema}.t (id INT AUTO_INCREMENT PRIMARY KEY)")
            last = None
            for number, session in enumerate(itertools.cycle((one, other))):
                run(session, f"XA START 'turn{number}'", f"INSERT INTO {schema}.t VALUES (DEFAULT)")
                run(session, f"XA END 'turn{number}'", f"XA PREPARE 'turn{number}'")
                began.set()
                stopped = stop.wait(TURN)
                for ended in (last, (session, number) if stopped else None):
                    if ended is not None:
                        run(ended[0], f"XA ROLLBACK 'turn{ended[1]}'")
                if stopped:
                    return
                last = session, number

    thread = threading.Thread(target=prepare_in_turn)
    thread.start()
    assert began.wait(60)
    yield stop
    stop.set()
    thread.join()


def test_one_that_stays_is_named(source: MysqlServer, schema: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "PREPARED_SECONDS", 0.5)
    with closing(connect(source.endpoint)) as other:
        run(other, f"CREATE DATABASE {schema}", f"CREATE TABLE {schema}.t (id INT PRIMARY KEY)")
        run(other, "XA START 'left'", f"INSERT INTO {schema}.t VALUES (1)", "XA END 'left'", "XA PREPARE 'left'")
        try:
            with pytest.raises(Refused, match=rf"stay prepared.*XA COMMIT.*{b'left'.hex()}.*start the job again"):
                open_snapshot(source.endpoint, 1)
        finally:
            run(other, "XA ROLLBACK 'left'")


def test_those_that_all_end_soon_are_waited_for(
    source: MysqlServer, always_prepared: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long there are some: none of them stays."""
    monkeypatch.setattr(snapshot, "PREPARED_SECONDS", 10 * TURN)
    threading.Timer(20 * TURN, always_prepared.set).start()
    open_snapshot(source.endpoint, 1).close()
    assert always_prepared.is_set()


@pytest.mark.usefixtures("always_prepared")
def test_a_source_that_has_some_all_the_time_is_told(source: MysqlServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "BUSY_SECONDS", 1.0)
    with pytest.raises(Refused, match=r"no moment at which no XA transaction was prepared.*start the job again"):
        open_snapshot(source.endpoint, 1)
