"""/v1/openapi.json: the description of everything that can be asked here."""

from __future__ import annotations

import falcon

from udup.web.openapi.document import openapi
from udup.web.responses import give


class OpenApiResource:
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        give(req, resp, openapi())
