"""What a node is in its cluster, as its settings say it."""

from __future__ import annotations

from dataclasses import dataclass

from udup.cluster.beats import Role


@dataclass(frozen=True)
class NodeOfCluster:
    """What a node is in its cluster. `voters` are all managers; `replicas` as many, 0 of a node that is none."""

    node: str
    role: Role
    voters: int
    replicas: int
    name: str = ""
    datacenter: str = "dc1"
    address: str = ""
    build: str = ""
    max_jobs: int = 0
