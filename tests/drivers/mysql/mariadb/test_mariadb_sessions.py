"""What a session has on MariaDB; no server."""

from __future__ import annotations

from udup.drivers.mysql.client.dialect import fitting
from udup.drivers.mysql.client.sessions import PLAIN, SUMS, apply_session, asking_session
from udup.drivers.mysql.mariadb.sessions import for_mariadb, identity


def test_the_text_of_a_binlog_statement_is_not_logged_there_either() -> None:
    settings = for_mariadb(apply_session(5).settings)
    assert settings["binlog_annotate_row_events"] == "OFF"
    assert "binlog_rows_query_log_events" not in settings


def test_a_limit_of_time_is_one_there_in_seconds() -> None:
    assert for_mariadb(asking_session(1500).settings)["max_statement_time"] == "1.500000"
    assert for_mariadb(PLAIN.settings)["max_statement_time"] == "0.000000"


def test_a_transaction_may_lock_what_others_have_changed() -> None:
    assert for_mariadb(apply_session(5).settings)["innodb_snapshot_isolation"] == "OFF"


def test_an_old_one_has_its_own_names() -> None:
    settings = fitting(for_mariadb(SUMS.settings), "5.5.5-10.5.23-MariaDB")
    assert settings["tx_isolation"] == "REPEATABLE-READ"
    assert settings["collation_connection"] == "utf8mb4_general_ci"


def test_what_tells_a_server_is_a_uuid_that_stays() -> None:
    told = {"server_uid": "2S5QvY2W", "hostname": "db1", "port": "3306", "server_id": "7", "autocommit": "ON"}
    first = identity(dict(told))
    assert first == identity(dict(told))
    assert first != identity({**told, "port": "3307"})
    assert len(first) == 36


def test_nothing_is_told_of_mysql() -> None:
    found = {"autocommit": "ON"}
    assert identity(found) == ""
    assert found == {"autocommit": "ON"}
