"""A Udup server of its own, driven from outside as a user would: the command line, signals and REST."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

import psutil

from udup.base.errors import Transient, UdupError
from udup.jobs.words import Stage
from udup.sandbox.api import ApiClient, Json
from udup.sandbox.child import spawn
from udup.sandbox.ports import HOST, free_port

#: Seconds until the REST API answers; imports and the actor system take 2 to 4 on a busy machine.
START_DEADLINE = 40.0

#: A server stops by itself within 10 s; some more are given before it is killed.
STOP_DEADLINE = 15.0

_POLL_SECONDS = 0.1

_TAIL_LINES = 20


class UdupNode:
    """One server in `folder`: its settings file, its log, its `data`. Ports are free ones unless they are given.

    The ports stay the same over restarts, so that a client finds the server again. `token` is its API token;
    `settings` are further sections of its settings file, `ports` further lines of its section of ports; `environment`
    is all that the next start gets, None for this process's own.
    """

    def __init__(
        self,
        folder: Path,
        *,
        http_port: int | None = None,
        nats_port: int | None = None,
        token: str = "",
        settings: str = "",
        ports: str = "",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder.absolute()
        self.http_port = http_port or free_port()
        self.nats_port = nats_port or free_port()
        self._token = token
        self.environment = environment
        self._settings, self._ports = settings, ports
        self._process: subprocess.Popen[bytes] | None = None
        self._family: dict[int, psutil.Process] = {}

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.http_port}"

    @property
    def api(self) -> ApiClient:
        return ApiClient(self.url, self._token)

    @property
    def config(self) -> Path:
        return self.folder / "udup.toml"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "udup.log"

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The main process; `UdupError` if it does not run."""
        if self._process is None or self._process.poll() is not None:
            raise UdupError(f"the Udup server in {self.folder} does not run")
        return self._process.pid

    def __enter__(self) -> UdupNode:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Returns when the REST API answers; `UdupError` with the end of the log if it does not."""
        if self.running:
            raise UdupError(f"the Udup server in {self.folder} runs already")
        self.folder.mkdir(parents=True, exist_ok=True)
        self.config.touch(mode=0o600)
        self.config.write_text(
            f"data_dir = {json.dumps(str(self.data))}\n\n[ports]\nhttp = {self.http_port}\nnats = {self.nats_port}\n"
            + self._ports
            + (f"\n[api]\ntoken = {json.dumps(self._token)}\n" if self._token else "")
            + f"\n{self._settings}\n"
        )
        command = [sys.executable, "-m", "udup", "server", "--config", str(self.config)]
        self._process = spawn(command, self.log, self.environment)
        deadline = time.monotonic() + START_DEADLINE
        while not self._answers():
            if not self.running:
                raise UdupError(f"the Udup server ended at its start; its log ends with:\n{self._log_tail()}")
            if time.monotonic() > deadline:
                raise UdupError(
                    f"the Udup server did not answer on {self.url} in {START_DEADLINE:.0f} s;"
                    f" its log ends with:\n{self._log_tail()}"
                )
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL to whatever of its processes is left after STOP_DEADLINE."""
        self._remember_family()
        if self._process is not None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_DEADLINE)
        self.end_leftovers()

    def kill(self) -> None:
        """SIGKILL to the main process alone, as a crash would; what becomes of its children is its design's matter."""
        self._remember_family()
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def end_leftovers(self) -> list[str]:
        """Kills every process of this server that still runs; answers what they were."""
        left = [process for process in self._family.values() if process.is_running()]
        titles = []
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                titles.append(_title(process))
                process.kill()
        psutil.wait_procs(left, timeout=5)
        if self._process is not None:
            self._process.wait()
        self._family = {}
        return titles

    def pids(self) -> dict[int, str]:
        """The server's live processes and what they are."""
        self._remember_family()
        found = {}
        for pid, process in self._family.items():
            with contextlib.suppress(psutil.NoSuchProcess):
                if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                    found[pid] = _title(process)
        return found

    def post_job(self, document: Json) -> str:
        return self.api.post_job(document)

    def job(self, job_id: str) -> Json:
        return self.api.job(job_id)

    def delete_job(self, job_id: str) -> None:
        self.api.delete_job(job_id)

    def wait_stage(self, job_id: str, stages: Sequence[str] = (Stage.RUNNING,), deadline: float = 120.0) -> Json:
        return self.api.wait_stage(job_id, stages, deadline)

    def _answers(self) -> bool:
        try:
            self.api.check()
        except Transient:
            return False
        return True

    def _remember_family(self) -> None:
        """Actors have a session and a parent of their own: what all share is a command line that names our folder."""
        if self._process is None:
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            self._family.setdefault(self._process.pid, psutil.Process(self._process.pid))
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                if any(str(self.folder) + os.sep in word for word in process.cmdline()):
                    self._family[process.pid] = process

    def _log_tail(self) -> str:
        if not self.log.exists():
            return "(no log)"
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-_TAIL_LINES:])


def _title(process: psutil.Process) -> str:
    return " ".join(process.cmdline())[:200] or str(process.name())
