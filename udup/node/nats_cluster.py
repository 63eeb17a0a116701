"""What a node's nats-server is to those of other nodes, as a part of its configuration.

Managers are linked to each other by *routes*; three or five of them keep the job store together. Agents have no store:
they are *leaf nodes*, each with one connection of its own to one of the managers, over which their account `UDUP` is
the managers' one. A message goes from node to node only if somebody there listens to its subject.

Links between nodes are encrypted and known from both sides by certificates of the cluster's own authority, and each has
a password besides. Clients connect to the nats-server of their own node alone, on loopback.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from udup.base.cluster_settings import Address, is_manager, joined, listens_on, own_host
from udup.base.settings import Settings
from udup.node.nats_config import ACCOUNT

#: The managers' JetStream, as agents ask for it.
DOMAIN = "udup"

#: The folders of the store, of a manager alone and of one among others: neither can be read as the other. Started in a
#: cluster, nats-server takes what is stored for remains of streams that the cluster does not have, and deletes it.
ALONE, SHARED = "jetstream", "cluster"

_ROUTE, _LEAF = "route", "leaf"

#: Where an agent listens for other nodes.
NOWHERE = Address("", 0)

#: Seconds for the other side to say who it is.
_AUTH_SECONDS = 5

#: A link that is cut without a word, as by a firewall, is noticed after three of these. NATS's own are 30 s and more.
_PINGS = 'ping_interval: "5s"\nping_max: 2'


@dataclass(frozen=True)
class Tls:
    """Paths of PEM files: the cluster's authority, this node's certificate, and its key."""

    ca: str = ""
    cert: str = ""
    key: str = ""

    def block(self) -> str:
        """Return its part of the configuration; both sides of a link show their certificates."""
        if not self.ca:
            return ""
        files = f"ca_file: {_text(self.ca)}, cert_file: {_text(self.cert)}, key_file: {_text(self.key)}"
        return f"tls {{ {files}, verify: true, timeout: {_AUTH_SECONDS} }}"


@dataclass(frozen=True)
class Member:
    """A node among others. `others` are the other managers; of an agent all managers, where they take agents."""

    node_id: str
    cluster: str
    secret: str = field(repr=False)
    manager: bool
    others: tuple[Address, ...]
    routes: Address = NOWHERE
    leaves: Address = NOWHERE
    advertised: str = ""
    tls: Tls = Tls()

    @property
    def managers(self) -> int:
        """Return how many managers share the job store, 0 if that is none of an agent's business."""
        return 1 + len(self.others) if self.manager else 0

    @property
    def shares_store(self) -> bool:
        """Whether this node is one of several managers."""
        return self.managers > 1

    @property
    def store(self) -> str:
        """Return the name of the store's folder, "" for none."""
        return "" if not self.manager else SHARED if self.shares_store else ALONE

    @property
    def token(self) -> str:
        """Return what stands for this node in subjects."""
        return self.node_id.replace("-", "")

    def lines(self) -> Iterator[str]:
        """Yield its part of the configuration, but for accounts and JetStream."""
        yield f"server_name: {_text(self.node_id)}"
        yield _PINGS
        if self.manager:
            yield from self._hub()
        else:
            yield f"default_js_domain: {{ {ACCOUNT}: {DOMAIN} }}"
            yield from self._remotes()
        if self.shares_store:
            yield from self._cluster()

    def _hub(self) -> Iterator[str]:
        yield "leafnodes {"
        yield f"  listen: {_text(str(self.leaves))}"
        yield "  no_advertise: true"
        yield f"  authorization {{ {self._login(_LEAF)}, account: {ACCOUNT}, timeout: {_AUTH_SECONDS} }}"
        yield from self._tls()
        yield "}"

    def _remotes(self) -> Iterator[str]:
        urls = ", ".join(_text(self._url(_LEAF, each)) for each in self.others)
        yield "leafnodes {"
        yield '  reconnect: "1s"'
        tls = f", {block}" if (block := self.tls.block()) else ""
        yield f"  remotes: [ {{ urls: [ {urls} ], account: {ACCOUNT}{tls} }} ]"
        yield "}"

    def _cluster(self) -> Iterator[str]:
        yield "cluster {"
        yield f"  name: {_text(self.cluster)}"
        yield f"  listen: {_text(str(self.routes))}"
        if self.advertised:
            yield f"  advertise: {_text(str(Address(self.advertised, self.routes.port)))}"
        yield "  no_advertise: true"  # clients of other nodes have no use for addresses on loopback
        yield f"  authorization {{ {self._login(_ROUTE)}, timeout: {_AUTH_SECONDS} }}"
        yield from self._tls()
        yield f"  routes: [ {', '.join(_text(self._url(_ROUTE, each)) for each in self.others)} ]"
        yield "}"

    def _tls(self) -> Iterator[str]:
        if block := self.tls.block():
            yield f"  {block}"

    def _login(self, user: str) -> str:
        return f"user: {user}, password: {_text(self._password(user))}"

    def _url(self, user: str, address: Address) -> str:
        scheme = "tls" if self.tls.ca else f"nats-{user}"
        return f"{scheme}://{user}:{self._password(user)}@{address}"

    def _password(self, user: str) -> str:
        """Return a password that tells nothing of the secret, nor of the other passwords."""
        words = f"udup {self.cluster} {user}"
        return hmac.new(self.secret.encode(), words.encode(), hashlib.sha256).hexdigest()


def member_of(settings: Settings, node_id: str) -> Member | None:
    """Return what this node is to others; None if it is alone."""
    given = settings.cluster
    if not given.role:
        return None
    bind = listens_on(settings)
    files = (given.tls_ca, given.tls_cert, given.tls_key)
    return Member(
        node_id=node_id,
        cluster=given.name,
        secret=given.secret.get_secret_value(),
        manager=is_manager(settings),
        others=joined(settings),
        routes=Address(bind, settings.ports.cluster),
        leaves=Address(bind, settings.ports.leaf),
        advertised=own_host(settings) if given.advertise else "",
        tls=Tls(*(str(Path(path).absolute()) if path else "" for path in files)),
    )


def _text(value: str) -> str:
    return json.dumps(value)
