"""Taking a node out of what the cluster knows: its record in the bucket of owners (`cluster/nodes_kept.py`)."""

from __future__ import annotations

import asyncio
import time

import msgspec

from udup.base.errors import ConfigError, Transient
from udup.cluster.beats import Role
from udup.cluster.nats_line import NatsLine
from udup.cluster.nodes_kept import NodeRecord, is_node, node_key, read_record
from udup.cluster.ports import LostRace, StoreAway

#: Seconds for the store to take it: an election may be under way.
SECONDS = 15.0


def forget_node(url: str, node: str, own: str, *, manager: bool = False) -> str:
    """Mark the record of a manager as removed, or remove that of an agent; return its ID, "" if there is none.

    `node` is the ID or the beginning of it; `manager`: it is the ID of one, and is marked if it has no record yet.
    `ConfigError` if it names several, or the node `own`; `Transient` if the store takes nothing.
    """
    return asyncio.run(_forget(url, node, own, manager=manager))


def known_nodes(url: str) -> list[str]:
    """Return the IDs of the nodes that there are records of; `StoreAway` if the store does not answer."""

    async def read() -> list[str]:
        line = await NatsLine.open(url, "udup cluster")
        try:
            return [each.known for each, _ in await _records(line)]
        finally:
            await line.close()

    return asyncio.run(read())


async def _forget(url: str, node: str, own: str, *, manager: bool) -> str:
    line = await NatsLine.open(url, "udup cluster")
    try:
        end = time.monotonic() + SECONDS
        while True:
            try:
                return await _once(line, node, own, manager=manager)
            except (StoreAway, LostRace) as error:
                if time.monotonic() > end:
                    raise Transient(
                        f"what the cluster keeps of {node} could not be changed: {error}; run the command again"
                    ) from error
                await asyncio.sleep(0.2)
    finally:
        await line.close()


async def _once(line: NatsLine, node: str, own: str, *, manager: bool) -> str:
    kept = {each.known: (each, seq) for each, seq in await _records(line)}
    named = [each for each in kept if node and each.startswith(node) and not kept[each][0].removed]
    if not named and manager:
        kept[node], named = (NodeRecord(known=node, role=Role.MANAGER), 0), [node]
    if len(named) > 1:
        raise ConfigError(f"{node!r} names several nodes: {', '.join(named)}")
    if not named:
        return ""
    record, seq = kept[named[0]]
    if record.known == own:
        raise ConfigError(f"{own} is this node itself")
    data = msgspec.structs.replace(record, removed=True).encode() if manager or record.role.votes else None
    await line.rewrite(node_key(record.known), data, seq)
    return record.known


async def _records(line: NatsLine) -> list[tuple[NodeRecord, int]]:
    news = await line.news(0, "")
    return [(read_record(each.data), each.seq) for each in news.changes if is_node(each.key) and each.data]
