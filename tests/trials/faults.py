"""What may happen to nodes of a cluster in a long run: each fault strikes, lasts, and is healed."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tests.node.real_cluster import kill, until
from tests.trials.nodes import Clock, Nodes, start
from tests.trials.watch import Watcher
from udup.base.errors import Transient, UdupError
from udup.sandbox.node import UdupNode

#: Seconds for a node to be among the others again.
WHOLE_SECONDS = 120.0

#: Who may be hit. `busy` has the most jobs, `other` is none of the first two, if there is one.
COORDINATOR, RAFT, BUSY, OTHER, AGENT = "coordinator", "raft leader", "busy", "other", "agent"


@dataclass
class Lab:
    """Where faults strike. `environments` are those of other versions, by name."""

    nodes: Nodes
    watcher: Watcher
    environments: dict[str, dict[str, str]] = field(default_factory=dict)
    paused: list[int] = field(default_factory=list)

    def choose(self, role: str) -> int:
        """Return the number of the node that has a role now."""
        ids = [self.nodes.id(node) for node in self.nodes.all]
        roles = {COORDINATOR: self.watcher.leader(), RAFT: self.watcher.raft_leader()}
        if role == AGENT:
            return len(ids) - 1
        if role in roles:
            return ids.index(roles[role]) if roles[role] in ids else 0
        counts = Counter(self.watcher.owners().values())
        if role == OTHER:
            left = [each for each in ids[: self.nodes.managers] if each not in roles.values()]
            return ids.index(max(left or ids, key=lambda each: counts[each]))
        return ids.index(max(ids, key=lambda each: counts[each]))

    def managers_of_agents(self) -> dict[int, set[int]]:
        """Return what each agent hangs on now."""
        nodes = self.nodes
        return {each: nodes.links.connected(each) for each in range(nodes.managers, len(nodes.all))}

    def spread(self) -> None:
        """Have the jobs spread over the nodes again, so that each has some that may be hit."""

        def is_spread() -> bool:
            with suppress(UdupError):
                return not self._order("/v1/cluster/rebalance")["Goes"]
            return False

        until(is_spread, lambda: self._order("/v1/cluster/rebalance?dry_run=true"), WHOLE_SECONDS)

    def drain(self, hit: int, *, enable: bool) -> None:
        path = f"/v1/node/{self.nodes.id(self.nodes.all[hit])}/drain?enable={str(enable).lower()}"

        def is_taken() -> bool:
            with suppress(Transient):
                self._order(path)
                return True
            return False

        until(is_taken, lambda: path)

    def _order(self, path: str) -> dict[str, Any]:
        found: dict[str, Any] = self.nodes.all[0].api._request("PUT", path).json()
        return found

    def lacks(self) -> list[str]:
        """Return who does not hear whom, and what is not everywhere of the store."""
        return [*self.nodes.deaf(), *self.watcher.store_lacks(self.nodes.managers)]

    def wait_whole(self) -> None:
        lacked: Counter[str] = Counter()

        def are_whole() -> bool:
            lacked.update(lacks := self.lacks())
            return not lacks

        until(are_whole, lambda: f"the nodes do not find together: {lacked.most_common(6)}", WHOLE_SECONDS)


@dataclass(frozen=True)
class Fault:
    """`strike` gets the lab and the node that is hit, and returns the nodes that may lose their jobs.

    `hold` is how long it lasts at least, in seconds. `goes_on`: all jobs must run while it lasts. `moves`: how often a
    job may move at most. `ready` comes before anything is measured.
    """

    name: str
    roles: Sequence[str]
    strike: Callable[[Lab, int], set[int]]
    hold: float = 0.0
    heal: Callable[[Lab, int], None] = lambda lab, hit: None
    goes_on: bool = True
    moves: int = 1
    ready: Callable[[Lab, int], None] = lambda lab, hit: None
    needs: str = ""
    #: Two nodes that live do not hear each other: a job that is on both stands still meanwhile.
    splits: bool = False


def _kill(lab: Lab, hit: int) -> set[int]:
    kill(lab.nodes.all[hit])
    return {hit}


def _kill_main(lab: Lab, hit: int) -> set[int]:
    """Kill the main process alone: what becomes of its children is the node's own matter."""
    lab.nodes.all[hit].kill()
    return {hit}


def _kill_nats(lab: Lab, hit: int) -> set[int]:
    """Kill the node's nats-server alone, which the node starts again."""
    for pid, title in lab.nodes.all[hit].pids().items():
        if "nats-server" in title:
            os.kill(pid, signal.SIGKILL)
    return {hit}


def _freeze(lab: Lab, hit: int) -> set[int]:
    lab.paused = list(lab.nodes.all[hit].pids())
    for pid in lab.paused:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    return {hit}


def _freeze_briefly(lab: Lab, hit: int) -> set[int]:
    _freeze(lab, hit)
    return set()


def _thaw(lab: Lab, hit: int) -> None:
    for pid in lab.paused:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
    lab.paused = []


def _others(lab: Lab, some: set[int]) -> set[int]:
    return set(range(len(lab.nodes.all))) - some


def _silence_alone(lab: Lab, hit: int) -> set[int]:
    rest = _others(lab, {hit})
    lab.nodes.links.silence([*lab.nodes.ways({hit}, rest), *lab.nodes.ways(rest, {hit})])
    return {hit}


def _cut_alone(lab: Lab, hit: int) -> set[int]:
    lab.nodes.links.cut(lab.nodes.ways({hit}, _others(lab, {hit})))
    return {hit}


def _mute(lab: Lab, hit: int) -> set[int]:
    """It hears the others, and is not heard."""
    lab.nodes.links.silence(lab.nodes.ways({hit}, _others(lab, {hit})))
    return {hit}


def _deaf(lab: Lab, hit: int) -> set[int]:
    """It is heard, and does not hear the others."""
    lab.nodes.links.silence(lab.nodes.ways(_others(lab, {hit}), {hit}))
    return {hit}


def _pair(lab: Lab, hit: int) -> set[int]:
    """Two managers do not hear each other; the third hears both."""
    other = (hit + 1) % lab.nodes.managers
    lab.nodes.links.silence([(hit, other), (other, hit)])
    return set()


def _pair_one_way(lab: Lab, hit: int) -> set[int]:
    lab.nodes.links.silence([(hit, (hit + 1) % lab.nodes.managers)])
    return set()


def _all_apart(lab: Lab, hit: int) -> set[int]:
    everybody = _others(lab, set())
    lab.nodes.links.cut(lab.nodes.ways(everybody, everybody))
    return set()


def _two_and_three(lab: Lab, hit: int) -> set[int]:
    """Two managers of five on one side."""
    two = {hit, (hit + 1) % lab.nodes.managers}
    rest = _others(lab, two)
    lab.nodes.links.silence([*lab.nodes.ways(two, rest), *lab.nodes.ways(rest, two)])
    return two


def _reconnect(lab: Lab, hit: int) -> None:
    lab.nodes.links.heal()


def _start_again(lab: Lab, hit: int) -> None:
    lab.nodes.start_those_that_are_down()


def _stop_all(lab: Lab, hit: int) -> set[int]:
    lab.nodes.each(lab.nodes.all, UdupNode.stop)
    return _others(lab, set())


def _drain(lab: Lab, hit: int) -> set[int]:
    lab.drain(hit, enable=True)
    node = lab.nodes.id(lab.nodes.all[hit])

    def is_empty() -> bool:
        return all(node not in (each.node, each.source) for each in lab.watcher.places().values())

    until(is_empty, lambda: lab.watcher.places())
    return {hit}


def _end_drain(lab: Lab, hit: int) -> None:
    lab.drain(hit, enable=False)


def _kill_all(lab: Lab, hit: int) -> set[int]:
    lab.nodes.each(lab.nodes.all, kill)
    return _others(lab, set())


def _roll(lab: Lab, environment: dict[str, str] | None = None) -> None:
    """Stop and start one node after the other, each when all are there."""
    for node in lab.nodes.all:
        node.stop()
        node.environment = environment
        start(node)
        lab.wait_whole()


def _restart_rolling(lab: Lab, hit: int) -> set[int]:
    _roll(lab)
    return _others(lab, set())


def _to_version(name: str) -> Callable[[Lab, int], set[int]]:
    def strike(lab: Lab, hit: int) -> set[int]:
        _roll(lab, lab.environments[name])
        return _others(lab, set())

    return strike


def _back(lab: Lab, hit: int) -> None:
    _roll(lab)


def _slow(lab: Lab, hit: int) -> set[int]:
    assert lab.nodes.disks is not None
    lab.nodes.disks.slow(hit, lab.nodes.all[hit])
    return set()


def _quick(lab: Lab, hit: int) -> None:
    assert lab.nodes.disks is not None
    lab.nodes.disks.heal()


def _clock(lab: Lab, hit: int) -> Clock:
    return Clock(lab.nodes.folder, f"n{hit}")


def _with_clock(lab: Lab, hit: int) -> None:
    """Start the node with a clock of its own; with its next start it is rid of it."""
    node = lab.nodes.all[hit]
    node.stop()
    node.environment = _clock(lab, hit).environment()
    start(node)
    node.environment = None
    lab.wait_whole()
    time.sleep(5)


def _step(seconds: int) -> Callable[[Lab, int], set[int]]:
    def strike(lab: Lab, hit: int) -> set[int]:
        _clock(lab, hit).step(seconds)
        return set()

    return strike


def _step_back(lab: Lab, hit: int) -> None:
    _clock(lab, hit).step(0)
    time.sleep(3)


_ANY = (COORDINATOR, RAFT, BUSY, OTHER)

FAULTS = (
    Fault("kill -9", (*_ANY, AGENT), _kill, 1, _start_again),
    Fault("kill -9 of the main process", (BUSY,), _kill_main, 1, _start_again),
    Fault("kill -9 of nats-server", _ANY, _kill_nats, 5),
    Fault("SIGSTOP 20 s", (*_ANY, AGENT), _freeze, 20, _thaw),
    Fault("SIGSTOP 1.5 s", _ANY, _freeze_briefly, 1.5, _thaw, goes_on=False),
    Fault("alone, silent", (*_ANY, AGENT), _silence_alone, 12, _reconnect),
    Fault("alone, cut", _ANY, _cut_alone, 12, _reconnect),
    Fault("not heard", _ANY, _mute, 12, _reconnect),
    Fault("hears nothing", _ANY, _deaf, 12, _reconnect, splits=True),
    Fault("a pair silent", _ANY, _pair, 12, _reconnect, splits=True),
    Fault("a pair, one way", _ANY, _pair_one_way, 12, _reconnect, splits=True),
    Fault("all apart", (OTHER,), _all_apart, 12, _reconnect, splits=True),
    Fault("two and three", _ANY, _two_and_three, 12, _reconnect, needs="five managers"),
    Fault("all stopped", (OTHER,), _stop_all, 0, _start_again, goes_on=False, moves=2),
    Fault("kill -9 of all", (OTHER,), _kill_all, 0, _start_again, goes_on=False, moves=2),
    Fault("rolling restart", (OTHER,), _restart_rolling, 0, moves=9),
    Fault("another version and back", (OTHER,), _to_version("old"), 0, _back, moves=18, needs="old"),
    # There is no way back: jobs whose records the older version cannot read wait, and say so.
    Fault("newer records", (OTHER,), _to_version("newer"), 0, moves=18, needs="newer"),
    Fault("drain", (*_ANY, AGENT), _drain, 0, _end_drain),
    Fault("slow disk", (RAFT, OTHER), _slow, 20, _quick, needs="disks"),
    Fault("clock + 1 h", (COORDINATOR, BUSY), _step(3600), 8, _step_back, ready=_with_clock, needs="clock"),
    Fault("clock - 1 h", (COORDINATOR, BUSY), _step(-3600), 8, _step_back, ready=_with_clock, needs="clock"),
)
