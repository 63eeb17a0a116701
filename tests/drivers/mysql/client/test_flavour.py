from __future__ import annotations

import pytest

from udup.drivers.mysql.client.flavour import Version, is_mariadb, version_of


@pytest.mark.parametrize(
    ("text", "mariadb", "version"),
    [
        ("9.7.4-2", False, (9, 7, 4)),
        ("5.6.24-log", False, (5, 6, 24)),
        ("5.5.5-10.5.23-MariaDB-0+deb11u1-log", True, (10, 5, 23)),
        ("11.8.9-MariaDB-1 from Debian", True, (11, 8, 9)),
        ("8.0.11-TiDB-v8.5.0", False, (8, 0, 11)),
        ("something", False, (0, 0, 0)),
    ],
)
def test_a_version_says_the_family_and_its_numbers(text: str, mariadb: bool, version: Version) -> None:
    assert is_mariadb(text) is mariadb
    assert version_of(text) == version
