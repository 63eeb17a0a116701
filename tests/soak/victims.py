"""What a soak kills: processes of Udup, servers, and connections of servers."""

from __future__ import annotations

import os
import signal
from contextlib import closing, suppress
from dataclasses import dataclass

from udup.base.errors import UdupError
from udup.drivers.mysql.client.connection import MySQLError, connect, query
from udup.sandbox.node import UdupNode
from udup.sandbox.server import MysqlServer

#: Actors are found by their role, the rest by its name.
ACTORS = ("worker", "applier", "extractor", "supervisor", "store")


@dataclass
class Victims:
    source: MysqlServer
    target: MysqlServer
    node: UdupNode

    def kill(self, victim: str) -> None:
        """Kill one of `ACTORS` or another role, `main`, `nats-server`, a server, or `source connections`."""
        server = self.source if victim.startswith("source") else self.target
        match victim:
            case "source" | "target":
                server.kill()
                server.restart()
            case "source connections" | "target connections":
                _end_connections(server)
            case "main":
                self.node.kill()
                self.node.start()
            case _:
                if pid := self._pid(victim):
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)

    def _pid(self, victim: str) -> int:
        if victim == "nats-server":
            return next((pid for pid, title in self.node.pids().items() if "nats-server" in title), 0)
        with suppress(UdupError):
            return next((int(actor["Pid"]) for actor in self.node.api.actors() if actor["Role"] == victim), 0)
        return 0


def _end_connections(server: MysqlServer) -> None:
    """End all of them, whoever has them."""
    with closing(connect(server.endpoint)) as connection:
        sql = "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'root' AND ID <> CONNECTION_ID()"
        for (number,) in query(connection, sql):
            with suppress(MySQLError):  # it has ended by itself
                query(connection, f"KILL {number}")
