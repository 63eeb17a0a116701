"""POST /v1/grants: the statements that make the accounts of a job, for just what it does. Nothing is kept or written.

A server whose version is not named is asked for it, so a request waits among those with an index (`web/blocking.py`).
"""

from __future__ import annotations

import falcon

from udup.jobs import unwrap
from udup.web.blocking import WaitingRoom
from udup.web.ports import JobControl
from udup.web.requests import RegionRule, read_json
from udup.web.responses import give
from udup.web.schemas.grants import grants_of

#: Letters of a version.
_VERSION_MAX = 100


class GrantsResource:
    def __init__(self, control: JobControl, region: RegionRule, room: WaitingRoom, max_body_bytes: int) -> None:
        self._control, self._region, self._room, self._max_body_bytes = control, region, room, max_body_bytes

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        document = unwrap(read_json(req, self._max_body_bytes)).document
        self._region.check(req, document)
        source, target = (req.get_param(f"{side}_version", default="")[:_VERSION_MAX] for side in ("source", "target"))
        with self._room.place():
            found = self._control.grants(document, (source, target))
        give(req, resp, grants_of(*found))

    on_put = on_post
