"""What the settings of a cluster mean together: who the managers are, and every fault of it.

There are one, three or five managers: the job store goes on while more than half of them are there. Of two it would
stop when either is lost, so that two are worse than one.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from udup.base.settings import Settings

MANAGER, AGENT, WITNESS = "manager", "agent", "witness"

#: How many managers there may be.
COUNTS = (1, 3, 5)

_FILES = ("tls_ca", "tls_cert", "tls_key")


@dataclass(frozen=True, order=True)
class Address:
    """Where a node listens for others."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def parse_address(text: str, port: int) -> Address | None:
    """Return what `host`, `host:port` or `[IPv6]:port` names; None if it is none of these."""
    bracketed, closing, rest = text.partition("]")
    if closing:
        host, rest = bracketed.removeprefix("["), rest.removeprefix(":")
        ipv6 = bracketed.startswith("[")
    elif text.count(":") > 1:
        host, rest, ipv6 = text, "", True
    else:
        (host, _, rest), ipv6 = text.partition(":"), False
    if ipv6:
        try:
            host = str(ipaddress.IPv6Address(host))
        except ValueError:
            return None
    elif not host or set(host) - set(_HOST_CHARACTERS):
        return None
    if not rest:
        return None if text.endswith(":") and not ipv6 else Address(host, port)
    fits = rest.isascii() and rest.isdecimal() and 0 < int(rest) <= 65535
    return Address(host, int(rest)) if fits else None


_HOST_CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"


def is_manager(settings: Settings) -> bool:
    return settings.cluster.role in (MANAGER, WITNESS)


def listens_on(settings: Settings) -> str:
    """Return the IP address on which a manager listens for other nodes."""
    return settings.cluster.bind_addr or settings.bind_addr


def own_host(settings: Settings) -> str:
    """Return under which host others reach this node; "" if nothing says so."""
    host = settings.cluster.advertise or listens_on(settings)
    try:
        return "" if ipaddress.ip_address(host).is_unspecified else host
    except ValueError:
        return host


def joined(settings: Settings) -> tuple[Address, ...]:
    """Return what `join` names, without this node itself, each once and in order."""
    port = settings.ports.cluster if is_manager(settings) else settings.ports.leaf
    found = {parse_address(each, port) for each in settings.cluster.join}
    own = Address(own_host(settings), settings.ports.cluster) if is_manager(settings) else None
    return tuple(sorted(each for each in found if each is not None and each != own))


def count_of_managers(settings: Settings) -> int:
    """Return how many managers share the job store, as a manager knows; 0 for a node that is none."""
    return 1 + len(joined(settings)) if is_manager(settings) else 0


def cluster_faults(settings: Settings) -> Iterator[str]:
    """Yield every fault, as setting, problem and remedy."""
    given = settings.cluster
    if not given.role:
        if set_here := [name for name in ("join", "secret", "advertise", "bind_addr", *_FILES) if _is_set(given, name)]:
            yield f"cluster.{set_here[0]}: is of no use without cluster.role; set that to manager, agent or witness"
        return
    if settings.nats.url:
        yield "cluster.role: nodes of a cluster use the built-in NATS server, and nats.url names another; leave one out"
    if not given.secret.get_secret_value():
        yield "cluster.secret: is missing, and nodes let each other in by it; `udup cluster init` makes one"
    for text in given.join:
        if parse_address(text, 1) is None:
            yield f"cluster.join: must be addresses such as 10.0.0.1 or 10.0.0.1:8192, got {text!r}"
    yield from _tls_faults(settings)
    yield from _agent_faults(settings) if given.role == AGENT else _manager_faults(settings)


def _is_set(given: object, name: str) -> bool:
    value = getattr(given, name)
    return bool(value.get_secret_value() if name == "secret" else value)


def _tls_faults(settings: Settings) -> Iterator[str]:
    given = settings.cluster
    missing = [name for name in _FILES if not getattr(given, name)]
    for name in _FILES:
        file = getattr(given, name)
        if file and not Path(file).is_file():
            yield f"cluster.{name}: there is no file {file}; `udup cluster init` or `udup cluster join` writes it"
    if 0 < len(missing) < len(_FILES):
        yield f"cluster.{missing[0]}: is missing beside the other files for TLS; set all three, or none"
    if len(missing) < len(_FILES):
        return
    where = [str(each) for each in joined(settings) if not each.is_loopback]
    if is_manager(settings) and not Address(listens_on(settings), 0).is_loopback:
        where.insert(0, listens_on(settings))
    if where:
        yield (
            f"cluster.tls_ca: nodes speak to each other at {where[0]}, which is not loopback, and without TLS passwords"
            " and rows would pass in clear; set tls_ca, tls_cert and tls_key, which `udup cluster init` and `udup"
            " cluster join` write"
        )


def _agent_faults(settings: Settings) -> Iterator[str]:
    if not settings.cluster.join:
        yield "cluster.join: is empty, and an agent needs the address of a manager; name each of them"
    for each in joined(settings):
        if each.port == settings.ports.cluster != settings.ports.leaf:
            yield (
                f"cluster.join: {each} is where managers reach each other; an agent joins at their ports.leaf, "
                f"{Address(each.host, settings.ports.leaf)}"
            )
    if settings.consumers.listen:
        yield "consumers.listen: consumers read from managers, which have the streams; leave it out on an agent"


def _manager_faults(settings: Settings) -> Iterator[str]:
    ports = settings.ports
    if not own_host(settings):
        yield (
            f"cluster.advertise: is missing, and {listens_on(settings)} is no address at which others reach this node; "
            "set it to the host name or IP address that they use"
        )
    for name, port in (("leaf", ports.leaf), ("cluster", ports.cluster)):
        for other, its in (("http", ports.http), ("nats", ports.nats), ("leaf", ports.leaf)):
            if name != other and port == its:
                yield f"ports.{name}: {port} is ports.{other} as well; give each its own port"
        if port == 0:
            yield f"ports.{name}: must be a port that other nodes know, got 0"
        if port and port == settings.consumers.port:
            yield f"ports.{name}: {port} is the port of consumers.listen as well; give each its own port"
    if any(parse_address(text, 1) is None for text in settings.cluster.join):
        return
    count = count_of_managers(settings)
    others = ", ".join(str(each) for each in joined(settings))
    if count == 2:
        yield (
            f"cluster.join: this node and {others} would be two managers, and the job store would stop when either is "
            "lost; make one of them an agent, or add a third as a witness (cluster.role)"
        )
    elif count not in COUNTS:
        yield (
            f"cluster.join: this node and {others} are {count} managers; there are 1, 3 or 5, since more than half of "
            "them must be there: make one an agent, or add one"
        )
