"""Jobs that move between nodes, as answers show it."""

from __future__ import annotations

from udup.web.schemas.shape import Shape


class Going(Shape):
    """A job that goes, and the node that gets it."""

    job_id: str
    node_id: str


class Staying(Shape):
    """A job that stays where it is, and why."""

    job_id: str
    reason: str


class Moves(Shape):
    """What comes of an order: jobs that go, some at a time, and jobs that stay. Both empty: all is done."""

    goes: list[Going]
    stays: list[Staying]


class NodeDrain(Moves):
    """A node that gives its jobs up, or does not; jobs that have gone already are not among them."""

    drain: bool
