"""The console's files, which any browser may have: they hold no data, and ask the API for what they show.

The names are listed when the first is asked for, and only a name of that list is served: never a path. The same is done
for the documentation, where it has been built.
"""

from __future__ import annotations

import gzip
import hashlib
import posixpath
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import falcon

from udup.web.joined import made_of
from udup.web.middleware import takes_gzip
from udup.web.responses import TEXT

#: The folders that are served; the documentation is there after `make docs`.
CONSOLE = Path(__file__).parent.parent / "console"
SITE = Path(__file__).parent.parent / "site"

#: Where they are served.
_PREFIXES = ("/console/", "/docs/")
_PLACES = frozenset({"/", "/console", "/docs"})

#: Scripts, styles and requests of this node alone, nothing written into the page, nobody frames it.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
#: The documentation's generator writes styles into its pages; its search is a form that leads to a page of its own.
SITE_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; worker-src 'self'; base-uri 'self'; form-action 'self'; "
    "frame-ancestors 'none'"
)

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".txt": "text/plain; charset=utf-8",
    ".xml": "application/xml",
    ".woff2": "font/woff2",
}

#: Bytes from which a file is kept compressed as well.
_GZIP_FROM = 512

_NOT_BUILT = "404: the documentation has not been built into this installation; `make docs` in a clone does that\n"


@dataclass(frozen=True)
class StaticFile:
    """A file as it is sent: `packed` by gzip, None where that is no use."""

    data: bytes
    packed: bytes | None
    type: str
    etag: str


@cache
def files_of(folder: Path) -> dict[str, StaticFile]:
    """Return the folder's files by their names, `core/api.js`, read once for the life of the process."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix in _TYPES)
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}
    if folder == CONSOLE:
        files.update(made_of(files))
    return {name: _packed(name, data) for name, data in files.items()}


def _packed(name: str, data: bytes) -> StaticFile:
    packed = gzip.compress(data, 9, mtime=0) if len(data) >= _GZIP_FROM else None
    etag = f'"{hashlib.sha256(data).hexdigest()[:24]}"'
    is_smaller = packed is not None and len(packed) < len(data)
    return StaticFile(data, packed if is_smaller else None, _TYPES[posixpath.splitext(name)[1]], etag)


def is_file(path: str) -> bool:
    """Return whether a path leads to the console or the documentation, not to the API."""
    return path in _PLACES or path.startswith(_PREFIXES)


def is_open(req: falcon.Request) -> bool:
    """Return whether this is for files, which need no token; of `/` a browser's way to them."""
    return is_file(req.path) and (req.path != "/" or (req.method == "GET" and _wants_page(req.accept)))


class FrontResource:
    """`/`: a browser is led to the console; to others there is no such page, as ever."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        if not _wants_page(req.accept):
            raise falcon.HTTPRouteNotFound
        _lead(resp, "console/")

    def on_post(self, _req: falcon.Request, _resp: falcon.Response) -> None:
        raise falcon.HTTPRouteNotFound

    on_put = on_post
    on_delete = on_post


class FolderResource:
    """A folder's way in without the slash at its end."""

    def __init__(self, name: str) -> None:
        self._name = name

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        _lead(resp, f"{self._name}/")


class FilesResource:
    """The files of a folder. `files` lists them; `missing` is said where there are none at all."""

    def __init__(self, files: Callable[[], dict[str, StaticFile]], policy: str, missing: str = "") -> None:
        self._files = files
        self._policy = policy
        self._missing = missing

    def on_get(self, req: falcon.Request, resp: falcon.Response, name: str = "") -> None:
        files = self._files()
        found = files.get(name or "index.html") or files.get(f"{name.rstrip('/')}/index.html")
        if found is None:
            self._refuse(resp, is_built=bool(files))
            return
        resp.set_headers({**_HEADERS, "Content-Security-Policy": self._policy, "ETag": found.etag})
        if found.etag in (req.get_header("If-None-Match") or ""):
            resp.status = falcon.HTTP_304
            return
        resp.content_type = found.type
        if found.packed is not None and takes_gzip(req):
            resp.set_header("Content-Encoding", "gzip")
            resp.data = found.packed
        else:
            resp.data = found.data

    def _refuse(self, resp: falcon.Response, *, is_built: bool) -> None:
        if is_built or not self._missing:
            raise falcon.HTTPRouteNotFound
        resp.status = falcon.HTTP_404
        resp.content_type = TEXT
        resp.data = self._missing.encode()


def add_console(app: falcon.App[falcon.Request, falcon.Response]) -> None:
    """Add the routes of the console and of the documentation."""
    app.add_route("/", FrontResource())
    for name, folder, policy, missing in (
        ("console", CONSOLE, POLICY, ""),
        ("docs", SITE, SITE_POLICY, _NOT_BUILT),
    ):
        files = FilesResource(lambda folder=folder: files_of(folder), policy, missing)  # type: ignore[misc]
        app.add_route(f"/{name}", FolderResource(name))
        app.add_route(f"/{name}/", files)
        app.add_route(f"/{name}/{{name:path}}", files)


def _lead(resp: falcon.Response, place: str) -> None:
    """Lead to a place beside the present one, so that a prefix of a proxy stays."""
    resp.status = falcon.HTTP_302
    resp.set_header("Location", place)
    resp.set_header("Cache-Control", "no-cache")


def _wants_page(accept: str) -> bool:
    """Return whether Accept names HTML, and no JSON before it: browsers do that, clients of the API do not."""
    named = [part.partition(";")[0].strip() for part in accept.lower().split(",")]
    if "text/html" not in named:
        return False
    return falcon.MEDIA_JSON not in named or named.index("text/html") < named.index(falcon.MEDIA_JSON)
