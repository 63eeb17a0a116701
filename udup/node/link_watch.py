"""What nats-server writes of links to other nodes that do not come about, told in the node's own log, with a remedy.

nats-server knows why, and says it in its own file in words of its own. Each reason is told once a minute at most.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

from udup.base import logs

#: Seconds until the same is told again.
AGAIN_SECONDS = 60.0

#: Bytes of the file that are read at a time; more than what comes in between is not needed to tell the reasons.
_READ_BYTES = 256 << 10

_SECRET = "it and this node do not have the same cluster.secret and cluster.name; give both the same"
_NO_TLS = "it or this node speaks without TLS; set cluster.tls_ca, tls_cert and tls_key on both, or on none"
_TOKEN = "join it again with a token of udup cluster token"

#: What nats-server says, and what it means; `{}` is what stands in the parentheses.
_REASONS = tuple(
    (re.compile(pattern), meaning)
    for pattern, meaning in (
        (r"Error 'Authorization Violation'", _SECRET),
        (r'authentication error - User "(?:route|leaf)"', _SECRET),
        (
            r"authentication error\s*$",
            _NO_TLS,
        ),
        (
            r"first record does not look like a TLS handshake",
            _NO_TLS,
        ),
        (
            r"signed by unknown authority",
            "its certificate is not of this node's authority for the cluster (cluster.tls_ca): one of the two is of"
            f" another cluster; {_TOKEN}",
        ),
        (r"didn't provide a certificate", f"it has no certificate of this cluster's authority; {_TOKEN}"),
        (
            r"certificate is valid for (.*?), not (\S+)",
            "its certificate is made out to {0}, and it is called {1}; join it again with a token for the host {1}",
        ),
        (
            r"Remote server has a duplicate name",
            "two nodes have one ID, since a data_dir was copied; start one of the two with an empty data_dir",
        ),
        (r"certificate has expired or is not yet valid", f"its certificate, or a clock, is out of time; {_TOKEN}"),
        (
            r"remote error: tls: (?:bad certificate|unknown certificate authority|certificate required)",
            "it refuses this node's certificate: see what it says in its own log",
        ),
        (
            r"Error trying to connect (?:to route|as leafnode to remote server).*\(attempt (?:[3-9]|\d\d+)\): (.*)",
            "it is not reached ({0}); see that it runs, and that its ports.leaf and ports.cluster are open to here",
        ),
    )
)

#: Who is at the other end: of a link, or of one that is tried.
_PEER = re.compile(r"(?:\s|^)(\S+):\d+ - [rl]id:\d+ |dial tcp (\S+):\d+|remote server \"(\S+):\d+\"")


def refusals(text: str) -> Iterator[tuple[str, str]]:
    """Yield host and reason of each link that was refused, as far as these lines of nats-server's log tell."""
    for line in text.splitlines():
        peer = _PEER.search(line)
        if peer is None:
            continue
        for pattern, meaning in _REASONS:
            if found := pattern.search(line):
                yield next(each for each in peer.groups() if each), meaning.format(*found.groups())
                break


class LinkWatch:
    """Reads what has come to nats-server's log since the last look."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._told: dict[tuple[str, str], float] = {}
        self._log = logs.logger("cluster")
        self._place = self._size()

    def look(self) -> None:
        """Log what is new; a file that cannot be read tells nothing."""
        size = self._size()
        if size < self._place:
            self._place = 0  # it was begun again
        if size == self._place:
            return
        try:
            with self._path.open("rb") as file:
                file.seek(max(self._place, size - _READ_BYTES))
                data = file.read(_READ_BYTES)
        except OSError:
            return
        whole = data.rfind(b"\n") + 1
        self._place = size - len(data) + whole
        now = time.monotonic()
        for host, why in refusals(data[:whole].decode("utf-8", "replace")):
            if now - self._told.get((host, why), float("-inf")) >= AGAIN_SECONDS:
                self._told[host, why] = now
                self._log.error("cluster_link_refused", node=host, why=why)

    def _size(self) -> int:
        try:
            return self._path.stat().st_size
        except OSError:
            return 0
