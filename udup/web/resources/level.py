"""GET /v1/job/<id>/level: whether the target has everything, asked of both servers after the request came.

A request waits among those with an index (`web/blocking.py`), also one that is answered at once: servers are asked, and
they may take their time.
"""

from __future__ import annotations

from contextlib import closing
from typing import Any

import falcon

from udup.base.errors import Transient
from udup.web.blocking import WaitingRoom
from udup.web.ports import JobControl, LevelFound, NotReady
from udup.web.requests import RegionRule, read_level
from udup.web.responses import give
from udup.web.schemas.jobs import LevelAnswer


class LevelQuestions:
    def __init__(self, control: JobControl, region: RegionRule, room: WaitingRoom) -> None:
        self._control = control
        self._region = region
        self._room = room

    def answer(self, req: falcon.Request, resp: falcon.Response, job_id: str) -> None:
        """Look until the job is level, or cannot become so, or the time is up; then tell how it is."""
        self._region.check(req)
        gtid, seconds = read_level(req)
        with self._room.place(), closing(self._control.ask_level(job_id, gtid)) as question:
            found: list[LevelFound | NotReady | Transient] = []

            def is_decided() -> bool:
                try:
                    seen = question.look()
                except (NotReady, Transient) as error:  # a target that is away may come back in time
                    found[:] = [error]
                    return False
                found[:] = [seen]
                return seen.level or seen.ended

            self._room.look_again(req, seconds, is_decided)
        give(req, resp, _shown(found[0]))


def _shown(found: LevelFound | NotReady | Transient) -> dict[str, Any]:
    if not isinstance(found, LevelFound):
        raise found
    return LevelAnswer(
        level=found.level,
        wanted=found.wanted,
        applied=found.applied,
        missing=found.missing,
        stage=found.stage,
        why=found.why,
    ).to_json()
