"""A real broker for the tests, of the package noida-db: topics, transactions, fencing, groups, without Java.

It stands for Apache Kafka as far as it goes: one broker, no TLS, no SASL, no ACLs, no quotas.
"""

from __future__ import annotations

import importlib.util
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from udup.pipeline.ports.delivery import DeliveryPlan, DeliverySettings
from udup.sandbox.child import spawn
from udup.sandbox.ports import free_port

_START_SECONDS = 20.0


class Broker:
    """One broker on loopback, which keeps its port and its data when it is started again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        place = ["--host", "127.0.0.1", "--kafka-port", str(self.port), "--data-dir", str(self._folder / "data")]
        log = self._folder / "log"
        self._process = spawn([str(_program()), "start", "--only", "kafka", *place], log)
        deadline = time.monotonic() + _START_SECONDS
        while not _listens(self.port):
            assert self._process.poll() is None, log.read_text("utf-8", "replace")
            assert time.monotonic() < deadline, f"the broker does not listen on {self.port}"
            time.sleep(0.02)

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def plan(self, prefix: str, large_messages: str = "fail", **sink: Any) -> DeliveryPlan:
        return DeliveryPlan(prefix=prefix, large_messages=large_messages, sink={"Brokers": [self.address], **sink})

    def settings(self, prefix: str, job: str = "job-1", run: int = 1, **sink: Any) -> DeliverySettings:
        return DeliverySettings(job=job, run=run, owner="node-1", plan=self.plan(prefix, **sink))


def _program() -> Path:
    """The program itself: the script of its name is a process around it, which would be killed alone."""
    found = importlib.util.find_spec("noida_db")
    assert found is not None and found.origin is not None
    return Path(found.origin).parent / "noida-db"


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
