"""Whether a definition has run, by what a MariaDB's log has of the job's; no server."""

from __future__ import annotations

import pytest

from udup.drivers.mysql.mariadb.once import has_run, server_id_of

MARK = "0f3873aa-678a-4403-bb85-78b1c59c3f3a"


@pytest.mark.parametrize(
    ("before", "now", "ran"),
    [
        ("0-7 atomic", "0-9 atomic", True),
        ("0-7 atomic", "0-7 atomic", False),
        ("atomic", "0-1 atomic", True),  # the job's first
        ("atomic", "atomic", False),
        ("0-7 atomic", "0-7 3-1 atomic", True),  # the server's domain was changed meanwhile
        ("0-7 plain", "0-9 plain", True),
        ("0-7 plain", "0-7 plain", None),  # a server that dies between the two may have done it
        ("0-7 plain", "0-7 atomic", None),  # it was upgraded meanwhile
        ("0-7 atomic", "0-5 atomic", None),  # its log was begun again
        ("0-7 atomic", "atomic", None),
        ("", "0-7 atomic", None),  # it wrote no log when it was noted
        ("0-7 atomic", "", None),
    ],
)
def test_a_larger_number_means_that_it_has_run(before: str, now: str, ran: bool | None) -> None:
    assert has_run(before, now) is ran


def test_a_jobs_server_id_is_its_own_and_stays() -> None:
    number = server_id_of(MARK)
    assert number == server_id_of(MARK)
    assert 1 << 30 <= number < 1 << 31
    assert number != server_id_of(MARK.replace("0", "1"))
