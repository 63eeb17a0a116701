"""A backup: what a node knows of the job store, in one file that another node can begin with.

The form is that of the node's own snapshot (`snapshot.py`): a line with the sum of what follows, then JSON.

    udup backup 1 SHA-256

Passwords are sealed in it as they are in the store, so without the key it opens nothing. That may be put in too.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from udup.base.errors import ConfigError
from udup.base.secrets import SEALED
from udup.store.contents import JOB_KEY
from udup.store.snapshot import Snapshot

HEAD = b"udup backup 1 "

#: What any backup begins with, of later forms too.
SIGN = b"udup backup "

_KEY_ID = re.compile(re.escape(SEALED).encode() + rb"([0-9a-f]{8}):")


@dataclass(frozen=True)
class Backup:
    """`made` is nanoseconds since the epoch; `consumers` the users of the node's NATS server, as their file has them.

    `key` is the file of the keys of passwords, "" where it was left out; `node_id` and `node` are who made it.
    """

    version: str
    made: int
    node_id: str
    node: str
    snapshot: Snapshot
    consumers: str | None = None
    key: str = field(default="", repr=False)

    @property
    def jobs(self) -> list[str]:
        """Return the IDs of the jobs, in their order; of a damaged record its key."""
        return sorted(_id_of(key, data) for key, data in self.snapshot.values.items() if JOB_KEY.fullmatch(key))

    @property
    def needs(self) -> list[str]:
        """Return the IDs of the keys that its passwords are sealed with."""
        found = {each.decode() for data in self.snapshot.values.values() for each in _KEY_ID.findall(data)}
        return sorted(found)

    def to_bytes(self) -> bytes:
        """Return the file's content."""
        snapshot = self.snapshot
        told: dict[str, Any] = {
            "version": self.version,
            "made": self.made,
            "node_id": self.node_id,
            "node": self.node,
            "consumers": self.consumers,
            "key": self.key,
            "store": {"store": snapshot.store, "made": snapshot.made, "base": snapshot.base, "last": snapshot.last},
            "values": {key: data.decode("utf-8", "surrogateescape") for key, data in snapshot.values.items()},
        }
        content = json.dumps(told, indent=1).encode() + b"\n"
        return HEAD + hashlib.sha256(content).hexdigest().encode() + b"\n" + content


def read_backup(content: bytes, name: str, version: str) -> Backup:
    """Return what is in a file's content; `ConfigError` if it is no whole backup that this `version` can read."""
    head, _, body = content.partition(b"\n")
    if not head.startswith(SIGN):
        raise ConfigError(f"{name} is no backup of Udup: it does not begin with {SIGN.decode()!r}")
    if not head.startswith(HEAD):
        raise ConfigError(
            f"{name} is a backup in a form that Udup {version} does not know; take the version that made it"
        )
    if head.removeprefix(HEAD) != hashlib.sha256(body).hexdigest().encode():
        raise ConfigError(
            f"{name} is damaged: its content does not have the sum that its first line says; take another"
        )
    told = json.loads(body)
    if _numbers(told["version"]) > _numbers(version):
        raise ConfigError(
            f"{name} was made by Udup {told['version']}, and this is {version}, which may not know what it holds;"
            f" restore it with {told['version']} or newer"
        )
    values: Mapping[str, str] = told["values"]
    held = {key: text.encode("utf-8", "surrogateescape") for key, text in values.items()}
    return Backup(
        told["version"],
        told["made"],
        told["node_id"],
        told["node"],
        Snapshot(**told["store"], values=held),
        told["consumers"],
        told["key"],
    )


def _numbers(version: str) -> list[int]:
    """Return the first two numbers of a version: those by which what is stored may change."""
    return [int(each) for each in re.findall(r"\d+", version)[:2]]


def _id_of(key: str, data: bytes) -> str:
    try:
        return str(json.loads(data)["id"])
    except (ValueError, TypeError, KeyError):
        return key
