"""How the job store of several managers begins: once, by one of them, with what it had alone, or empty.

A store that is not found may be one whose managers are not there yet. So it is made only when all managers that there
shall be are there, and each of them says that it has never seen it. One of them may bring what it held alone, and that
one makes it; where none does, the one with the lowest ID. It makes the bucket, creates each record in it, which never
takes the place of another, and writes the mark last. Whoever dies in the middle goes on there.

A manager that has seen the store once notes that in a file, and never takes part again: if the store is not found then,
its managers are away, or it is lost and somebody has to say so (`udup cluster recover`).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

from nats.js.api import Header, StorageType
from nats.js.client import JetStreamContext
from nats.js.errors import APIError, NotFoundError

from udup.base import runtime
from udup.store.buckets import make_bucket
from udup.store.mark import COMPLETE, Mark
from udup.store.owned import WRONG_REVISION
from udup.store.snapshot import Snapshot

#: At which managers tell each other what they know of the store.
SUBJECT = "udup.cluster.begin"


@dataclass(frozen=True)
class Statement:
    """What one manager says. `brings` is how many values it has for a new store."""

    node: str
    brings: int = 0
    has_seen: bool = False

    @classmethod
    def of(cls, data: bytes) -> Statement | None:
        """Return what was said, None for what is none of it."""
        try:
            told = json.loads(data)
            return cls(str(told["node"]), int(told["brings"]), bool(told["has_seen"]))
        except (ValueError, TypeError, KeyError):
            return None

    @property
    def data(self) -> bytes:
        return json.dumps(asdict(self)).encode()


class Turn(Enum):
    """Whose turn it is: this node's, another's, or somebody's who runs the nodes."""

    OWN = "own"
    WAIT = "wait"
    STUCK = "stuck"


def decide(said: Collection[Statement], node: str, managers: int) -> tuple[Turn, str]:
    """Return whose turn it is to begin the store, and why not this node's, for people."""
    if seen := sorted(each.node for each in said if each.has_seen):
        return Turn.STUCK, (
            f"the job store was there when node {seen[0]} last saw it, and is not found now; see that more than half of"
            " the managers run that kept it. If it is lost for good, begin it again with udup cluster recover"
        )
    if len(said) < managers:
        return Turn.WAIT, f"{len(said)} of {managers} managers are there; the job store begins when all are"
    bringers = sorted(each.node for each in said if each.brings)
    if len(bringers) > 1:
        return Turn.STUCK, (
            f"the nodes {' and '.join(bringers)} both have jobs of their own, and one job store can begin with those of"
            " one only; delete the jobs of the others on themselves, alone, or start them with an empty data_dir"
        )
    first = bringers[0] if bringers else min(each.node for each in said)
    return (Turn.OWN, "") if first == node else (Turn.WAIT, f"node {first} begins the job store")


async def store_of(context: JetStreamContext, bucket: str) -> str:
    """Return the ID of the store that has begun, "" if there is none. NATS's errors are raised as they are."""
    try:
        found = await context.get_last_msg(f"KV_{bucket}", f"$KV.{bucket}.{COMPLETE}")
    except NotFoundError:
        return ""
    return Mark.of(found.data or b"").store


async def begin(context: JetStreamContext, bucket: str, replicas: int, brought: Snapshot | None) -> Iterable[str]:
    """Make the bucket with what is brought, and return the keys of which something else was there already."""
    await make_bucket(context, bucket, StorageType.FILE, replicas)
    values: Mapping[str, bytes] = brought.values if brought else {}
    others = [key for key, data in values.items() if not await _create(context, bucket, key, data)]
    store, position = (brought.store, brought.position) if brought else ("", 0)
    await _create(context, bucket, COMPLETE, Mark(store or runtime.new_id(), position).data)
    return others


async def _create(context: JetStreamContext, bucket: str, key: str, data: bytes) -> bool:
    """Write a key that is not there; return whether it holds this now."""
    subject = f"$KV.{bucket}.{key}"
    try:
        await context.publish(subject, data, headers={Header.EXPECTED_LAST_SUBJECT_SEQUENCE.value: "0"})
    except APIError as error:
        if error.err_code not in WRONG_REVISION:
            raise
        return bool((await context.get_last_msg(f"KV_{bucket}", subject)).data == data)
    return True


async def keep_on_all(context: JetStreamContext, replicas: int) -> list[str]:
    """Have every bucket of Udup's kept by so many managers as there are; return those that were not."""
    raised = []
    for info in await _streams(context):
        if info.config.name.startswith("KV_udup_") and (info.config.num_replicas or 1) < replicas:
            info.config.num_replicas = replicas
            await context.update_stream(info.config)
            raised.append(info.config.name)
    return raised


async def _streams(context: JetStreamContext) -> list[Any]:
    found: list[Any] = []
    while True:
        some = await context.streams_info(offset=len(found))
        found += some
        if not some:
            return found
