"""The servers of the suite: a source and a target whose settings are hostile, and a Udup server.

Both servers' global settings and `init_connect` are hostile (`tests/hostile_globals.py`), and as unlike each other as
they may be: what a job carries must not depend on them.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from tests.hostile_globals import (
    HOSTILE_SOURCE,
    HOSTILE_TARGET,
    account_that_starts_hostile,
    hostile_to_managed,
    set_globals,
)
from tests.managed import managed_account
from udup.drivers.mysql.client.connection import connect, query
from udup.sandbox.kinds import MARIADB, MYSQL_5_6
from udup.sandbox.node import UdupNode
from udup.sandbox.programs import MysqlPrograms
from udup.sandbox.server import MysqlServer
from udup.selftest.suite import Suite

#: Neither side keeps what it writes through a power cut, which makes definitions five times as fast.
_FAST: dict[str, str | int] = {
    "sync-binlog": 0,
    "innodb-flush-log-at-trx-commit": 0,
    "innodb-flush-method": "nosync",
    "innodb-doublewrite": "OFF",
    "max-allowed-packet": "256M",
    "table-open-cache": 2000,
    "table-definition-cache": 2000,
    "performance-schema-max-table-instances": 2000,
}
SOURCE_OPTIONS = _FAST | {
    "loose-binlog-row-metadata": "FULL",
    "log-bin-trust-function-creators": 1,
}
TARGET_OPTIONS = _FAST | {
    "innodb-rollback-on-timeout": "ON",
    "event-scheduler": "ON",
    "log-bin-trust-function-creators": 1,
}

#: Without quotes the server's own event scheduler logs a statement that no server can read ("IF EXISTSschema.event").
SOURCE_GLOBALS = {name: value for name, value in HOSTILE_SOURCE.items() if name != "sql_quote_show_create"}

#: The jobs' accounts may not lift this limit (CONNECTION_ADMIN), and are told so where a statement needs more.
TARGET_GLOBALS = {name: value for name, value in HOSTILE_TARGET.items() if name != "parser_max_mem_size"}


def _own(programs: MysqlPrograms) -> dict[str, str | int]:
    """What a kind of server must be told at its start, which newer ones have in a session, or by themselves."""
    if programs.kind is MYSQL_5_6:
        return {"explicit-defaults-for-timestamp": "ON"}
    # MariaDB hangs where a BLOB (of 48 MB here) is larger than the log that is free: its page is latched meanwhile.
    return {"innodb-log-file-size": "256M"} if programs.kind is MARIADB else {}


@contextmanager
def open_suite(
    programs: MysqlPrograms, folder: Path, *, of_target: MysqlPrograms | None = None, managed: bool = False
) -> Iterator[Suite]:
    """The servers, started together, the target of other programs if need be.

    `managed`: the job's account on the target has what Amazon RDS grants, no more.
    """
    source = MysqlServer(programs, folder / "source", options=SOURCE_OPTIONS | _own(programs))
    of_target = of_target or programs
    target = MysqlServer(of_target, folder / "target", options=TARGET_OPTIONS | _own(of_target))
    node = UdupNode(folder / "node")
    with ExitStack() as stack, ThreadPoolExecutor(3) as pool:
        for server in (source, target):
            stack.callback(server.wipe)
        stack.callback(node.stop)
        for started in [pool.submit(each.start) for each in (source, target, node)]:
            started.result()
        source_account = account_that_starts_hostile(source.endpoint, "job_source")
        if managed:
            with closing(connect(target.endpoint)) as root:  # a customer's accounts have no SYSTEM_USER there
                query(root, "REVOKE SYSTEM_USER ON *.* FROM 'root'@'127.0.0.1'")
            target_account = stack.enter_context(managed_account(target))
            hostile = hostile_to_managed(target.endpoint, target_account)
        else:
            target_account = account_that_starts_hostile(target.endpoint, "job_target")
            hostile = TARGET_GLOBALS
        set_globals(source.endpoint, SOURCE_GLOBALS)
        set_globals(target.endpoint, hostile)
        yield Suite(source.endpoint, target.endpoint, node, (source_account, target_account), managed)
