"""Who may ask: whoever brings the token, or, while there is none, whoever asks this machine by its own name.

With a token, everything but the sign of life and the console's files, which hold no data, needs `Authorization: Bearer
TOKEN`. Clients that know only user and password may send Basic, with any user and the token as the password.

A second token (`api.read_token`) is for those who look: it sees everything, and what is not a GET is refused, but for
the question how a job would start (`MAY_ASK`).

Without one the server listens on loopback alone, which a web page can still reach through its visitor's browser: its
author lets a name of his own point to 127.0.0.1 (DNS rebinding), and the page is then of the same origin. Such requests
name that host, so a request to any other host than loopback, or those of `api.hosts`, is refused.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
from enum import StrEnum
from urllib.parse import urlsplit

import falcon

from udup.base.config import Settings
from udup.web.resources.console import is_open

#: What whoever restarts the server may ask without a token; the answer tells nothing but that it answers.
OPEN = frozenset({"/v1/health/live"})

#: What may be posted with the token of those who look: nothing is changed by it.
MAY_ASK = frozenset({"/v1/validate/job"})
#: What keeps browsers from guessing, and from keeping an answer that says nothing of it.
_DEFAULTS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}

_NEEDED = (
    "401 Unauthorized: this server wants its API token, sent as 'Authorization: Bearer TOKEN'; it is the server's "
    "setting api.token, and the variable UDUP_API_TOKEN of its clients"
)


class Role(StrEnum):
    """What a request may do. The values are words of the API's."""

    WRITE = "write"
    READ = "read"


def role_of(req: falcon.Request) -> Role:
    """Return what a request may do, which the rules have found out; nothing but reading where they have not."""
    return Role(getattr(req.context, "role", Role.READ))


def access_rule(settings: Settings) -> TokenRule | HostRule:
    """The rule that these settings ask for."""
    token = settings.api.token.get_secret_value()
    return TokenRule(token, settings.api.read_token.get_secret_value()) if token else HostRule(settings.api.hosts)


class TokenRule:
    """Refuses what does not bring a token, before anything else is looked at; notes the role of the token."""

    def __init__(self, token: str, read_token: str = "") -> None:
        self._token, self._read_token = token.encode(), read_token.encode()

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        brought = _brought(req.get_header("Authorization") or "")
        writes = hmac.compare_digest(brought, self._token)
        reads = hmac.compare_digest(brought, self._read_token) and bool(self._read_token)
        if writes or reads or req.path in OPEN or is_open(req):
            req.context.role = Role.WRITE if writes else Role.READ
            return
        # Bearer alone is named: a browser that was asked for Basic would keep what its user types, and send it along
        # with the requests of any page.
        resp.set_header("WWW-Authenticate", 'Bearer realm="udup"')
        raise falcon.HTTPUnauthorized(description=_NEEDED)


class HostRule:
    """Refuses what is addressed to another host than this machine."""

    def __init__(self, hosts: list[str]) -> None:
        self._hosts = frozenset(host.lower() for host in hosts)

    def process_request(self, req: falcon.Request, _resp: falcon.Response) -> None:
        req.context.role = Role.WRITE
        header = req.get_header("Host")
        if header and not is_open(req) and not self._is_ours(header):
            raise falcon.HTTPForbidden(
                description=f"403 Forbidden: the request is addressed to {header[:100]!r}, and without api.token only"
                " requests to localhost are answered; set api.token, or add the name to api.hosts"
            )

    def _is_ours(self, header: str) -> bool:
        try:
            host = urlsplit(f"//{header}").hostname or ""
        except ValueError:
            return False
        if host == "localhost" or host in self._hosts:
            return True
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False


class RoleRule:
    """Refuses what changes something to those who may only look."""

    def process_request(self, req: falcon.Request, _resp: falcon.Response) -> None:
        if role_of(req) is Role.WRITE or req.method == "GET" or req.path in MAY_ASK:
            return
        raise falcon.HTTPForbidden(
            description=f"403 Forbidden: this token may look and change nothing (it is api.read_token), and"
            f" {req.method} {req.path[:200]} is for those who may write; bring the server's api.token"
        )


class HeadersRule:
    """What every answer carries: what keeps browsers from guessing and keeping, and the headers of the settings."""

    def __init__(self, headers: dict[str, str]) -> None:
        self._headers = headers

    def process_response(self, _req: falcon.Request, resp: falcon.Response, _resource: object, _ok: bool) -> None:
        for name, value in _DEFAULTS.items():
            if resp.get_header(name) is None:
                resp.set_header(name, value)
        resp.set_headers(self._headers)


def _brought(authorization: str) -> bytes:
    """The token of an Authorization header, empty if there is none."""
    scheme, _, value = authorization.partition(" ")
    match scheme.lower():
        case "bearer":
            return value.strip().encode("latin-1", "replace")
        case "basic":
            try:
                return base64.b64decode(value.strip(), validate=True).partition(b":")[2]
            except (binascii.Error, ValueError):
                return b""
        case _:
            return b""
