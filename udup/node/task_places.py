"""By which node a task's server is asked: the one where the task is, or is to be. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from udup.cluster.view import NodeSeen, View
from udup.jobs import JobSpec
from udup.pipeline.checks import SRC


@dataclass(frozen=True)
class Where:
    """`called` is for people; `is_here`: it is heard."""

    node: str
    called: str = ""
    is_here: bool = True


def place_of(spec: JobSpec, task: str, view: View, own: str) -> Where:
    """Return the node that the document names for a task, else the one that has it now, else `own`.

    A node that is named for one task is meant for both where the other names none.
    """
    owner = view.owners.get(spec.id, "")
    current = (view.sources.get(spec.id) or owner) if task == SRC else owner
    named = _named(spec, task, view)
    if named is None:
        return _seen(current, view) if current else Where(own)
    nodes = [each.node for each in named]
    if not named:
        return Where("", _pinned(spec, task)[0], is_here=False)  # nobody has that name: the job waits
    if own in nodes:
        return Where(own)
    if current and (current in nodes or (spec.failover and not any(each.is_here for each in named))):
        return _seen(current, view)
    best = next((each for each in named if each.is_here), named[0])
    return _seen(best.node, view)


def _named(spec: JobSpec, task: str, view: View) -> list[NodeSeen] | None:
    """Return the nodes that the document names for a task, None if it names none for either."""
    name, is_id = _pinned(spec, task)
    if not name:
        return None
    return [each for each in view.nodes if name == (each.node if is_id else each.name)]


def _pinned(spec: JobSpec, task: str) -> tuple[str, bool]:
    """Return what the document calls the node of a task, and whether that is its ID; ("", False) if it names none."""
    ordered = sorted(spec.tasks, key=lambda each: each.type.value != task)
    named = ((each.node_id or each.node_name, bool(each.node_id)) for each in ordered)
    return next((each for each in named if each[0]), ("", False))


def _seen(node: str, view: View) -> Where:
    seen = view.node(node)
    return Where(node, view.called(node), seen is not None and seen.is_here)
