"""/v1/openapi.json: the description of everything that can be asked here."""

from __future__ import annotations

import falcon

from udup.web.openapi.document import openapi
from udup.web.responses import give


class OpenApiResource:
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        # In its own order: of an error's forms the one that who names none gets comes first, and a generated client,
        # which may name none, reads the first that it knows.
        give(req, resp, openapi(), sort_keys=False)
