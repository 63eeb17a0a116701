"""Free TCP ports on the loopback interface for servers that come and go."""

from __future__ import annotations

import fcntl
import os
import secrets
import socket
import tempfile
import threading
from pathlib import Path

from udup.base.errors import UdupError

HOST = "127.0.0.1"

#: Where the search begins: above the well-known ports of databases and web servers.
_FIRST_PORT = 15000

#: Linux's default lower end of the ports that it gives to outgoing connections.
_DEFAULT_EPHEMERAL_START = 32768

_EPHEMERAL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")

_TRIES = 200

_guard = threading.Lock()
_given: set[int] = set()
_locks: dict[int, int] = {}  # by process id: a fork takes the file along, but none of the locks


def free_port() -> int:
    """Return a port nobody listens on now, and that is given to no other caller while this process lives.

    A program that does not ask here may still take it first: whoever starts a server tries again. The port lies below
    the range of outgoing connections. A server that is killed and restarted on a port inside that range could find it
    taken by any connection of the machine, even by a client that tries to reach the server itself.
    """
    ports = range(_FIRST_PORT, _ephemeral_start())
    for _ in range(_TRIES):
        # The kernel picks (port 0) on a machine whose range of outgoing ports leaves no room below.
        port = secrets.choice(ports) if len(ports) > _TRIES else 0
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as mysqld does: TIME_WAIT does not matter
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            bound: int = probe.getsockname()[1]
            if _reserved(bound):
                return bound
    raise UdupError(f"no free port on {HOST} in {_TRIES} tries -- are thousands of servers running?")


def _reserved(port: int) -> bool:
    """Reserve a port for this process: between the choice of a port and the server's start others choose theirs.

    The reservation is a lock on one byte of a file that all processes of this user share; it ends with the process.
    """
    with _guard:
        if port in _given:
            return False
        if os.getpid() not in _locks:
            path = Path(tempfile.gettempdir()) / f"udup-ports-{os.getuid()}"
            _locks[os.getpid()] = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.lockf(_locks[os.getpid()], fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
        except OSError:
            return False
        _given.add(port)
        return True


def _ephemeral_start() -> int:
    try:
        return int(_EPHEMERAL_RANGE.read_text().split()[0])
    except OSError:
        return _DEFAULT_EPHEMERAL_START
