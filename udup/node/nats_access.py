"""Who may read from the node's own JetStream: users added, listed and removed while everything goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import suppress

from udup.base.errors import Fault, Refused, Transient, UdupError
from udup.node.nats_config import SYSTEM_USER, USER
from udup.node.nats_gate import ConsumerGate
from udup.node.nats_server import HOST, NatsServer
from udup.store.nats_users import (
    MAX_USERS,
    NatsUser,
    content_of,
    hash_of,
    new_password,
    read_users,
    restore,
    write_users,
)
from udup.web.ports import Consumer, ConsumerCredentials, NameTaken, NotReady, NotThere

#: The beginning of the names of NATS's key-value buckets, of which all here are Udup's own.
_BUCKET = "KV_"


class NatsAccess:
    """The users of one node's nats-server. Called from several web threads at once."""

    def __init__(self, server: NatsServer) -> None:
        self._server = server
        self._folder = server.folder
        self._users = read_users(self._folder)
        member = server.member
        node = member.token if member is not None and member.shares_store else ""
        self._gate = ConsumerGate(server.url, lambda: self._users, node)
        self._changing = threading.Lock()

    def open(self) -> None:
        """Return when consumers are answered; `Transient` if NATS does not answer."""
        self._gate.open()

    def close(self) -> None:
        self._gate.close()

    def users(self) -> list[Consumer]:
        users = self._users
        missing = self._missing({stream for user in users for stream in user.streams})
        return [_shown(user, missing) for user in users]

    def add(self, name: str, streams: Sequence[str]) -> ConsumerCredentials:
        """Let a new user in; the answer alone has the password."""
        faults = [*_name_faults(name), *(fault for stream in streams for fault in _stream_faults(stream))]
        if faults:
            raise Refused(faults)
        missing = self._missing(set(streams))  # nothing has changed yet, if NATS does not answer
        password = new_password()
        user = NatsUser(name, tuple(dict.fromkeys(streams)), hash_of(password), time.time_ns())
        with self._changing:
            if any(name == each.name for each in self._users):
                raise NameTaken(f"there is a user {name!r} already; to change it, remove it and add it again")
            if len(self._users) >= MAX_USERS:
                raise NameTaken(f"there are {MAX_USERS} users, as many as there may be; remove one first")
            self._change([*self._users, user])
        local = f"nats://{HOST}:{self._server.port}"
        return ConsumerCredentials(_shown(user, missing), password, local, self._server.listener.url)

    def remove(self, name: str) -> None:
        """Let a user in no more, and end his connections. His consumers stay, and keep their places."""
        with self._changing:
            left = [each for each in self._users if each.name != name]
            if len(left) == len(self._users):
                raise NotThere("user not found")
            self._change(left)

    def _change(self, users: list[NatsUser]) -> None:
        """All of it or nothing: where nats-server does not take it, the file is as before."""
        try:
            before = content_of(self._folder)
            write_users(self._folder, sorted(users, key=lambda user: user.name))
        except OSError as error:
            raise NotReady(f"cannot write into {self._folder}: {error.strerror}; make room, then try again") from error
        try:
            self._server.reload()
        except (UdupError, OSError) as error:
            with suppress(OSError, UdupError):
                restore(self._folder, before)
                self._server.reload()
            if isinstance(error, UdupError) and not isinstance(error, Transient):
                raise
            raise NotReady(f"nothing was changed: {error}; try again in a moment") from error
        self._users = read_users(self._folder)

    def _missing(self, streams: set[str]) -> set[str]:
        try:
            return self._gate.missing(streams)
        except Transient as error:
            raise NotReady(f"{error}; try again in a moment") from error


def _name_faults(name: str) -> list[Fault]:
    if name in (USER, SYSTEM_USER):
        return [Fault("Name", f"{name!r} is Udup's own user", "choose another name")]
    return []


def _stream_faults(stream: str) -> list[Fault]:
    if stream.startswith(_BUCKET):
        return [Fault("Streams", f"{stream} is a bucket of Udup's own", "name the stream of a subscription")]
    return []


def _shown(user: NatsUser, missing: set[str]) -> Consumer:
    return Consumer(user.name, user.streams, tuple(each for each in user.streams if each in missing), user.since)
