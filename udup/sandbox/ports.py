"""Free TCP ports on the loopback interface for servers that come and go."""

from __future__ import annotations

import secrets
import socket
from pathlib import Path

from udup.base.errors import UdupError

HOST = "127.0.0.1"

#: Where the search begins: above the well-known ports of databases and web servers.
_FIRST_PORT = 15000

#: Linux's default lower end of the ports that it gives to outgoing connections.
_DEFAULT_EPHEMERAL_START = 32768

_EPHEMERAL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")

_TRIES = 200


def free_port() -> int:
    """A port nobody listens on now. Another program may still take it first: whoever starts a server tries again.

    It lies below the range of outgoing connections. A server that is killed and restarted on a port inside that range
    could find it taken by any connection of the machine, even by a client that tries to reach the server itself.
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
            return bound
    raise UdupError(f"no free port on {HOST} in {_TRIES} tries -- are thousands of servers running?")


def _ephemeral_start() -> int:
    try:
        return int(_EPHEMERAL_RANGE.read_text().split()[0])
    except OSError:
        return _DEFAULT_EPHEMERAL_START
