"""Settings of a session as servers of other versions know them."""

from __future__ import annotations

import pytest

from udup.drivers.mysql.client.dialect import fitting, has_uca_0900, name_of

_ASKED = {"transaction_isolation": "READ-COMMITTED", "collation_connection": "utf8mb4_0900_ai_ci", "sql_mode": ""}


@pytest.mark.parametrize("version", ["9.7.4-2", "8.0.18", "11.8.9-MariaDB-ubu2404", "5.5.5-11.8.9-MariaDB-log", ""])
def test_servers_of_today_take_what_is_asked_for(version: str) -> None:
    assert fitting(_ASKED, version) == _ASKED


@pytest.mark.parametrize("version", ["5.6.24-log", "5.7.19", "10.5.23-MariaDB-log", "5.5.5-10.11.18-MariaDB"])
def test_older_ones_are_asked_by_their_own_names_and_collations(version: str) -> None:
    assert fitting(_ASKED, version) == {
        "tx_isolation": "READ-COMMITTED",
        "collation_connection": "utf8mb4_general_ci",
        "sql_mode": "",
    }


def test_names_and_collations_changed_in_different_versions() -> None:
    assert name_of("transaction_read_only", "5.7.44-log") == "transaction_read_only"
    assert not has_uca_0900("5.7.44-log")
