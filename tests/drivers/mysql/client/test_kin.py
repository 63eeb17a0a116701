"""Servers that say of themselves what they are."""

from __future__ import annotations

import pytest

from udup.drivers.mysql.client import kin
from udup.drivers.mysql.client.kin import Kin, Signs, kin_of

_PLAIN = {"version_comment": "MySQL Community Server - GPL", "basedir": "/usr/"}

_SEEN: list[tuple[Kin, str, dict[str, str], str]] = [
    (kin.MYSQL, "8.4.6", _PLAIN, ""),
    (kin.MYSQL, "9.7.4-2", {"version_comment": "(Debian)"}, ""),
    (kin.MYSQL, "5.6.24-log", {}, "db.example.com:3306"),
    (kin.PERCONA, "8.0.36-28", {"version_comment": "Percona Server (GPL), Release 28, Revision 47601f19"}, ""),
    (
        kin.PERCONA_CLUSTER,
        "8.0.45-36.1",
        {"version_comment": "Percona XtraDB Cluster (GPL), Release rel36", "pxc_strict_mode": "ENFORCING"},
        "",
    ),
    (kin.GREATSQL, "8.0.32-26", {"version_comment": "GreatSQL, Release 26, Revision a68b3034c3d"}, ""),
    (kin.AURORA, "8.0.32", {"version_comment": "Source distribution", "aurora_version": "3.08.0"}, ""),
    (kin.RDS, "8.0.36", {"version_comment": "Source distribution", "basedir": "/rdsdbbin/mysql-8.0.36.R1/"}, ""),
    (kin.RDS, "8.4.3", {}, "shop.abc123.eu-central-1.rds.amazonaws.com:3306"),
    (kin.AZURE, "8.0.40-azure", {}, "shop.mysql.database.azure.com:3306"),
    (kin.CLOUD_SQL, "8.0.31-google", {"version_comment": "(Google)"}, ""),
    (kin.POLARDB, "8.0.13", {"polardb_version": "8.0.1.1.30", "rds_release_date": "20230101"}, ""),
    (kin.ALIBABA, "8.0.36", {"rds_release_date": "20240101"}, ""),
    (kin.TENCENT, "8.0.30-txsql", {"version_comment": "Source distribution"}, ""),
    (kin.HEATWAVE, "9.7.0-cloud", {"version_comment": "MySQL Enterprise - Cloud"}, ""),
    (kin.AIVEN, "8.0.35", {"version_comment": "Source distribution"}, "shop-x.aivencloud.com:28367"),
    (kin.AURORA, "8.0.32", {"aurora_version": "3.08.0"}, "shop.cluster-abc.eu-central-1.rds.amazonaws.com:3306"),
    (kin.RDS, "8.0.41", {}, "shop.abc123.cn-north-1.rds.amazonaws.com.cn:3306"),
    (kin.AZURE, "8.0.37", {}, "shop.mysql.database.chinacloudapi.cn:3306"),
    (kin.RDS_MARIADB, "10.11.9-MariaDB-log", {"version_comment": "managed by https://aws.amazon.com/rds/"}, ""),
    (kin.RDS_MARIADB, "10.6.7-MariaDB-log", {"basedir": "/rdsdbbin/mariadb-10.6.7.R2/"}, ""),
    (kin.RDS_MARIADB, "11.4.3-MariaDB-log", {}, "shop.abc123.eu-central-1.rds.amazonaws.com:3306"),
    (kin.AZURE_MARIADB, "10.3.23-MariaDB-log", {}, "shop.mariadb.database.azure.com:3306"),
    (kin.SKYSQL, "10.6.14-10-MariaDB-enterprise-log", {}, "dbpgf1.sysp0000.db.skysql.net:3306"),
    (kin.MARIADB, "11.8.9-MariaDB-log", {"version_comment": "mariadb.org binary distribution"}, ""),
    (kin.TIDB, "8.0.11-TiDB-v8.5.1", {"version_comment": "TiDB Server (Apache License 2.0)"}, ""),
    (kin.TIDB, "5.7.25", {"tidb_version": ""}, ""),
    (kin.OCEANBASE, "5.7.25-OceanBase-v4.3.5.6", {}, ""),
    (kin.OCEANBASE, "5.7.25-OceanBase_CE-v3.1.4", {}, ""),
    (kin.OCEANBASE, "5.6.25-OBProxy-3.2.0", {}, ""),
    (kin.POLARDB_X, "5.7.25-TDDL-5.4.19", {}, ""),
]


@pytest.mark.parametrize(("expected", "version", "variables", "address"), _SEEN, ids=[each[1] for each in _SEEN])
def test_a_server_is_told_by_what_it_says(expected: Kin, version: str, variables: dict[str, str], address: str) -> None:
    assert kin_of(Signs(version, variables, address)) is expected


@pytest.mark.parametrize("version", ["8.0.11-TiDB-v8.5.1", "5.7.25-OceanBase-v4.3.5.6", "8.0.30-Vitess", "8.0.33-Dolt"])
def test_what_only_speaks_the_protocol_is_neither_read_nor_written(version: str) -> None:
    found = kin_of(Signs(version, {}))
    assert found.no_source and found.no_target


def test_mysql_its_forks_and_services_are_both() -> None:
    for each in (
        kin.MYSQL,
        kin.PERCONA,
        kin.AURORA,
        kin.RDS,
        kin.AZURE,
        kin.CLOUD_SQL,
        kin.HEATWAVE,
        kin.AIVEN,
        kin.RDS_MARIADB,
    ):
        assert not each.no_source and not each.no_target
