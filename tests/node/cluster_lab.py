"""Nats-servers of a cluster for the tests, on loopback, with TLS both ways; and a proxy that can be cut."""

from __future__ import annotations

import socket
import threading
import uuid
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from udup.base.authority import Certificate, issue, make_authority
from udup.base.cluster_settings import Address
from udup.node.nats_cluster import Member, Tls
from udup.node.nats_server import NatsServer
from udup.sandbox.ports import free_port

HOST = "127.0.0.1"
SECRET = "a-secret-of-the-tests"


@dataclass
class Lab:
    """Managers that know each other, and agents that know the managers."""

    folder: Path
    servers: list[NatsServer] = field(default_factory=list)
    authority: Certificate = field(default_factory=lambda: make_authority("tests"))

    def managers(self, count: int) -> list[NatsServer]:
        """Make the servers of managers, not started."""
        places = [(Address(HOST, free_port()), Address(HOST, free_port())) for _ in range(count)]
        made = []
        for routes, leaves in places:
            others = tuple(each for each, _ in places if each != routes)
            node_id = str(uuid.uuid4())
            member = Member(node_id, "tests", SECRET, True, others, routes, leaves, "", self.tls(node_id))
            made.append(self._server(member))
        return made

    def agent(self, managers: list[NatsServer], **other: object) -> NatsServer:
        """Make the server of an agent; `other` is what of its `Member` is not as it should be."""
        node_id = str(uuid.uuid4())
        hubs = tuple(each.member.leaves for each in managers if each.member)
        member = Member(node_id, "tests", SECRET, False, hubs, tls=self.tls(node_id))
        return self._server(replace(member, **other))  # type: ignore[arg-type]

    def tls(self, node_id: str, authority: Certificate | None = None) -> Tls:
        """Write a node's files, its certificate signed by this lab's authority or another one."""
        folder = self.folder / f"tls-{uuid.uuid4().hex[:8]}"
        folder.mkdir()
        made = issue(authority or self.authority, node_id, [HOST, "localhost"])
        for name, text in (("ca", self.authority.cert), ("cert", made.cert), ("key", made.key)):
            (folder / f"{name}.pem").write_text(text)
        return Tls(*(str(folder / f"{name}.pem") for name in ("ca", "cert", "key")))

    def _server(self, member: Member) -> NatsServer:
        server = NatsServer(self.folder / f"node-{member.node_id[:8]}" / "nats", 0, member=member)
        self.servers.append(server)
        return server

    def stop(self) -> None:
        for server in self.servers:
            server.stop()


class Proxy:
    """Carries connections to a port until it is cut; whoever calls then is hung up on."""

    def __init__(self, port: int) -> None:
        self._target, self.is_cut = port, False
        self._pairs: list[socket.socket] = []
        self._listening = socket.create_server((HOST, 0))
        self.port = int(self._listening.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self.is_cut = True
        for each in self._pairs:
            _end(each)
        self._pairs.clear()

    def heal(self) -> None:
        self.is_cut = False

    def close(self) -> None:
        self.cut()
        _end(self._listening)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            if self.is_cut:
                near.close()
                continue
            try:
                far = socket.create_connection((HOST, self._target))
            except OSError:
                near.close()
                continue
            self._pairs += [near, far]
            for a, b in ((near, far), (far, near)):
                threading.Thread(target=_pump, args=(a, b), daemon=True).start()


def _pump(a: socket.socket, b: socket.socket) -> None:
    with suppress(OSError):
        while data := a.recv(65536):
            b.sendall(data)
    _end(a)
    _end(b)


def _end(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()
