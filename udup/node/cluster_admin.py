"""What the nats-servers of a cluster know of each other, and taking a dead manager out: asked of this node's own one.

Asked over the system account, which the managers share; an agent knows the managers that it is linked to.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import nats
from nats.aio.client import Client
from nats.errors import Error as NatsError

from udup.base.errors import ConfigError, Transient, UdupError
from udup.base.identity import load_node_id
from udup.node.forgetting import forget_node, known_nodes
from udup.node.nats_server import STORE_URL, SYSTEM_URL

#: Seconds for the servers that are there to answer, and for one.
ALL_SECONDS, ONE_SECONDS = 3.0, 5.0

#: Seconds for a change of the managers that is under way to be done.
CHANGE_SECONDS = 15.0

#: Seconds for servers beyond those that there should be.
MORE_SECONDS = 0.2

#: What nats-server says instead of a server's name that it has not heard, and of what the digest there is made.
_NAMELESS = re.compile(r"peerID: (\w+)\)")
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

_Json = dict[str, Any]

LEADER, CURRENT, BEHIND, OFFLINE, UNKNOWN = "leader", "current", "behind", "offline", "unknown"


class NoSuchManager(ConfigError):
    """The managers do not know one of this name, or know several."""


@dataclass(frozen=True)
class Bucket:
    """A part of the store: who leads it, how many managers shall keep it, and who is current."""

    name: str
    leader: str
    replicas: int
    current: tuple[str, ...]


@dataclass(frozen=True)
class Status:
    """`managers` by node ID: leader, current, behind, offline. `agents`: node ID to address, as managers see them.

    `links` are what this node is linked to, with the round trip; `own` is its ID. `routes`: the IP address
    at which this manager has each of the others.
    """

    own: str
    leader: str = ""
    managers: dict[str, str] = field(default_factory=dict)
    buckets: tuple[Bucket, ...] = ()
    agents: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    routes: dict[str, str] = field(default_factory=dict)


def read_status(data_dir: Path, managers: int, known: Collection[str] = ()) -> Status:
    """Return what this node's nats-server and those of the managers say; `Transient` if it does not answer.

    So many managers are waited for, for some seconds. `known` are IDs of nodes: since all were started again
    nats-server knows one that has not come back by a digest of its ID alone.
    """
    name = load_node_id(data_dir)
    found: Status = _asked(data_dir, lambda client: _status(client, name, managers))
    return _with_names(found, known)


def peer_id(node: str) -> str:
    """Return what nats-server calls a server of this name among the managers, as long as it has not heard its name."""
    return "".join(_DIGITS[byte % len(_DIGITS)] for byte in hashlib.sha256(node.encode()).digest()[:8])


def _with_names(status: Status, known: Collection[str]) -> Status:
    names = {peer_id(node): node for node in known}

    def named(manager: str) -> str:
        digest = _NAMELESS.search(manager)
        return names.get(digest[1], manager) if digest else manager

    return replace(status, managers={named(each): state for each, state in status.managers.items()})


def remove_manager(data_dir: Path, managers: int, node: str) -> str:
    """Take a node out that is not there any more, named by its ID or the beginning of it; return its ID.

    A manager is counted no more, and its record is marked, so that it ends if it is started again; of an agent, or of
    a manager that was taken out before, the record is all that there is.
    """
    name = load_node_id(data_dir)
    known: list[str] = []
    with suppress(UdupError):
        known = known_nodes(store_url(data_dir))
    try:
        found = str(_asked(data_dir, lambda client: _remove(client, name, managers, node, known)))
    except NoSuchManager:
        if not (kept := forget_node(store_url(data_dir), node, name)):
            raise
        return kept
    forget_node(store_url(data_dir), found, name, manager=True)
    return found


def store_url(data_dir: Path) -> str:
    """Return the URL of the store at this node's nats-server."""
    return _url(data_dir / "nats" / STORE_URL)


def _url(file: Path) -> str:
    try:
        return file.read_text("ascii").strip()
    except OSError as error:
        raise ConfigError(
            f"{file} cannot be read ({error.strerror}); start the server here, and ask as its user"
        ) from error


def _asked(data_dir: Path, work: Callable[[Client], Awaitable[Any]]) -> Any:
    url = _url(data_dir / "nats" / SYSTEM_URL)

    async def quiet(_error: Exception) -> None:
        """The call tells its own errors."""

    async def connected() -> Any:
        client = await nats.connect(
            url, name="udup cluster", connect_timeout=2, allow_reconnect=False, max_reconnect_attempts=0, error_cb=quiet
        )
        try:
            return await work(client)
        finally:
            await client.close()

    try:
        return asyncio.run(connected())
    except (NatsError, OSError, TimeoutError) as error:
        raise Transient(
            f"this node's nats-server does not answer: {error or type(error).__name__}; start the server here"
        ) from error


def leave_managers(data_dir: Path) -> None:
    """Have this node, which was removed before and has come back, counted no more."""
    name = load_node_id(data_dir)
    with suppress(UdupError):
        _asked(data_dir, lambda client: _take_out(client, name))


async def _take_out(client: Client, node: str) -> None:
    """Ask for it again while the managers take in another one."""
    body = json.dumps({"peer": node, "peer_id": peer_id(node)}).encode()
    end = asyncio.get_running_loop().time() + CHANGE_SECONDS
    while True:
        answer = json.loads((await client.request("$JS.API.SERVER.REMOVE", body, timeout=ONE_SECONDS)).data)
        if answer.get("success"):
            return
        why = str((answer.get("error") or {}).get("description"))
        if "in progress" not in why or asyncio.get_running_loop().time() > end:
            raise ConfigError(f"the manager {node} was not removed: {why}")
        await asyncio.sleep(0.2)


async def _status(client: Client, name: str, managers: int) -> Status:
    only = json.dumps({"server_name": name, "exact_match": True}).encode()
    own = json.loads((await client.request("$SYS.REQ.SERVER.PING", only, timeout=ONE_SECONDS)).data)["server"]
    stores, leaves = await asyncio.gather(
        _all(client, "JSZ", {"accounts": True, "streams": True, "config": True}, managers),
        _all(client, "LEAFZ", {}, managers),
    )
    if not own.get("jetstream"):
        links = {each["name"]: each.get("rtt", "") for each in leaves.get(own["name"], {}).get("leafs", ())}
        return Status(own["name"], links=links)
    meta = {name: told["meta_cluster"] for name, told in stores.items() if "meta_cluster" in told}
    leader = next((each["leader"] for each in meta.values() if each.get("leader") in stores), "")
    agents = {
        each["name"]: f"{each['ip']} (at {name[:8]}, {each.get('rtt', '?')})"
        for name, told in leaves.items()
        for each in told.get("leafs", ())
    }
    if managers == 1:  # who asks nobody
        return Status(own["name"], own["name"], {own["name"]: LEADER}, (), agents)
    view = meta.get(leader) or meta.get(own["name"], {})
    states = dict.fromkeys([own["name"], *stores], CURRENT if leader else UNKNOWN)
    for each in view.get("replicas", ()):
        states[each["name"]] = _state(each, known=bool(leader), answers=each["name"] in stores)
    if leader:
        states[leader] = LEADER
    routes = json.loads((await client.request(f"$SYS.REQ.SERVER.{own['id']}.ROUTEZ", b"{}", timeout=ONE_SECONDS)).data)
    places = {each["remote_name"]: each["ip"] for each in (routes.get("data") or {}).get("routes") or ()}
    return Status(own["name"], leader, states, tuple(_buckets(stores)), agents, routes=places)


def _state(replica: _Json, *, known: bool, answers: bool) -> str:
    if replica.get("offline") or not (answers or replica.get("current")):
        return OFFLINE
    if not known:
        return UNKNOWN
    return CURRENT if replica.get("current") else BEHIND


def _buckets(stores: dict[str, _Json]) -> list[Bucket]:
    """Return each stream as its leader describes it; as anybody does who has it, where it has no leader."""
    found: dict[str, tuple[bool, Bucket]] = {}
    for server, told in stores.items():
        for account in told.get("account_details", ()):
            for stream in account.get("stream_detail", ()):
                cluster = stream.get("cluster") or {}
                leader = cluster.get("leader", "")
                others = [each["name"] for each in cluster.get("replicas", ()) if each.get("current")]
                current = tuple(sorted([*others, server])) if leader == server else ()
                replicas = int((stream.get("config") or {}).get("num_replicas", 1))
                if stream["name"] not in found or leader == server:
                    found[stream["name"]] = leader == server, Bucket(stream["name"], leader, replicas, current)
    return [bucket for _, (_, bucket) in sorted(found.items())]


async def _all(client: Client, what: str, body: _Json, servers: int) -> dict[str, _Json]:
    """Ask every server, and return the answers of those that give one in time, by their names."""
    inbox = client.new_inbox()
    found: dict[str, _Json] = {}
    answers = await client.subscribe(inbox)
    await client.publish(f"$SYS.REQ.SERVER.PING.{what}", json.dumps(body).encode(), reply=inbox)
    now = asyncio.get_running_loop().time
    end = now() + ALL_SECONDS
    while (left := end - now()) > 0:
        try:
            told = json.loads((await answers.next_msg(left)).data)
        except (NatsError, TimeoutError):
            break
        found[told["server"]["name"]] = told.get("data") or {}
        if len(found) == max(servers, 1):  # one that is not in the settings may be there as well
            end = min(end, now() + MORE_SECONDS)
    return found


async def _remove(client: Client, name: str, managers: int, node: str, known: Collection[str]) -> str:
    status = _with_names(await _status(client, name, managers), known)
    named = [each for each in status.managers if each.startswith(node)] if node else []
    if not named and (there := [each for each in status.agents if node and each.startswith(node)]):
        raise ConfigError(f"the agent {there[0]} is linked; stop it first, for good: it would be known again")
    if len(named) != 1:
        raise NoSuchManager(f"{node!r} names {len(named) or 'none'} of the managers {', '.join(status.managers)}")
    if status.managers[named[0]] != OFFLINE:
        raise ConfigError(
            f"the manager {named[0]} is not offline but {status.managers[named[0]]}; stop it first, for good: started"
            " again it would not be taken back"
        )
    if not status.leader:
        raise ConfigError(
            "the managers have no leader, so that none can be removed; start more of them, or see udup cluster recover"
        )
    await _take_out(client, named[0])
    return named[0]
