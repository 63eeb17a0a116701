"""A mixed write load on the shop, in a process of its own that ends with this one."""

from __future__ import annotations

import contextlib
import json
import secrets
import subprocess
import sys
import threading
from types import TracebackType

from udup.base.endpoint import Endpoint
from udup.base.environment import without_own
from udup.base.errors import UdupError
from udup.sandbox.load_process import LoadStats
from udup.sandbox.shop import SCHEMA

#: Transactions a second in all.
DEFAULT_RATE = 300.0

#: Connections that write.
DEFAULT_WRITERS = 4

#: Seconds for the writers to finish their transactions; a server that is away is given up on after that.
STOP_SECONDS = 15.0


class WriteLoad:
    """Runs the shop's business on `endpoint` between `start` and `stop`; the shop must have been filled.

    `rate` is kept in total, as long as the server is fast enough; deadlocks are retried, and a server that goes away
    is waited for. `ddl` lets one more connection change definitions about once a second.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        rate: float = DEFAULT_RATE,
        writers: int = DEFAULT_WRITERS,
        ddl: bool = False,
    ) -> None:
        self._endpoint = endpoint
        self._settings = {
            "endpoint": {
                "host": endpoint.host,
                "port": endpoint.port,
                "user": endpoint.user,
                "password": endpoint.password,
            },
            "schema": SCHEMA,
            "run": secrets.token_hex(3),
            "rate": rate,
            "writers": writers,
            "ddl": ddl,
        }
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._stats = LoadStats()

    @property
    def stats(self) -> LoadStats:
        """The latest statistics, a fifth of a second old at most while the load runs."""
        return self._stats

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The load's process; `UdupError` before its start."""
        if self._process is None:
            raise UdupError("the write load has not been started")
        return self._process.pid

    def start(self) -> None:
        if self._process is not None:
            raise UdupError("a write load runs only once; make another")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "udup.sandbox.load_process"],
            env=without_own(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # A Ctrl-C in the terminal is the parent's to answer.
            start_new_session=True,
        )
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(self._settings) + "\n")
        self._process.stdin.flush()
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()

    def stop(self, timeout: float = STOP_SECONDS) -> LoadStats:
        """Ends the load and answers its final statistics; after `timeout` seconds the process is killed."""
        process, reader = self._process, self._reader
        if process is None or reader is None:
            return self._stats
        if process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # it has ended by itself
                process.stdin.close()
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        reader.join()
        return self._stats

    def __enter__(self) -> WriteLoad:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self._stats = LoadStats(**json.loads(line))
