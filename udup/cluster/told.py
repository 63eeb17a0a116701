"""What a keeper tells its node, and what that says of itself. Values, so that they may be messages of actors."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Owned:
    """The job is this node's: `token` is asked for when a run begins. Told again when it is given again.

    `source` is the node that carries its Src task, "" for this one; `previous` had the job before. `tried`: it comes
    from a node on which it has failed too often. `away` are nodes from which a server was away, and what each has met.
    `lost`: it was taken from a node that had not ended its runs.
    """

    job: str
    token: int
    source: str = ""
    previous: str = ""
    why: str = ""
    tried: bool = False
    away: tuple[tuple[str, str], ...] = ()
    lost: bool = False


@dataclass(frozen=True)
class Leave:
    """The job is to go to another node: wind its run up, then ask for `hand_over`. Until then it is this node's.

    Told again, with another token, when it is to go elsewhere; `Owned` is told when it stays after all.
    """

    job: str
    token: int
    to: str
    why: str = ""


@dataclass(frozen=True)
class Lost:
    """The job is not this node's any more: its run must end. `node` owns it now, "" for nobody."""

    job: str
    node: str = ""


@dataclass(frozen=True)
class Paused:
    """This process stood still for so long."""

    seconds: float


@dataclass(frozen=True)
class Twin:
    """Another node beats with an ID that one has already: this node's, if `node` is that."""

    node: str


@dataclass(frozen=True)
class Younger:
    """An older node with this one's ID is there: this one is to end."""

    node: str


@dataclass(frozen=True)
class Removed:
    """This node was removed from the cluster: it is to end."""


Told = Owned | Leave | Lost | Paused | Twin | Younger | Removed


@dataclass(frozen=True)
class Carrying:
    """What a node says of its work in each beat."""

    jobs: int = 0
    max: int = 0
    ready: bool = True
    draining: bool = False
    hurry: bool = False
    hangs: bool = False
