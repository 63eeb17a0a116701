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
from udup.web.requests import RegionRule, read_blocking

INDEX_HEADER = "X-Udup-Index"
LEADER_HEADER = "X-Udup-KnownLeader"
CONTACT_HEADER = "X-Udup-LastContact"
JOB_HEADER = "X-Udup-Job-Id"

TEXT = "text/plain; charset=utf-8"

#: What a header may hold as it is; the rest is percent-encoded, and so is the percent sign.
_HEADER_SAFE = "!\"#$&'()*+,/:;<=>?@[\\]^`{|}"


def give(req: falcon.Request, resp: falcon.Response, value: Any) -> None:
    """Answer with a JSON value; `?pretty` (with anything but 0) indents it by four and ends it with a newline."""
    if req.get_param("pretty", default="0") != "0":
        text = json.dumps(value, ensure_ascii=False, indent=4, sort_keys=True) + "\n"
    else:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    resp.data = text.encode()
    resp.content_type = falcon.MEDIA_JSON


def set_read_headers(resp: falcon.Response, index: int) -> None:
    """The index that the answer stands for; this node is always its own leader, so nothing is ever stale."""
    resp.set_header(INDEX_HEADER, str(index))
    resp.set_header(LEADER_HEADER, "true")
    resp.set_header(CONTACT_HEADER, "0")


def set_write_headers(resp: falcon.Response, index: int, job_id: str) -> None:
    resp.set_header(INDEX_HEADER, str(index))
    resp.set_header(JOB_HEADER, quote(job_id, safe=_HEADER_SAFE))


@dataclass(frozen=True)
class View:
    """What a GET shows: the index that it stands for, and how its JSON is made once that is decided.

    `missing` is the text of a 404; such an answer has an index as well, and may be waited for.
    """

    index: int
    show: Callable[[], Any]
    missing: str = ""


class Reading:
    """Answers GETs from views."""

    def __init__(self, region: RegionRule, room: WaitingRoom) -> None:
        self._region = region
        self._room = room

    def answer(self, req: falcon.Request, resp: falcon.Response, look: Callable[[], View]) -> None:
        """Wait for the view if the request asks for that, then give it with the headers of freshness."""
        wish = read_blocking(req)
        self._region.check(req)
        view = self._room.wait(req, wish, look)
        set_read_headers(resp, view.index)
        if view.missing:
            raise falcon.HTTPNotFound(description=view.missing)
        give(req, resp, view.show())


def split_part(path: str, parts: frozenset[str]) -> tuple[str, str]:
    """`<id>/<part>` taken apart where the part is one of those known; else all of it is the ID, slashes included."""
    owner, slash, part = path.rpartition("/")
    return (owner, part) if slash and owner and part in parts else (path, "")


def invalid_method() -> falcon.HTTPMethodNotAllowed:
    return falcon.HTTPMethodNotAllowed(())
