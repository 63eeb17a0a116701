"""Writing answers: JSON, the headers that tell how fresh it is, and what all GETs of lists and objects share.

JSON is compact with sorted keys, or pretty when asked. Jobs, nodes, allocations and evaluations are read in one way:
the region is checked, a change is waited for if the request asks for that, then a view is shown.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import falcon

from udup.web.blocking import WaitingRoom
from udup.web.ports import NotReady
from udup.web.requests import RegionRule, read_blocking

INDEX_HEADER = "X-Udup-Index"
LEADER_HEADER = "X-Udup-KnownLeader"
CONTACT_HEADER = "X-Udup-LastContact"
JOB_HEADER = "X-Udup-Job-Id"

NO_LEADER = "No cluster leader"

#: Seconds for which a request that wants nothing old waits for a leader.
LEADER_S = 5.0

TEXT = "text/plain; charset=utf-8"

#: What a header may hold as it is; the rest is percent-encoded, and so is the percent sign.
_HEADER_SAFE = "!\"#$&'()*+,/:;<=>?@[\\]^`{|}"


def give(req: falcon.Request, resp: falcon.Response, value: Any, *, sort_keys: bool = True) -> None:
    """Answer with a JSON value; `?pretty` (with anything but 0) indents it by four and ends it with a newline."""
    if req.get_param("pretty", default="0") != "0":
        text = json.dumps(value, ensure_ascii=False, indent=4, sort_keys=sort_keys) + "\n"
    else:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=sort_keys)
    resp.data = text.encode()
    resp.content_type = falcon.MEDIA_JSON


def set_read_headers(resp: falcon.Response, index: int, freshness: Freshness) -> None:
    """The index that the answer stands for, and how fresh it is."""
    resp.set_header(INDEX_HEADER, str(index))
    resp.set_header(LEADER_HEADER, "true" if freshness.knows_leader else "false")
    resp.set_header(CONTACT_HEADER, str(freshness.contact_ms))


def set_write_headers(resp: falcon.Response, index: int, job_id: str) -> None:
    resp.set_header(INDEX_HEADER, str(index))
    resp.set_header(JOB_HEADER, quote(job_id, safe=_HEADER_SAFE))


@dataclass(frozen=True)
class Freshness:
    """`is_whole`: nothing that was stored is missing. `contact_ms`: how long ago that was so last.

    A node that is alone leads itself.
    """

    knows_leader: bool = True
    contact_ms: int = 0
    is_whole: bool = True


@dataclass(frozen=True)
class View:
    """What a GET shows: the index that it stands for, and how its JSON is made once that is decided.

    `missing` is the text of a 404; such an answer has an index as well, and may be waited for.
    """

    index: int
    show: Callable[[], Any]
    missing: str = ""


class Reading:
    """Answers GETs from views. `freshness` says of the last look what it is worth."""

    def __init__(self, region: RegionRule, room: WaitingRoom, freshness: Callable[[], Freshness] = Freshness) -> None:
        self._region = region
        self._room = room
        self._freshness = freshness

    def answer(self, req: falcon.Request, resp: falcon.Response, look: Callable[[], View]) -> None:
        """Wait for the view if the request asks for that, then give it with the headers of freshness."""
        give(req, resp, self.read(req, resp, look).show())

    def read(self, req: falcon.Request, resp: falcon.Response, look: Callable[[], View]) -> View:
        """Wait for the view if the request asks for that, and set the headers of freshness.

        What may be old is given to those who ask for it by `stale`; others wait for the leader, then are refused.
        """
        wish = read_blocking(req)
        self._region.check(req)
        view = self._room.wait(req, wish, look)
        freshness = self._freshness()
        if not (freshness.is_whole or "stale" in req.params):
            view, freshness = self._when_whole(req, look)
        set_read_headers(resp, view.index, freshness)
        if view.missing:
            raise falcon.HTTPNotFound(description=view.missing)
        return view

    def _when_whole(self, req: falcon.Request, look: Callable[[], View]) -> tuple[View, Freshness]:
        """Look again until nothing can be missing; `NotReady` if that lasts."""
        found: list[tuple[View, Freshness]] = []

        def is_whole() -> bool:
            view = look()
            found[:] = [(view, self._freshness())]
            return found[0][1].is_whole

        with self._room.place():
            self._room.look_again(req, LEADER_S, is_whole)
        if not found or not found[0][1].is_whole:
            raise NotReady(f"{NO_LEADER}: what this node knew last is shown with ?stale")
        return found[0]


def split_part(path: str, parts: frozenset[str]) -> tuple[str, str]:
    """`<id>/<part>` taken apart where the part is one of those known; else all of it is the ID, slashes included."""
    owner, slash, part = path.rpartition("/")
    return (owner, part) if slash and owner and part in parts else (path, "")


def invalid_method() -> falcon.HTTPMethodNotAllowed:
    return falcon.HTTPMethodNotAllowed(())
