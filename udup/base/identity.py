"""The node's ID: a random UUID, made at the first start and kept in `<data_dir>/agent/node-id`.

Clients name the node by it in jobs (NodeId), so it must never change: a file that holds something else is an error to
be looked at, not a reason for a new ID.
"""

from __future__ import annotations

import socket
import uuid
from pathlib import Path

from udup.base.durable import write_whole
from udup.base.errors import ConfigError

_PLACE = Path("agent") / "node-id"

#: Characters of a signature: it has to fit the tables that it is kept in.
_SIGNATURE = 200


def twin_told(data_dir: Path) -> str:
    """Return what a node is told whose ID another one has that was there before."""
    return (
        f"data_dir: {data_dir} is a copy of another node's, which is up and has the same ID ({load_node_id(data_dir)}):"
        f" this node ends, and the other one stays. Remove {data_dir / _PLACE} here to have a new ID made; if this was"
        " to be the same node on another machine, stop the other one first"
    )


def removed_told(data_dir: Path) -> str:
    """Return what a node is told that was removed from its cluster."""
    return (
        f"data_dir: this node ({load_node_id(data_dir)}) was removed from its cluster (udup cluster remove), and its"
        f" store in {data_dir} is old: this node ends. To have it join again move {data_dir} aside, take the section"
        " [cluster] out of its settings, and run udup cluster join with a new token"
    )


def load_node_id(data_dir: Path) -> str:
    """The ID kept under `data_dir`, made if there is none. The folder is the caller's alone (its lock is held)."""
    path = data_dir / _PLACE
    try:
        return _read(path)
    except FileNotFoundError:
        return _make(path)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"data_dir: {path} should hold the node's ID, a UUID: {error}; write the ID that jobs name into it, or "
            "remove the file to have a new one made"
        ) from error


def described(data_dir: str) -> str:
    """The node as it signs what it leaves on servers: its ID, and for people where it keeps its data and runs.

    A copy of a node's folder has its ID too, so that only all of it tells one node from another.
    """
    return f"node {load_node_id(Path(data_dir))} ({data_dir} on {socket.gethostname()})"[:_SIGNATURE]


def _read(path: Path) -> str:
    return str(uuid.UUID(path.read_text("ascii").strip()))


def _make(path: Path) -> str:
    node_id = str(uuid.uuid4())
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, node_id.encode("ascii"), 0o644)
    except OSError as error:
        raise ConfigError(f"data_dir: cannot write the node's ID to {path}: {error.strerror}") from error
    return node_id
