"""What all GETs of jobs, nodes, allocations and evaluations have in common: region, waiting, headers, the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import falcon

from udup.web.answers import give, set_read_headers
from udup.web.blocking import WaitingRoom
from udup.web.requests import RegionRule, read_blocking


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
