"""A backup: what a node knows of the job store, in one file that another node can begin with.

The form is that of the node's own snapshot (`snapshot.py`): a line with the sum of what follows, then JSON.

    udup backup 1 SHA-256

Passwords are sealed in it as they are in the store, so without the key it opens nothing. That may be put in too.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import NoneType
from typing import Any

from udup.base.errors import ConfigError
from udup.base.secrets import SEALED
from udup.store.contents import GONE, JOB_KEY
from udup.store.snapshot import Snapshot

HEAD = b"udup backup 1 "

#: What any backup begins with, of later forms too.
SIGN = b"udup backup "

#: How NATS has keys.
_KEY = re.compile(r"[-/_=.a-zA-Z0-9]{1,200}")

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
    try:
        told = json.loads(body)
        if _numbers(told["version"]) > _numbers(version):
            raise ConfigError(
                f"{name} was made by Udup {told['version']}, and this is {version}, which may not know what it holds;"
                f" restore it with {told['version']} or newer"
            )
        return _backup(told)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise ConfigError(
            f"{name} is damaged: what it holds is not what a backup of Udup holds"
            f" ({type(error).__name__}: {str(error)[:200]}); take another"
        ) from error


def _backup(told: Mapping[str, Any]) -> Backup:
    """Return a backup from what its file tells. `ValueError` and the like for what no node has written."""
    store, values = told["store"], told["values"]
    _check(told, version=str, made=int, node_id=str, node=str, consumers=(str, NoneType), key=str, store=dict)
    _check(store, store=str, made=str, base=int, last=int)
    _check(values, **dict.fromkeys(values, str))
    json.loads(values.get(GONE, "[]"))
    uuid.UUID(told["node_id"])
    datetime.fromtimestamp(told["made"] / 1e9, UTC)
    if wrong := sorted(key for key in values if not _KEY.fullmatch(key)):
        raise ValueError(f"{wrong[0][:80]!r} is no key of a store")
    snapshot = Snapshot(
        store["store"],
        store["made"],
        store["base"],
        store["last"],
        {key: text.encode("utf-8", "surrogateescape") for key, text in values.items()},
    )
    return Backup(
        told["version"], told["made"], told["node_id"], told["node"], snapshot, told["consumers"], told["key"]
    )


def _check(told: Mapping[str, Any], **kinds: type | tuple[type, ...]) -> None:
    """`ValueError` for a value of another kind than its key has."""
    for key, each in kinds.items():
        if not isinstance(told[key], each) or isinstance(told[key], bool):
            raise ValueError(f"{key} is {type(told[key]).__name__}")


def _numbers(version: str) -> list[int]:
    """Return the first two numbers of a version: those by which what is stored may change."""
    return [int(each) for each in re.findall(r"\d+", version)[:2]]


def _id_of(key: str, data: bytes) -> str:
    try:
        return str(json.loads(data)["id"])
    except (ValueError, TypeError, KeyError):
        return key
