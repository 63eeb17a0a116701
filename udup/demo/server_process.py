"""The demo's servers in a process of their own, so that they can be kept when the demo's screen ends.

The demo starts `python -m udup.demo.server_process SOURCE TARGET`, with the families of the two, of a subscription with
the word `subscribe` behind them, and holds its standard input. What happens there is reported as lines of JSON:
{"say": text} on the way, then {"ready": addresses} or {"error": text}. It ends its servers and removes their folder on
SIGTERM, and when its input ends: so nothing stays behind a demo that is killed, whatever it is killed with. The line
`keep` on its input makes it stay until SIGTERM.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from udup.base.config import Settings
from udup.base.endpoint import Endpoint
from udup.base.errors import UdupError
from udup.demo.servers import KEEP, MARIADB, SUBSCRIBE
from udup.sandbox.node import UdupNode
from udup.sandbox.ports import HOST, free_port
from udup.sandbox.programs import MysqlPrograms
from udup.sandbox.provision import provision, provision_mariadb
from udup.sandbox.server import MysqlServer

Say = Callable[[str], None]


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the demo answers Ctrl-C, by closing our input
    with tempfile.TemporaryDirectory(prefix="udup-demo-") as name, ExitStack() as servers:
        folder = Path(name)
        _divert_errors(folder)
        threading.Thread(target=_watch_input, daemon=True).start()
        try:
            ready = _start_servers(folder, servers, *sys.argv[1:3], subscribe=SUBSCRIBE in sys.argv)
        except UdupError as error:
            _tell("error", str(error))
            return
        servers.callback(signal.signal, signal.SIGTERM, signal.SIG_IGN)  # once is enough: let the end take its time
        _tell("ready", ready)
        signal.pause()


def _start_servers(
    folder: Path, servers: ExitStack, of_source: str, of_target: str, *, subscribe: bool
) -> dict[str, object]:
    def say(text: str) -> None:
        _tell("say", text)

    programs = _programs(of_source, say)
    options = {"binlog-row-metadata": "FULL"} if subscribe else {}
    source = servers.enter_context(MysqlServer(programs, folder / "source", options=options, say=say))
    say(f"source: {programs.name} on {source.endpoint.host}:{source.endpoint.port}")
    target, clients = None, [_client(programs)] * 2
    if not subscribe:
        for_target = programs if of_target == of_source else _programs(of_target, say)
        target = servers.enter_context(MysqlServer(for_target, folder / "target", say=say)).endpoint
        say(f"target: {for_target.name} on {target.host}:{target.port}")
        clients[1] = _client(for_target)
    ports = Settings().ports
    node = UdupNode(folder / "node", http_port=_port(ports.http, say), nats_port=_port(ports.nats, say))
    servers.enter_context(node)
    say(f"Udup: REST on {node.url}, NATS on {HOST}:{node.nats_port}")
    return {
        "pid": os.getpid(),
        "folder": str(folder),
        "url": node.url,
        "source": _address(source.endpoint),
        "target": _address(target) if target else None,
        "clients": clients,
    }


def _programs(family: str, say: Say) -> MysqlPrograms:
    return provision_mariadb(say=say) if family == MARIADB else provision(say)


def _client(programs: MysqlPrograms) -> str:
    return shlex.join(programs.command("mysql")) if programs.has("mysql") else "mysql"


def _address(endpoint: Endpoint) -> dict[str, object]:
    return {"host": endpoint.host, "port": endpoint.port, "user": endpoint.user, "password": endpoint.password}


def _port(wanted: int, say: Say) -> int:
    """The usual port, or a free one if somebody listens there."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
        except OSError:
            other = free_port()
            say(f"port {wanted} is taken; using {other} instead")
            return other
    return wanted


def _tell(kind: str, content: object) -> None:
    try:
        sys.stdout.write(json.dumps({kind: content}) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        sys.exit(0)  # the demo is gone


def _watch_input() -> None:
    for line in sys.stdin:
        if line.strip() == KEEP:
            return
    os.kill(os.getpid(), signal.SIGTERM)


def _divert_errors(folder: Path) -> None:
    """Demo servers that are kept must not hold on to the terminal or the pipe of the demo that is over."""
    log = os.open(folder / "servers.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 2)
    os.close(log)


if __name__ == "__main__":
    main()
