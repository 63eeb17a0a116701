"""Between which MariaDBs stored generated columns would keep old values; no server."""

from __future__ import annotations

import pytest

from udup.drivers.mysql.mariadb.collations import Server
from udup.drivers.mysql.mariadb.generated import would_be_stale


@pytest.mark.parametrize(
    ("source", "target", "stale"),
    [
        ("11.8.9-MariaDB", "10.5.23-MariaDB", True),
        ("11.8.9-MariaDB", "10.11.18-MariaDB", True),
        ("11.8.9-MariaDB", "11.8.9-MariaDB", False),
        ("10.11.18-MariaDB", "10.5.23-MariaDB", False),
        ("11.8.9-MariaDB", "9.7.4", False),
        ("9.7.4", "10.5.23-MariaDB", False),
    ],
)
def test_a_new_source_and_an_old_target(source: str, target: str, stale: bool) -> None:
    assert would_be_stale(Server.of(source), Server.of(target)) is stale
