"""What a service tells systemd, where it runs under that: that it is ready, that it lives, that it stops.

The protocol of sd_notify(3): a datagram of `NAME=value` lines to the socket that NOTIFY_SOCKET names. Elsewhere the
variable is not set, and nothing is said.
"""

from __future__ import annotations

import os
import socket

READY, LIVES, STOPPING = "READY=1", "WATCHDOG=1", "STOPPING=1"


def tell_service_manager(*lines: str) -> None:
    """Send it; a message that cannot be sent is not worth ending for."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    place = "\0" + address[1:] if address.startswith("@") else address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as link:
        link.setblocking(False)
        try:
            link.sendto("\n".join(lines).encode(), place)
        except OSError:
            return
