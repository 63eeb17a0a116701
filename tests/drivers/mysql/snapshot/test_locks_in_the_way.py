"""What holds a job's tables while a snapshot is opened: it is named, and not waited for without end."""

from __future__ import annotations

import threading
import time

import pytest

from tests.drivers.mysql.snapshot.denying_shop import Shop
from tests.full_copy import run
from udup.base.errors import Contended, Refused, Side
from udup.drivers.mysql.client.connection import scalar
from udup.drivers.mysql.snapshot import job_locks, snapshot
from udup.drivers.mysql.snapshot.snapshot import open_snapshot
from udup.pipeline.waits import WaitKind, Waits


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_locks, "LOCK_TRIES", 2)
    monkeypatch.setattr(job_locks, "LOCK_PAUSE", 0.3)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("sight", ["performance_schema", "PROCESS", "nothing"])
def test_the_session_in_the_way_is_named_and_the_writers_go_on(shop: Shop, sight: str) -> None:
    user = shop.account.user
    with shop.session() as other, shop.session() as application:
        if sight == "PROCESS":
            run(application, f"GRANT PROCESS ON *.* TO {user}")
        if sight == "performance_schema":
            run(application, f"GRANT SELECT ON performance_schema.* TO {user}")
        number = scalar(other, "SELECT CONNECTION_ID()")
        run(other, "BEGIN", f"INSERT INTO {shop.schema}.u VALUES (DEFAULT, 1, 1)")
        told, seen, errors, waited = Waits(Side.SOURCE), list[object](), list[BaseException](), 0.0

        def opened() -> None:
            try:
                open_snapshot(shop.account, 2, quiet_tries=0, waits=told, job_tables=shop.tables).close()
            except BaseException as error:  # noqa: BLE001 -- looked at below
                errors.append(error)

        thread = threading.Thread(target=opened)
        thread.start()
        while thread.is_alive():
            begun = time.monotonic()
            run(application, f"INSERT INTO {shop.schema}.t VALUES (DEFAULT, 2, 2)")
            waited = max(waited, time.monotonic() - begun)
            if (wait := told.longest(0.0)) is not None:
                seen.append(wait.what)
            time.sleep(0.02)
        (error,) = errors
        assert isinstance(error, Contended)
        assert WaitKind.TABLE_LOCK in seen
        assert waited < 2.5, "a lock that waits is let go after a second"
        if sight == "nothing":
            assert "GRANT SELECT ON performance_schema.*" in str(error)
        else:
            assert f"connection {number} of root@" in str(error) and f"KILL {number}" in str(error)
        run(other, "ROLLBACK")
    assert shop.can_be_written()
    shop.open().close()


@pytest.mark.usefixtures("impatient")
def test_one_lock_of_many_tables_is_given_up_after_a_while(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each table may be waited for for a second; the sum of that would keep writers out."""
    monkeypatch.setattr(job_locks, "lock_bound", lambda tables: 0.2)
    with shop.session() as other:
        run(other, "BEGIN", f"INSERT INTO {shop.schema}.u VALUES (DEFAULT, 1, 1)")
        begun = time.monotonic()
        with pytest.raises(Contended):
            shop.open()
        assert time.monotonic() - begun < 2 * 0.2 + 0.3 + 1.5
        run(other, "ROLLBACK")
    assert shop.can_be_written()


@pytest.mark.usefixtures("impatient")
def test_a_prepared_transaction_that_holds_a_table_is_named(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "PREPARED_SECONDS", 0.5)
    with shop.session() as other:
        run(other, f"GRANT XA_RECOVER_ADMIN ON *.* TO {shop.account.user}")
        run(other, "XA START 'left'", f"INSERT INTO {shop.schema}.u VALUES (DEFAULT, 1, 1)")
        run(other, "XA END 'left'", "XA PREPARE 'left'")
        try:
            with pytest.raises(Refused, match="XA ROLLBACK") as refused:
                shop.open()
            assert b"left".hex() in str(refused.value)
        finally:
            run(other, "XA ROLLBACK 'left'")


# ---- Letting go ----
