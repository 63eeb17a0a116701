"""nats-servers with a configuration of a test's own."""

from __future__ import annotations

import time
from pathlib import Path

from udup.node.nats_server import _is_taken, _program
from udup.sandbox.child import spawn
from udup.sandbox.ports import free_port

PATIENCE = 60


class Served:
    """One, with JetStream and these lines besides."""

    def __init__(self, folder: Path, lines: str, port: int = 0) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = port or free_port()
        self._folder, self._process = folder, None  # type: subprocess.Popen[bytes] | None
        store = f"jetstream {{ store_dir: '{folder}' }}"
        (folder / "nats.conf").write_text(f"listen: '127.0.0.1:{self.port}'\n{store}\n{lines}\n")
        self.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self._process.pid if self._process is not None else 0

    def start(self) -> None:
        log = self._folder / "nats.log"
        self._process = spawn([_program(), "-c", str(self._folder / "nats.conf")], log)
        deadline = time.monotonic() + PATIENCE
        while not _is_taken(self.port):
            assert self._process.poll() is None and time.monotonic() < deadline, log.read_text()[-2000:]
            time.sleep(0.01)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def cluster(folder: Path) -> list[Served]:
    """Three servers that keep streams together."""
    routes = [free_port() for _ in range(3)]
    urls = ", ".join(f"nats://127.0.0.1:{port}" for port in routes)
    return [
        Served(
            folder / f"n{number}",
            f"server_name: n{number}\ncluster {{ name: c, listen: '127.0.0.1:{port}', routes: [{urls}] }}",
        )
        for number, port in enumerate(routes)
    ]
