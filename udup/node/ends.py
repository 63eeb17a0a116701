"""A job's two servers, each asked by the node of its task: what this node does not reach, that one may.

A question goes to another node as the job's document, its passwords sealed; who is asked reads references there. A node
that is not there, or of a version that does not know the question, is not waited for: then this one asks the server
itself. Where it does not reach that either, nothing is known, which speaks against nothing: so it is said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeVar

import msgspec

from udup.base.errors import Failure, Fault, UdupError
from udup.cluster.view import View
from udup.jobs import parse_job
from udup.jobs.growth import Growth
from udup.jobs.start import DecidedStart
from udup.node.servers import Asked, Looked, Servers
from udup.node.task_places import Where, place_of
from udup.pipeline.checks import BOTH, DEST, SRC, Check, Outcome
from udup.pipeline.ports import Beginning, StartPoint
from udup.pipeline.ports.compare import LedgerRow
from udup.pipeline.ports.inspect import TableSize
from udup.pipeline.ports.rows import RowSeen
from udup.pipeline.ports.tables import TablesOnTarget
from udup.store.sealing import Keyring
from udup.web.ports import NotReady

T = TypeVar("T")

#: Seconds for another node to look at a server, to find where a job begins, and to answer everything else.
LOOK_SECONDS, START_SECONDS, ASK_SECONDS = 25.0, 40.0, 12.0

#: Seconds for another node to look at its own files.
LOCAL_SECONDS = 3.0

_CONNECTION = "connection"


class NodeAway(NotReady):
    """Another node has not heard a question: it is not there, or its version does not know it."""


class Nodes(Protocol):
    """Other nodes, as they are asked."""

    def ask(self, node: str, kind: str, job: str, body: Mapping[str, Any], seconds: float) -> Any:
        """Return what a node answers. `NodeAway` if it has not heard it, `NotReady` if it may have."""
        ...


class _Wire(msgspec.Struct, frozen=True):
    """A question as it travels. `more` are the further arguments of the method that it names."""

    document: dict[str, Any]
    start: dict[str, Any] | None = None
    begins_at: StartPoint | None = None
    after: str | None = None
    more: tuple[Any, ...] = ()
    growth: dict[str, Any] | None = None
    of_side: bool = False


class _Answer(msgspec.Struct, frozen=True):
    value: Any = None
    failure: Failure | None = None


#: What each question is answered, as `Servers` has it; these alone are asked of other nodes.
_ANSWERS: Mapping[str, Any] = {
    "look_apart": Looked,
    "find_start": Beginning,
    "executed": str,
    "applied": str | None,
    "tables": list[tuple[str, str]],
    "sizes": list[TableSize],
    "row": RowSeen | None,
    "skip": bool,
    "settle": None,
    "on_target": TablesOnTarget,
    "differences": list[LedgerRow],
    "local_faults": list[Fault],
}

#: What changes something: what a server refuses of it, it refuses wherever it is asked from.
_DEEDS = frozenset({"skip", "settle"})

#: Made here: see `tests/base/test_decoders.py`.
_DECODERS: Mapping[str, Callable[[bytes], Any]] = {
    kind: msgspec.json.Decoder(answer).decode for kind, answer in _ANSWERS.items()
}
_wire = msgspec.json.Decoder(_Wire).decode
_answer = msgspec.json.Decoder(_Answer).decode


class AnswersHere:
    """What other nodes ask of the servers that this one reaches."""

    def __init__(self, servers: Servers, keys: Keyring) -> None:
        self._servers, self._keys = servers, keys

    kinds = tuple(_ANSWERS)

    def answer(self, kind: str, job: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer to one question; what went wrong is one."""
        try:
            said = _wire(msgspec.json.encode(body))
            document = self._keys.open(job, said.document)
            start = None if said.start is None else DecidedStart.model_validate(said.start)
            growth = None if said.growth is None else Growth.model_validate(said.growth)
            spec = parse_job(document)
            asked = Asked(spec, document, start, said.begins_at, said.after, growth, said.of_side)
            made = _Answer(value=getattr(self._servers, kind)(asked, *said.more))
        except Exception as error:  # noqa: BLE001 - whoever asks is told
            made = _Answer(failure=Failure.of(error))
        found: dict[str, Any] = msgspec.to_builtins(made)
        return found


class Ends:
    """`servers` are as this node reaches them. Alone it asks all itself; `join` tells it of others."""

    def __init__(self, servers: Servers) -> None:
        self.servers = servers
        self._own, self._nodes, self._keys = "", None, None  # type: tuple[str, Nodes | None, Keyring | None]
        self._view: Callable[[], View] = View

    def join(self, own: str, nodes: Nodes, view: Callable[[], View], keys: Keyring) -> None:
        self._own, self._nodes, self._view, self._keys = own, nodes, view, keys

    # ---- Questions ----

    def look(self, asked: Asked) -> list[Check]:
        """Return every check of a start: each server's by the node of its task, those of both by one that sees both."""
        source, target = self._where(asked, SRC), self._where(asked, DEST)
        if source.node == target.node == self._own:
            return list(self.servers.look(asked).checks)
        if source.node == target.node:
            return list(self._look(asked, (SRC, DEST), target).checks)
        of_target = self._look(asked, (DEST,), target)
        after = asked if of_target.executed is None else replace(asked, after=of_target.executed)
        compares = asked.plan.target.delivery is None
        return put_together(self._look(after, (SRC,), source), of_target, compares=compares)

    def _look(self, asked: Asked, tasks: Sequence[str], where: Where) -> Looked:
        """Return what the node of tasks sees; without an answer of it what this one sees, and that it is so."""
        try:
            found: Looked = self._ask("look_apart", asked, where, (), LOOK_SECONDS)
        except NotReady as error:
            found = self.servers.look_apart(asked)
            unseen = [each for each in tasks if not _reached(found.checks, each)]
            told = [each for each in found.checks if each.task not in unseen]
            notes = [_not_looked_at(each, where, error, seen=each not in unseen) for each in tasks]
            return replace(found, checks=(*told, *notes))
        return found

    def find_start(self, asked: Asked) -> Beginning:
        found: Beginning = self._asked("find_start", asked, SRC, seconds=START_SECONDS)
        return found

    def executed(self, asked: Asked) -> str:
        found: str = self._asked("executed", asked, SRC)
        return found

    def applied(self, asked: Asked) -> str | None:
        found: str | None = self._asked("applied", asked, DEST)
        return found

    def tables(self, asked: Asked) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = self._asked("tables", asked, SRC)
        return found

    def sizes(self, asked: Asked) -> list[TableSize]:
        found: list[TableSize] = self._asked("sizes", asked, SRC)
        return found

    def row(self, asked: Asked, schema: str, table: str, key: str) -> RowSeen | None:
        found: RowSeen | None = self._asked("row", asked, DEST, schema, table, key)
        return found

    def on_target(self, asked: Asked, side: str, names: Sequence[tuple[str, str]]) -> TablesOnTarget:
        found: TablesOnTarget = self._asked("on_target", asked, DEST, side, names)
        return found

    def differences(self, asked: Asked, after: str, limit: int) -> list[LedgerRow]:
        found: list[LedgerRow] = self._asked("differences", asked, DEST, after, limit)
        return found

    def skip(self, asked: Asked, gtid: str, kept: str) -> bool:
        found: bool = self._asked("skip", asked, DEST, gtid, kept)
        return found

    def settle(self, asked: Asked, gtid: str, *, applied: bool) -> None:
        self._asked("settle", asked, DEST, gtid, applied)

    def local_faults(self, asked: Asked) -> list[Fault]:
        """Return what is wrong with secrets and files, each task's by its node; one that is away tells nothing."""
        found: list[Fault] = []
        for place, task in enumerate(asked.spec.tasks):
            where, own = self._where(asked, task.type.value), f"Tasks[{place}]."
            try:
                faults = self._ask("local_faults", asked, where, (), LOCAL_SECONDS)
            except NotReady:
                continue
            found += [each for each in faults if each.where.startswith(own)]
        return found

    def is_here(self, asked: Asked, task: str) -> bool:
        return self._where(asked, task).node == self._own

    # ---- Ways ----

    def _asked(self, kind: str, asked: Asked, task: str, *more: Any, seconds: float = ASK_SECONDS) -> Any:
        """Return what the task's node says; where that has not heard it, what the server says here."""
        where = self._where(asked, task)
        try:
            return self._ask(kind, asked, where, more, seconds)
        except NodeAway as away:
            try:
                return getattr(self.servers, kind)(asked, *more)
            except UdupError as error:
                if kind in _DEEDS:
                    raise error.beginning(f"{away}, and from here: ") from error
                raise NotReady(f"{away}, and from here: {error}") from error

    def _ask(self, kind: str, asked: Asked, where: Where, more: Sequence[Any], seconds: float) -> Any:
        if where.node == self._own or self._nodes is None or self._keys is None:
            return getattr(self.servers, kind)(asked, *more)
        if not where.is_here:
            raise NodeAway(f"node {where.called} is away")
        job = asked.spec.id
        start = None if asked.start is None else asked.start.model_dump(mode="json")
        growth = None if asked.growth is None else asked.growth.model_dump(mode="json")
        wire = _Wire(
            self._keys.seal(job, dict(asked.document)), start, asked.begins_at, asked.after, tuple(more), growth,
            asked.of_side,
        )  # fmt: skip
        try:
            said = self._nodes.ask(where.node, kind, job, msgspec.to_builtins(wire), seconds)
            answer = _answer(msgspec.json.encode(said))
            if answer.failure is None:
                return _DECODERS[kind](msgspec.json.encode(answer.value))
        except msgspec.MsgspecError as error:
            raise NotReady(f"node {where.called} has answered what this version does not understand") from error
        except NodeAway as error:
            raise NodeAway(f"node {where.called} cannot be asked: {error}") from error
        raise answer.failure.error()

    def _where(self, asked: Asked, task: str) -> Where:
        if self._nodes is None:
            return Where(self._own)
        return place_of(asked.spec, task, self._view(), self._own)


def put_together(of_source: Looked, of_target: Looked, *, compares: bool = True) -> list[Check]:
    """Return the checks of two nodes: each server's by its own, those of both by one that reaches both.

    What no node can see is said, and speaks against nothing: a start sees it, each side by its node. `compares`: the
    two are compared, which they are not where one is a sink.
    """
    whole = next((each for each in (of_target, of_source) if _sees_both(each)), None)
    found = [each for each in of_source.checks if each.task == SRC]
    found += (own := [each for each in of_target.checks if each.task == DEST])
    if whole is not None and _reached(own, DEST):  # it knows besides what is in the way of the source's tables there
        names = {each.name for each in own}
        found += [each for each in whole.checks if each.task == DEST and each.name not in names]
    both = [each for each in (whole or of_target).checks if each.task == BOTH]
    found += [*both, *(each for each in _nats_failures(of_source) if each not in both)]
    if compares and whole is None and _reached(of_source.checks, SRC) and _reached(of_target.checks, DEST):
        said = (
            "no node was asked that reaches both servers, so that these were not compared, and what is in the way on"
            " the target is not known; each server by itself was looked at by the node of its task"
        )
        found.append(Check(BOTH, "pair", Outcome.WARN, said, "nothing is to be done: the job's start compares them"))
    return found


def _nats_failures(looked: Looked) -> list[Check]:
    return [each for each in looked.checks if (each.task, each.name, each.outcome) == (BOTH, "nats", Outcome.FAIL)]


def _sees_both(looked: Looked) -> bool:
    return all(_reached(looked.checks, task) for task in (SRC, DEST))


def _reached(checks: Sequence[Check], task: str) -> bool:
    """Whether a server was reached."""
    of_it = [each for each in checks if each.task == task]
    return bool(of_it) and not any(each.name == _CONNECTION and each.outcome is Outcome.FAIL for each in of_it)


def _not_looked_at(task: str, where: Where, error: NotReady, *, seen: bool) -> Check:
    how = "this node was asked in its place" if seen else "its server was not looked at, which this node does not reach"
    remedy = "validate again when that node is there" if not seen else "see that that node reaches the server, too"
    return Check(task, "node", Outcome.WARN, f"{error}: {how}", remedy)
