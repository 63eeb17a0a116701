"""The write load keeps its pace, counts what it does, and survives its server but not its parent."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

import psutil

from udup.drivers.mysql.client.connection import connect, scalar
from udup.sandbox import shop
from udup.sandbox.load import WriteLoad
from udup.sandbox.server import MysqlServer

MakeServer = Callable[..., MysqlServer]

ROWS = 3_000

#: A program that starts a load, prints its process id, and waits to be killed.
PARENT = """
import sys, time
from udup.drivers.mysql.client.connection import Endpoint
from udup.sandbox.load import WriteLoad
load = WriteLoad(Endpoint("127.0.0.1", int(sys.argv[1]), "root", sys.stdin.readline().strip()))
load.start()
print(load.pid, flush=True)
time.sleep(600)
"""


def until(condition: Callable[[], bool], deadline: float = 30.0) -> None:
    end = time.monotonic() + deadline
    while not condition():
        assert time.monotonic() < end, "not within the deadline"
        time.sleep(0.05)


def ledger(server: MysqlServer) -> int:
    with connect(server.endpoint) as connection:
        return int(scalar(connection, "SELECT COUNT(*) FROM shop.ledger"))


def test_the_pace_is_kept_and_every_transaction_is_in_the_ledger(mysql_server: MakeServer) -> None:
    server = mysql_server()
    shop.fill(server.endpoint, ROWS)
    with WriteLoad(server.endpoint, rate=100) as load:
        until(lambda: load.stats.transactions > 0)
        began, before = time.monotonic(), load.stats.transactions
        until(lambda: load.stats.transactions >= before + 400)
        rate = (load.stats.transactions - before) / (time.monotonic() - began)
    assert 70 < rate < 110
    assert load.stats.errors == 0, load.stats.last_error
    assert load.stats.transactions == ledger(server)
    assert load.stats.rollbacks > 0


def test_definitions_change_under_the_load_when_asked_for(mysql_server: MakeServer) -> None:
    server = mysql_server()
    shop.fill(server.endpoint, ROWS)
    with WriteLoad(server.endpoint, rate=50, ddl=True) as load:
        until(lambda: load.stats.ddl >= 6, deadline=60)
    assert load.stats.errors == 0, load.stats.last_error


def test_it_goes_on_after_its_server_was_killed(mysql_server: MakeServer) -> None:
    server = mysql_server()
    shop.fill(server.endpoint, ROWS)
    with WriteLoad(server.endpoint, rate=200) as load:
        until(lambda: load.stats.transactions > 100)
        server.kill()
        server.start()
        before = load.stats.transactions
        until(lambda: load.stats.transactions > before + 100)
    stats = load.stats
    assert stats.reconnects > 0
    assert stats.errors == 0, stats.last_error
    assert stats.transactions <= ledger(server) <= stats.transactions + stats.unknown


def test_it_ends_with_its_parent(mysql_server: MakeServer) -> None:
    server = mysql_server()
    shop.fill(server.endpoint, ROWS)
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(server.endpoint.port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdin is not None and parent.stdout is not None
    parent.stdin.write(server.endpoint.password + "\n")
    parent.stdin.flush()
    load = int(parent.stdout.readline())
    until(lambda: ledger(server) > 0)
    parent.kill()
    parent.wait()
    until(lambda: not psutil.pid_exists(load))
    parent.stdin.close()
    parent.stdout.close()
