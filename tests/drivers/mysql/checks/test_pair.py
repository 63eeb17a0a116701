"""What two servers differ in, by what they are told to have; no server."""

from __future__ import annotations

from dataclasses import replace

from tests.drivers.mysql.checks.test_binlog_access import _facts
from tests.preflights import changed, problems
from udup.drivers.mysql.checks.pair import warn_pair


def test_a_mariadb_whose_redo_log_is_smaller_than_a_row_may_wait_for_ever() -> None:
    source = changed(_facts(), max_allowed_packet=str(64 << 20))
    small = changed(_facts(), innodb_log_file_size=str(32 << 20))
    mariadb = replace(small, is_mariadb=True, version=(11, 8, 9), version_text="11.8.9-MariaDB")
    assert "innodb_log_file_size 33554432 on the target" in problems(warn_pair(source, mariadb))
    large = changed(mariadb, innodb_log_file_size=str(96 << 20))
    assert "innodb_log_file_size" not in problems(warn_pair(source, large))
    assert "innodb_log_file_size" not in problems(warn_pair(source, small))
