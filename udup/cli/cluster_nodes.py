"""What the API of a node knows of the cluster's nodes, for commands that also ask nats-server: names, jobs, drains."""

from __future__ import annotations

import os
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from udup.base.errors import UdupError

#: States of an allocation that a node has work with.
_LIVE = frozenset({"pending", "running"})


@dataclass(frozen=True)
class Known:
    """A node as the API tells it. `jobs` are those that it has a task of."""

    name: str
    ready: bool
    drains: bool
    jobs: int


def known_nodes(config: Path) -> dict[str, Known]:
    """Return the nodes by ID; none if the API does not answer, which the store's own commands can do without."""
    from udup.cli.client import Api
    from udup.cli.where import Flags, find

    try:
        api = Api(find(Flags(config=config if config.exists() else None), os.environ, Path.home()))
        try:
            nodes, allocations = api.get("/v1/nodes"), api.get("/v1/allocations")
        finally:
            api.close()
    except UdupError:
        return {}
    jobs: dict[str, set[str]] = defaultdict(set)
    for each in allocations:
        if each["ClientStatus"] in _LIVE:
            jobs[each["NodeID"]].add(each["JobID"])
    return {
        each["ID"]: Known(each["Name"], each["Status"] == "ready", each["Drain"], len(jobs[each["ID"]]))
        for each in nodes
    }


def hosts_of(config: Path, nodes: list[str]) -> dict[str, str]:
    """Return at which host the API of each node is; "" where nobody says so."""
    from udup.cli.client import Api
    from udup.cli.where import Flags, find

    found = dict.fromkeys(nodes, "")
    try:
        api = Api(find(Flags(config=config if config.exists() else None), os.environ, Path.home()))
    except UdupError:
        return found
    try:
        for node in nodes:
            with suppress(UdupError, ValueError):  # the settings, and what the caller says, are left
                found[node] = urlsplit(f"//{api.get(f'/v1/node/{node}')['HTTPAddr']}").hostname or ""
    finally:
        api.close()
    return found
