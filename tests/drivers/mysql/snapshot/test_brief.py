"""A comparison's snapshot of the source, which is opened every minute, keeps no writer waiting for long."""

from __future__ import annotations

import time
from contextlib import closing

import pytest

from tests.drivers.mysql.snapshot.denying_shop import Shop
from tests.drivers.mysql.snapshot.test_job_locks import ended
from tests.full_copy import run
from udup.base.errors import Contended
from udup.drivers.mysql.client.connection import connect, query
from udup.drivers.mysql.snapshot import brief
from udup.drivers.mysql.snapshot.brief import open_briefly


def _asked(shop: Shop) -> int:
    """Return how often somebody has asked for locks on tables."""
    with closing(connect(shop.admin)) as connection:
        return int(query(connection, "SHOW GLOBAL STATUS LIKE 'Com_lock_tables'")[0][1])


def test_a_long_select_keeps_no_writer_waiting_behind_a_comparisons_snapshot(shop: Shop) -> None:
    """FLUSH TABLES WITH READ LOCK, given up in time, has all who touch the table wait for the end of the SELECT."""
    assert shop.can_be_written()
    with shop.session() as other, ended(shop, other):
        other._execute_command(3, f"SELECT SLEEP(60) FROM {shop.schema}.t LIMIT 1")  # type: ignore[attr-defined]
        asked = _asked(shop)
        with closing(open_briefly(shop.admin, 2, shop.tables, quiet_tries=0)) as snapshot:
            assert _asked(shop) == asked + 1
            before = query(snapshot.connections[0], f"SELECT COUNT(*) FROM {shop.schema}.t")
            assert shop.can_be_written()
            assert query(snapshot.connections[1], f"SELECT COUNT(*) FROM {shop.schema}.t") == before


def test_an_open_transaction_is_waited_for_once_and_not_again_once_it_is_known(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with shop.session() as other:
        run(other, "BEGIN", f"INSERT INTO {shop.schema}.u VALUES (DEFAULT, 1, 1)")
        monkeypatch.setattr(brief, "HELD_SECONDS", 1000)
        asked = _asked(shop)
        with pytest.raises(Contended, match="KILL"):
            open_briefly(shop.admin, 1, shop.tables, quiet_tries=0)
        assert _asked(shop) == asked + 1
        with shop.session() as writer:
            run(writer, f"INSERT INTO {shop.schema}.t VALUES (DEFAULT, 2, 2)")
        monkeypatch.setattr(brief, "HELD_SECONDS", 0)
        with pytest.raises(Contended, match="KILL"):
            open_briefly(shop.admin, 1, shop.tables, quiet_tries=0)
        assert _asked(shop) == asked + 1, "the tables' writers are not made to wait behind it"
        run(other, "ROLLBACK")
    open_briefly(shop.admin, 1, shop.tables, quiet_tries=0).close()


def test_a_prepared_transaction_fails_this_try_soon(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brief, "PREPARED_SECONDS", 0.1)
    with shop.session() as other:
        run(other, "XA START 'left'", f"INSERT INTO {shop.schema}.u VALUES (DEFAULT, 1, 1)")
        run(other, "XA END 'left'", "XA PREPARE 'left'")
        try:
            began = time.monotonic()
            with pytest.raises(Contended, match="XA ROLLBACK"):
                open_briefly(shop.admin, 1, shop.tables)
            assert time.monotonic() - began < 30
        finally:
            run(other, "XA ROLLBACK 'left'")
