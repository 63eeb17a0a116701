"""Which server this is: MySQL itself, a fork, a service, or another database that speaks its protocol.

By what the server says of itself, each with where that was read: its version's text, its global variables, its host
name. What Udup does there stands beside it; a database that only speaks the protocol is refused, never tried.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from udup.drivers.mysql.client.flavour import is_mariadb


@dataclass(frozen=True)
class Signs:
    """What is known of a server: VERSION(), its global variables (names in lower case), and host:port."""

    version_text: str
    variables: Mapping[str, str]
    address: str = ""

    def says(self, word: str) -> bool:
        """Return whether its version's text or comment has the word."""
        told = f"{self.version_text}\n{self.variables.get('version_comment', '')}"
        return word.casefold() in told.casefold()

    def has(self, beginning: str) -> bool:
        """Return whether it has a variable whose name begins like that."""
        return any(name.startswith(beginning) for name in self.variables)

    def is_at(self, *domains: str) -> bool:
        return self.address.rpartition(":")[0].casefold().endswith(domains)

    def value(self, name: str) -> str:
        return self.variables.get(name, "")


@dataclass(frozen=True)
class Kin:
    """`no_source`, `no_target`: why nothing is replicated from or to it; "" where it is as MySQL of its version.

    `note` is told with its name.
    """

    name: str
    note: str = ""
    no_source: str = ""
    no_target: str = ""


_BY_PRIVILEGE = "read as row events; as a target by statements, where it grants no REPLICATION_APPLIER"
_GRANTS_BINLOG = "row events on both sides; it grants REPLICATION_APPLIER"

MYSQL = Kin("MySQL")
MARIADB = Kin("MariaDB")
RDS_MARIADB = Kin(
    "Amazon RDS for MariaDB",
    "as MariaDB of its version; as a target as long as it grants BINLOG REPLAY, which AWS does not list",
)
AZURE_MARIADB = Kin("Azure Database for MariaDB", "as MariaDB of its version, which was 10.3 when it was retired")
SKYSQL = Kin("SkySQL", "as MariaDB of its version; name the server itself, not MaxScale in front of several")
PERCONA = Kin("Percona Server", "as MySQL of its version")
PERCONA_CLUSTER = Kin("Percona XtraDB Cluster", "as MySQL of its version; pxc_strict_mode PERMISSIVE on a target")
GREATSQL = Kin("GreatSQL", "as MySQL of its version")
AURORA = Kin("Amazon Aurora MySQL", _BY_PRIVILEGE)
RDS = Kin("Amazon RDS for MySQL", _BY_PRIVILEGE)
AZURE = Kin("Azure Database for MySQL", _BY_PRIVILEGE)
CLOUD_SQL = Kin("Google Cloud SQL", _BY_PRIVILEGE)
ALIBABA = Kin("Alibaba Cloud RDS", _BY_PRIVILEGE)
POLARDB = Kin("PolarDB for MySQL", _BY_PRIVILEGE)
TENCENT = Kin("TencentDB", _BY_PRIVILEGE)
HEATWAVE = Kin("OCI HeatWave MySQL", _GRANTS_BINLOG)
AIVEN = Kin("Aiven for MySQL", _GRANTS_BINLOG)

_ONLY_THE_PROTOCOL = "only its protocol is MySQL's: what Udup relies on there to apply each row once (named locks, {}) "

TIDB = Kin(
    "TiDB",
    # docs.pingcap.com: changes are read by TiCDC, which writes to Kafka and others
    no_source="it has no MySQL binary log: its changes are read by TiCDC",
    no_target=_ONLY_THE_PROTOCOL.format("InnoDB's row locks, atomic definitions") + "is not documented as MySQL's",
)
OCEANBASE = Kin(
    "OceanBase",
    # its binlog service (obbinlog, OBLogProxy) converts another log into MySQL's
    no_source="it has no MySQL binary log of its own: a service beside it (obbinlog) makes one, which Udup was never"
    " run against",
    no_target=_ONLY_THE_PROTOCOL.format("InnoDB's row locks, atomic definitions") + "is not documented as MySQL's",
)


def _another(name: str) -> Kin:
    """Return a database that is MySQL for its clients alone."""
    return Kin(
        name,
        no_source="it has no binary log of MySQL's row events with GTIDs",
        no_target=_ONLY_THE_PROTOCOL.format("transactions over tables and checkpoint") + "is not documented as MySQL's",
    )


POLARDB_X = _another("PolarDB-X")


def _is_rds(signs: Signs) -> bool:
    is_there = "rdsdbbin" in signs.value("basedir") or signs.says("aws.amazon.com/rds")
    return is_there or signs.is_at(".rds.amazonaws.com", ".rds.amazonaws.com.cn")


#: The first whose sign is there. Comments: where the sign was read.
_SIGNS: tuple[tuple[Kin, Callable[[Signs], bool]], ...] = (
    # VERSION() is `8.0.11-TiDB-v8.5.1`, before 7.4 `5.7.25-TiDB-…` (PingCAP's documentation, dumps of its Cloud)
    (TIDB, lambda signs: signs.says("-TiDB-") or signs.has("tidb_")),
    # `5.7.25-OceanBase-v4.3.5.6`, `5.7.25-OceanBase_CE-…`, its proxy's `5.6.25-OBProxy-…` (obvector4j, code); its
    # variable ob_compatibility_version (OceanBase's documentation)
    (OCEANBASE, lambda signs: signs.says("OceanBase") or signs.says("-OBProxy") or signs.has("ob_compatibility_")),
    # `5.7.25-TDDL-5.4.…` and polardbx_engine_version (polardbx-sql, code)
    (POLARDB_X, lambda signs: signs.says("-TDDL-") or signs.has("polardbx_")),
    # `8.0.30-Vitess` (Vitess, code)
    (_another("Vitess"), lambda signs: signs.says("Vitess")),
    # version_comment of these (their own code and dumps)
    (_another("SingleStore"), lambda signs: signs.says("SingleStore") or signs.says("MemSQL")),
    (_another("StarRocks"), lambda signs: signs.says("StarRocks")),
    (_another("Apache Doris"), lambda signs: signs.says("Doris")),
    (_another("Dolt"), lambda signs: signs.says("Dolt")),
    # version_comment `managed by https://aws.amazon.com/rds/`, basedir /rdsdbbin/mariadb-10.11.9.R1/ (phpMyAdmin, code)
    (RDS_MARIADB, lambda signs: is_mariadb(signs.version_text) and _is_rds(signs)),
    # the host names (Microsoft, "Private endpoints"; MariaDB, "Connect to SkySQL"); the servers say nothing
    (AZURE_MARIADB, lambda signs: signs.is_at(".mariadb.database.azure.com", ".mariadb.database.chinacloudapi.cn")),
    (SKYSQL, lambda signs: signs.is_at(".skysql.net", ".skysql.com", ".skysql.mariadb.com")),
    (MARIADB, lambda signs: is_mariadb(signs.version_text)),
    # @@aurora_version (AWS, "Checking Aurora MySQL versions using SQL"); basedir has mysql_aurora (a server's answer)
    (AURORA, lambda signs: signs.has("aurora_version") or "aurora" in signs.value("basedir")),
    # basedir /rdsdbbin/mysql-8.0.36/ (phpMyAdmin, code); the host name (AWS)
    (RDS, lambda signs: _is_rds(signs)),
    # the host name (Microsoft, "Connect"); variables of its own, by hearsay
    (
        AZURE,
        lambda signs: (
            signs.has("azure_") or signs.is_at(".mysql.database.azure.com", ".mysql.database.chinacloudapi.cn")
        ),
    ),
    # `8.0.31-google`, version_comment `(Google)` (servers' answers); cloudsql_iam_authentication (Google, flags)
    (CLOUD_SQL, lambda signs: signs.says("-google") or signs.says("(Google)") or signs.has("cloudsql_")),
    # `show variables like '%polardb_version%'` (Alibaba, "Query the kernel version")
    (POLARDB, lambda signs: signs.has("polardb_version")),
    # rds_release_date (the same); the host name
    (ALIBABA, lambda signs: signs.has("rds_release_date") or signs.is_at(".rds.aliyuncs.com")),
    # `8.0.30-txsql`, `8.0.22-cynos` (servers' answers)
    (TENCENT, lambda signs: signs.says("-txsql") or signs.says("-cynos")),
    # `8.0.32-cloud`, `MySQL Enterprise - Cloud` (mysql-shell, code)
    (HEATWAVE, lambda signs: signs.says("MySQL Enterprise - Cloud")),
    # nothing in the server tells: the host name (Aiven)
    (AIVEN, lambda signs: signs.is_at(".aivencloud.com")),
    # version_comment `Percona XtraDB Cluster (GPL), Release …`, `Percona Server (GPL), Release …` (Percona, code)
    (PERCONA_CLUSTER, lambda signs: signs.says("Percona XtraDB Cluster") or signs.has("pxc_strict_mode")),
    (PERCONA, lambda signs: signs.says("Percona")),
    # version_comment `GreatSQL, Release …` (GreatSQL, code)
    (GREATSQL, lambda signs: signs.says("GreatSQL")),
)


def kin_of(signs: Signs) -> Kin:
    """Return which server it is; MySQL where nothing says otherwise."""
    return next((kin for kin, is_so in _SIGNS if is_so(signs)), MYSQL)
