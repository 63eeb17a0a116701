"""A made-up node: the console's files as they are served, and an API over a world in memory.

    python -m tests.console.made_up --port 8300 --jobs 500 --tables 10000

Files that have changed are read again, so that a page can be written beside it. What is not made up here, the real
application answers: validation, the description of the API, health.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs, unquote

from tests.console.answers import ANSWERS, Refusal, Request
from tests.console.streams import Streams
from tests.console.world import Json, World
from tests.web.conftest import NODE_ID, MemoryJobs
from udup.base.config import load_settings
from udup.web.app import create_app
from udup.web.blocking import WaitingRoom
from udup.web.resources import console
from udup.web.serve import WebServer

TOKEN, READ_TOKEN = "token-that-writes", "token-that-reads"

Start = Callable[..., Any]


class MadeUp:
    """The application. `tokens`: role by token, all may write while there are none.

    `answers[("GET", "job/billing/compare")]` is an answer of a test's own: a value, or a function of the `Request`.
    `refuse` makes all requests of the API fail with (status, text) until it is None; `sent` are the changes that came.
    Only where it `foresees` are modules of other pages fetched beforehand: most tests would compile them in vain.
    """

    def __init__(self, jobs: int = 40, tables: int = 300, tokens: dict[str, str] | None = None, *, fresh: bool = False):
        self.world = World(jobs, tables, now=time.time())
        self.tokens = tokens or {}
        self.answers: dict[tuple[str, str], Any] = {}
        self.refuse: tuple[str, str] | None = None
        self.foresees = False
        self.sent: list[tuple[str, str, Any]] = []
        self.streams = Streams(self.world)
        self._fresh, self._newest = fresh, 0.0
        settings = load_settings(flags={"ports.http": 0})
        memory = MemoryJobs()
        self._real = create_app(memory, memory, settings, NODE_ID, WaitingRoom(longest_s=0.1))

    def __call__(self, environ: Json, start: Start) -> Iterable[bytes]:
        path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
        if path == "/console/graph.json" and not self.foresees:
            return _give(start, {})
        if not path.startswith("/v1/"):
            if self._fresh and (newest := _newest()) != self._newest:
                self._newest = newest
                console.files_of.cache_clear()
            return self._real(environ, start)
        try:
            return self._api(environ, start, path.removeprefix("/v1/"))
        except Refusal as refusal:
            body = {"error": refusal.text, "details": refusal.details}
            return _give(start, body, refusal.status)

    def _api(self, environ: Json, start: Start, path: str) -> Iterable[bytes]:
        if self.refuse:
            raise Refusal(*self.refuse)
        role = self._role(environ)
        method = environ["REQUEST_METHOD"]
        query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
        if method != "GET" and role == "read" and path != "validate/job":
            raise Refusal("403 Forbidden", "this token may look at everything and change nothing: api.read_token")
        if path == "events":
            return self.streams.answer(start, query)
        request = Request(self.world, self.streams, method, unquote(path), query, role, lambda: _body(environ))
        if (method, path) in self.answers:
            if method != "GET":
                self.sent.append((method, path, request.body()))
            own = self.answers[method, path]
            return _give(start, own(request) if callable(own) else own)
        for pattern, answer in ANSWERS.get(method, ()):
            found = re.fullmatch(pattern, path)
            if found:
                if method != "GET":
                    self.sent.append((method, path, request.body()))
                return _give(start, answer(request, *found.groups()))
        environ.pop("HTTP_AUTHORIZATION", None)
        return self._real(environ, start)

    def _role(self, environ: Json) -> str:
        if not self.tokens:
            return "write"
        role = self.tokens.get(environ.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer "))
        if role is None:
            raise Refusal("401 Unauthorized", "401 Unauthorized: this server wants its API token")
        return role


def serve(app: MadeUp, port: int = 0) -> WebServer:
    """Return the server, which listens; as many streams as a test may open have threads."""
    server = WebServer(app, load_settings(flags={"ports.http": port, "http.threads": 32}), app.streams.close)
    server.start()
    return server


def _newest() -> float:
    """Return when one of the console's files was changed last."""
    return max(path.stat().st_mtime for path in console.CONSOLE.rglob("*"))


def _body(environ: Json) -> Any:
    text = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    return json.loads(text) if text else None


def _give(start: Start, value: Any, status: str = "200 OK") -> list[bytes]:
    is_text = isinstance(value, str)
    data = value.encode() if is_text else json.dumps(value).encode()
    kind = "text/plain; charset=utf-8" if is_text else "application/json"
    start(status, [("Content-Type", kind), ("Content-Length", str(len(data))), ("X-Udup-Index", "5000")])
    return [data]


def main() -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8300)
    parser.add_argument("--jobs", type=int, default=40)
    parser.add_argument("--tables", type=int, default=300)
    parser.add_argument("--tokens", action="store_true", help=f"ask for {TOKEN} or {READ_TOKEN}")
    given = parser.parse_args()
    tokens = {TOKEN: "write", READ_TOKEN: "read"} if given.tokens else None
    app = MadeUp(given.jobs, given.tables, tokens, fresh=True)
    app.foresees = True
    server = serve(app, given.port)
    print(f"{server.url}/console/", flush=True)
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        server.stop()


if __name__ == "__main__":
    main()
