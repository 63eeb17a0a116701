"""What the job store holds, in a file of the node's: for a start without NATS, and for a store that has lost it.

It is written when something has changed, before a client is answered, and holds the records as the store does, with
their passwords sealed. Who is right where both are there and differ:

* A store has an ID, in its mark, which it keeps where it is written again; and with it a *position* that only grows:
  the number of its last message, and a base where it was written again. The store and the file are both what one
  history was at their position. So of one ID the higher position is right, as a whole: a job that it lacks was deleted.
* A store that is not there, or whose mark is not, was lost: the file is right.
* A store of another ID is another one, which this node was pointed to: it is right, and the file is put aside.
* A store without an ID is of an earlier version: it is the same if NATS made it at the same time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from udup.base.durable import write_whole
from udup.base.errors import UdupError

FILE_NAME = "jobs.snapshot"

_HEAD = b"udup jobs 1 "


class SnapshotDamaged(UdupError):
    """The file is not what was written."""


@dataclass(frozen=True)
class Snapshot:
    """`store` is the store's ID, `made` when NATS made its bucket; `values` are the bucket's, without the mark."""

    store: str
    made: str
    base: int
    last: int
    values: Mapping[str, bytes] = field(repr=False)

    @property
    def position(self) -> int:
        return self.base + self.last


def write_snapshot(path: Path, snapshot: Snapshot) -> None:
    """Write it whole, for its owner alone; `OSError` if that cannot be."""
    values = {key: data.decode("utf-8", "surrogateescape") for key, data in snapshot.values.items()}
    told = {"store": snapshot.store, "made": snapshot.made, "base": snapshot.base, "last": snapshot.last}
    content = json.dumps({**told, "values": values}).encode()
    write_whole(path, _HEAD + hashlib.sha256(content).hexdigest().encode() + b"\n" + content)


def read_snapshot(path: Path) -> Snapshot | None:
    """Return what was written last, None if nothing was. `SnapshotDamaged` if it is something else."""
    try:
        head, _, content = path.read_bytes().partition(b"\n")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SnapshotDamaged(f"cannot read {path}, what the job store held last: {error.strerror}") from error
    if head != _HEAD + hashlib.sha256(content).hexdigest().encode():
        raise SnapshotDamaged(f"{path}, what the job store held last, is damaged, or of a newer version")
    told = json.loads(content)
    values = {key: text.encode("utf-8", "surrogateescape") for key, text in told.pop("values").items()}
    return Snapshot(**told, values=values)


def put_aside(path: Path) -> Path:
    """Keep a file that is not used any more, beside its place."""
    aside = path.with_suffix(".snapshot.old")
    path.replace(aside)
    return aside
