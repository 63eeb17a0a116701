"""What every request and answer goes through: the rules of paths and methods, of who may write, and compression."""

from __future__ import annotations

import gzip
import html
import posixpath
from urllib.parse import quote, urlsplit

import falcon

from udup.web.errors import INVALID_METHOD

METHODS = frozenset({"GET", "POST", "PUT", "DELETE"})

#: Collections of single things, whose path without the slash at its end leads to the one with it.
SLASHED = frozenset({"/v1/job", "/v1/node", "/v1/allocation", "/v1/evaluation", "/v1/agent/allocation"})

#: Bytes from which compression is worth its trouble.
GZIP_FROM = 512

#: Level 5 takes half the time of 9 for a few percent of the size.
GZIP_LEVEL = 5


class MethodRule:
    """Only GET, POST, PUT and DELETE exist; HEAD is not GET, and OPTIONS tells nothing."""

    def process_request(self, req: falcon.Request, _resp: falcon.Response) -> None:
        if req.method not in METHODS:
            raise falcon.HTTPMethodNotAllowed(METHODS, description=INVALID_METHOD)


class PathRule:
    """Paths with `//`, `.` or `..` lead to their clean form."""

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        clean = _clean(req.path)
        if clean == req.path:
            return
        location = quote(clean) + (f"?{req.query_string}" if req.query_string else "")
        resp.status = falcon.HTTP_301
        resp.set_header("Location", location)
        if req.method == "GET":
            resp.text = f'<a href="{html.escape(location)}">Moved Permanently</a>.\n\n'
            resp.content_type = "text/html; charset=utf-8"
        resp.complete = True


class OriginRule:
    """A web page of another origin may not write.

    A body is read as JSON whatever its content type, so that a browser would let any page that its user visits post a
    job to a server on the user's own machine. Browsers name the page's origin on such requests; others name none. Newer
    ones also say themselves whether that is the origin which they ask, which counts behind a proxy that changes Host.
    """

    def process_request(self, req: falcon.Request, _resp: falcon.Response) -> None:
        origin = req.get_header("Origin")
        if not origin or req.method == "GET" or req.get_header("Sec-Fetch-Site") == "same-origin":
            return
        if _netloc(origin) != req.netloc.lower():
            raise falcon.HTTPForbidden(
                description="requests from web pages of another origin may not write: the page is of"
                f" {origin[:200]!r}, and the request is addressed to {req.netloc[:200]!r}; a proxy between them must"
                " pass name and port on (nginx: proxy_set_header Host $http_host)"
            )


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


class Compression:
    """gzip for bodies of 512 bytes and more, for clients that take it; never for a stream, whose events go at once."""

    def process_response(self, req: falcon.Request, resp: falcon.Response, _resource: object, _succeeded: bool) -> None:
        resp.append_header("Vary", "Accept-Encoding")
        if resp.get_header("Content-Encoding"):  # the same for many, and compressed once for all
            return
        if resp.data and len(resp.data) >= GZIP_FROM and takes_gzip(req):
            resp.data = gzip.compress(resp.data, GZIP_LEVEL, mtime=0)
            resp.set_header("Content-Encoding", "gzip")


def _clean(path: str) -> str:
    """The path without empty, `.` and `..` segments; a slash at its end stays."""
    clean = posixpath.normpath("/" + path.lstrip("/"))
    if path.endswith(("/", "/.", "/..")) and clean != "/":
        clean += "/"
    return clean + "/" if clean in SLASHED else clean


def takes_gzip(req: falcon.Request) -> bool:
    """Whether Accept-Encoding admits gzip: named, or under `*`, with a quality that is not 0."""
    accepted = req.get_header("Accept-Encoding") or ""
    qualities: dict[str, bool] = {}
    for part in accepted.lower().split(","):
        name, _, parameter = part.partition(";")
        key, _, value = parameter.partition("=")
        refused = key.strip() == "q" and not value.strip().strip("0.")
        qualities[name.strip()] = not refused
    return qualities.get("gzip", qualities.get("*", False))
