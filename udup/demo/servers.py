"""The demo's servers as the demo sees them: starts their process, knows their addresses, ends or keeps it."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any

from udup.base.endpoint import Endpoint
from udup.base.errors import UdupError
from udup.sandbox.api import ApiClient

#: What the servers' process' input line says to make the servers outlive the demo.
KEEP = "keep"

#: The word that asks their process for the servers of a subscription.
SUBSCRIBE = "subscribe"

#: Seconds for the servers to end; a Udup server takes 10 at most, MySQL is killed.
END_DEADLINE = 40.0


#: The families of servers, as a person names them.
MYSQL, MARIADB = "mysql", "mariadb"


class DemoServers:
    """Two servers of these families and a Udup server, ended with this object unless `keep` was called.

    With `subscribe` there is no target, and the source's log names its columns.
    """

    def __init__(
        self, say: Callable[[str], None], families: tuple[str, str] = (MYSQL, MYSQL), *, subscribe: bool = False
    ) -> None:
        self._say = say
        self._words = [*families, *([SUBSCRIBE] if subscribe else [])]
        self._process: subprocess.Popen[str] | None = None
        self._kept = False
        self._ready: dict[str, Any] = {}

    @property
    def pid(self) -> int:
        """The process to end with SIGTERM when the servers were kept."""
        return int(self._ready["pid"])

    @property
    def folder(self) -> str:
        return str(self._ready["folder"])

    @property
    def url(self) -> str:
        return str(self._ready["url"])

    @property
    def clients(self) -> tuple[str, str]:
        """The commands that start the source's and the target's own client."""
        source, target = self._ready["clients"]
        return str(source), str(target)

    @property
    def api(self) -> ApiClient:
        return ApiClient(self.url)

    @property
    def source(self) -> Endpoint:
        return Endpoint(**self._ready["source"])

    @property
    def target(self) -> Endpoint:
        return Endpoint(**self._ready["target"])

    def __enter__(self) -> DemoServers:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "udup.demo.server_process", *self._words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            self._await_ready(self._process)
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._kept:
            self.end()

    def keep(self) -> None:
        """The servers stay when this process ends."""
        if self._process is None or self._process.stdin is None:
            raise UdupError("the demo's servers have not been started")
        self._process.stdin.write(KEEP + "\n")
        self._process.stdin.flush()
        self._kept = True

    def end(self) -> None:
        """Ends the servers and waits until they and their folder are gone."""
        process = self._process
        if process is None:
            return
        if process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
        try:
            process.wait(END_DEADLINE)
        except subprocess.TimeoutExpired:
            process.kill()  # its servers die with it
            process.wait()
            if self._ready:
                shutil.rmtree(self.folder, ignore_errors=True)

    def _await_ready(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            message = json.loads(line)
            if "say" in message:
                self._say(message["say"])
            elif "error" in message:
                raise UdupError(message["error"])
            else:
                self._ready = message["ready"]
                return
        raise UdupError(f"the demo's servers ended at their start, with status {process.wait()}")
