"""/v1/nats/users: who may read from the node's own JetStream. A password is in the answer that makes it alone."""

from __future__ import annotations

import falcon

from udup.base.errors import Unsupported
from udup.web.ports import Consumers
from udup.web.requests import RegionRule, read_json
from udup.web.responses import give
from udup.web.schemas.nats import credentials_of, request_of, user_of

#: Bytes of what is asked for: a hundred streams with the longest names.
_BODY_BYTES = 1 << 15


class NatsUsersResource:
    """The list, and a new one."""

    def __init__(self, consumers: Consumers | None, region: RegionRule) -> None:
        self._consumers = consumers
        self._region = region

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        self._region.check(req)
        give(req, resp, [user_of(each).to_json() for each in _own(self._consumers).users()])

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        self._region.check(req)
        name, streams = request_of(read_json(req, _BODY_BYTES))
        made = _own(self._consumers).add(name, streams)
        resp.set_header("Cache-Control", "no-store")
        give(req, resp, credentials_of(made).to_json())

    on_put = on_post


class NatsUserResource:
    """One of them, by its name."""

    def __init__(self, consumers: Consumers | None, region: RegionRule) -> None:
        self._consumers = consumers
        self._region = region

    def on_delete(self, req: falcon.Request, _resp: falcon.Response, name: str) -> None:
        self._region.check(req)
        _own(self._consumers).remove(name)


def _own(consumers: Consumers | None) -> Consumers:
    if consumers is None:
        raise Unsupported(
            "this node uses the NATS server that nats.url names, which knows its users itself; add them there"
        )
    return consumers
