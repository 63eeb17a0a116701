"""The configuration of the embedded nats-server: who is let in, and what of JetStream a consumer can reach.

Three kinds of accounts, which NATS keeps apart as if each were a server of its own:

* `UDUP`: the data plane, the job store, the streams of subscriptions. One user, this node, on the loopback port alone.
* `SYS`: the server itself. One user, this node, who has the configuration read again.
* one for each consumer. It holds nothing, and imports from `UDUP` the calls that read and acknowledge, of its streams.

Permissions on subjects would not do. They bound what a client publishes to, not where it has answers sent: with nothing
but the permission to fetch, a client can name a subject of the stream itself as the place for a message, and has it
stored there. Answers to an account's calls come back into that account, whatever subject they are sent to.

Consumers are created, looked at and deleted through `nats_gate.py`, since a consumer's configuration may name a
subject too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from udup.store.nats_users import NatsUser

#: The users that are this node's own, and what they are for.
USER, SYSTEM_USER = "udup", "udup-system"

ACCOUNT, SYSTEM_ACCOUNT = "UDUP", "SYS"

#: What the gate is asked, and where push consumers deliver to: `…ask.<user>.<what>.<stream>…`, `…deliver.<user>.…`.
ASK, DELIVER = "udup_consumers.ask", "udup_consumers.deliver"

#: A subject of the system account at which nobody listens. NATS gives each account its own JetStream API, under the
#: same subjects, whose "not enabled" would overtake the answers of `UDUP`; an import from the system account that
#: covers these takes the place of it.
_NOBODY = "udup_nobody.>"

_API = "$JS.API."

#: What the gate answers, by the call of NATS that it takes the place of.
CREATE, CREATE_DURABLE, DELETE, INFO, NAMES = "CREATE", "DURABLE", "DELETE", "INFO", "NAMES"
_GATED = {
    CREATE: "CONSUMER.CREATE",
    CREATE_DURABLE: "CONSUMER.DURABLE.CREATE",
    DELETE: "CONSUMER.DELETE",
    INFO: "CONSUMER.INFO",
}

#: What a consumer reaches directly, of its streams. `stream`: one question has several answers.
_EXPORTS = (
    '{ service: "$JS.API.CONSUMER.MSG.NEXT.*.*", response: stream }',
    '{ service: "$JS.API.DIRECT.GET.>", response: stream }',
    '{ service: "$JS.API.STREAM.INFO.*" }',
    '{ service: "$JS.API.STREAM.MSG.GET.*" }',
    '{ service: "$JS.ACK.>", response: stream }',
    '{ service: "$JS.FC.>" }',
    f'{{ stream: "{DELIVER}.>" }}',
)


@dataclass(frozen=True)
class Listener:
    """Where consumers of other machines connect, by WebSocket; `address` is `IP:port`, "" for nowhere."""

    address: str = ""
    tls_cert: str = ""
    tls_key: str = ""

    @property
    def url(self) -> str:
        return f"{'wss' if self.tls_cert else 'ws'}://{self.address}" if self.address else ""

    def lines(self) -> Iterator[str]:
        """Yield its part of the configuration."""
        if self.address:
            files = f"cert_file: {_text(self.tls_cert)}, key_file: {_text(self.tls_key)}"
            tls = f"tls {{ {files} }}" if self.tls_cert else "no_tls: true"
            yield f"websocket {{ listen: {_text(self.address)}, {tls} }}"


@dataclass(frozen=True)
class NodeUsers:
    """The passwords of the node's own two users."""

    password: str = field(repr=False)
    system_password: str = field(repr=False)


def ask_subject(node: str) -> str:
    """Return what the gate of a node is asked at; `node` is "" where there is no other one."""
    return f"{ASK}.{node}" if node else ASK


def account_lines(
    own: NodeUsers, users: Iterable[NatsUser], *, jetstream: bool = True, node: str = ""
) -> Iterator[str]:
    """Yield the accounts. Users are those of one node, whose gate alone may answer them.

    Without JetStream there is nothing for consumers, so that they have no accounts.
    """
    ask = ask_subject(node)
    yield f"system_account: {SYSTEM_ACCOUNT}"
    yield "accounts {"
    yield f"  {SYSTEM_ACCOUNT} {{"
    yield f"    users: [ {_own_user(SYSTEM_USER, own.system_password)} ]"
    yield f'    exports: [ {{ service: "{_NOBODY}" }} ]'
    yield "  }"
    yield f"  {ACCOUNT} {{"
    yield f"    users: [ {_own_user(USER, own.password)} ]"
    if jetstream:
        yield "    jetstream: enabled"
        yield "    exports: ["
        yield from (f"      {export}" for export in (*_EXPORTS, f'{{ service: "{ask}.>" }}'))
        yield "    ]"
    yield "  }"
    for user in users if jetstream else ():
        yield f"  {_text('consumer-' + user.token)} {{"
        yield f"    users: [ {{ user: {_text(user.name)}, password: {_text(user.password_hash)} }} ]"
        yield "    imports: ["
        yield from (f"      {each}" for each in _imports(user, ask))
        yield "    ]"
        yield "  }"
    yield "}"


def _own_user(name: str, password: str) -> str:
    """Return a user of the node's own, whom the listener for consumers does not let in."""
    return f"{{ user: {_text(name)}, password: {_text(password)}, allowed_connection_types: [STANDARD] }}"


def _imports(user: NatsUser, ask: str) -> Iterator[str]:
    yield f'{{ service: {{ account: {SYSTEM_ACCOUNT}, subject: "{_NOBODY}" }}, to: "{_API}>" }}'
    yield _service(f"{ask}.{user.token}.{NAMES}", f"{_API}STREAM.NAMES")
    yield f'{{ stream: {{ account: {ACCOUNT}, subject: "{DELIVER}.{user.token}.>" }}, to: ">" }}'
    for stream in user.streams:
        yield _service(f"{_API}STREAM.INFO.{stream}")
        yield _service(f"{_API}STREAM.MSG.GET.{stream}")
        yield _service(f"{_API}DIRECT.GET.{stream}")
        yield _service(f"{_API}DIRECT.GET.{stream}.>")
        yield _service(f"{_API}CONSUMER.MSG.NEXT.{stream}.*")
        yield _service(f"$JS.ACK.{stream}.>")
        yield _service(f"$JS.FC.{stream}.>")
        yield _service(f"{ask}.{user.token}.{CREATE}.{stream}", f"{_API}{_GATED[CREATE]}.{stream}")
        for asked, call in _GATED.items():
            yield _service(f"{ask}.{user.token}.{asked}.{stream}.>", f"{_API}{call}.{stream}.>")


def _service(subject: str, to: str = "") -> str:
    mapped = f", to: {_text(to)}" if to else ""
    return f"{{ service: {{ account: {ACCOUNT}, subject: {_text(subject)} }}{mapped} }}"


def _text(value: str) -> str:
    return json.dumps(value)
