"""TABLE_MAPs of MariaDB in MySQL's form: whose character set is whose."""

from __future__ import annotations

import pytest

from udup.drivers.mysql.binlog.event import checksum_is_right
from udup.drivers.mysql.binlog.table_definition import ColumnType, parse_columns
from udup.drivers.mysql.mariadb.table_maps import in_mysql_form

#: As two versions have sent them, of a table `m` with all columns that are named below, and `y YEAR, b BIT(3), p POINT,
#: s SET('b') CHARSET utf8, t TIMESTAMP(3), d2 DATE`; 11.8 has UUID, INET4 and VECTOR in between.
_RECORDED = {
    "10.5.23": (
        "de88096b130a000000b5000000012200000000360000000000010002747900016d0016030d1008f6fffefffcfefefc11fefc"
        "8d8c04010afe01180300050204fe030404f701f8010203fe100215000204fe03feff3f0101fa030a3f083f2e3f3f212d083f"
        "070200010436026964017901620262670164016701630170016a0165017302626c0174026936027474027663027463016602"
        "626f026432017a0275620b02082105030101620603010161080100b464dce3"
    ),
    "11.8.9": (
        "de88096b130c000000cd0000000000000000005d0000000000010002747900016d0019030d1008f6fffefffcfefefc11fefe"
        "fe0ffc8d8c04010afe011e0300050204fe030404f701f8010203fe10fe10fe040c000215000204fe03feffff010101fa020f"
        "3f0108032e09fc00080afc00090b0807020001043d026964017901620262670164016701630170016a0165017302626c0174"
        "02693601750269340176027474027663027463016602626f026432017a0275620b0408fc0008050301016206030101610801"
        "00b10344f4"
    ),
}

_BINARY = 63


@pytest.mark.parametrize("version", _RECORDED)
def test_each_column_has_its_own_character_set(version: str) -> None:
    table_map = in_mysql_form(bytes.fromhex(_RECORDED[version]), has_crc=True)
    assert checksum_is_right(table_map)
    columns = {column.name: column for column in parse_columns(table_map, has_crc=True)}
    found = {name: columns[name].collation for name in ("c", "j", "bl", "i6", "tc", "z", "e")}
    assert found == {"c": 8, "j": 46, "bl": _BINARY, "i6": _BINARY, "tc": 8, "z": _BINARY, "e": 8}
    assert columns["g"].collation is None
    assert columns["tt"].collation == (33 if version == "10.5.23" else 2048)  # 11.8 has another for utf8
    assert columns["vc"].kind is ColumnType.VARCHAR_COMPRESSED
    assert columns["vc"].collation == (45 if version == "10.5.23" else 2304)
    assert [columns[name].unsigned for name in ("id", "bg", "d", "f", "bo", "ub")] == [True] * 4 + [False, True]


def test_a_table_without_geometry_stays_as_it_is() -> None:
    table_map = bytes.fromhex(_RECORDED["11.8.9"])
    columns = table_map.index(bytes([3, 13, 16, 8, 246, 255]))
    plain = table_map[:columns] + table_map[columns:].replace(b"\xff", b"\xfc", 2)
    assert in_mysql_form(plain, has_crc=True) is plain
