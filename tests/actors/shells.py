"""Actors outside of any actor system: what they send is kept, and their servers are scripted."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from udup.drivers.mysql.client.facts import ServerFacts
from udup.drivers.mysql.client.privileges import Privileges
from udup.pipeline.ports import End, SourceLook

FACTS = ServerFacts("127.0.0.1:1", "'a'@'%'", (9, 7, 0), "9.7.0", False, {}, Privileges((), False), {}, frozenset())


class ScriptedDrivers:
    """A source that is looked at, and a target whose checkpoint is removed, both at once."""

    def delivers(self, _end: End) -> bool:
        return False

    def source(self, _end: End) -> Any:
        return SimpleNamespace(look=lambda _scope: SourceLook(FACTS))

    def target(self, _end: End) -> Any:
        return SimpleNamespace(purge=lambda _job, _number: None)


@contextmanager
def shell_of(kind: type[Any]) -> Iterator[tuple[Any, list[Any]]]:
    """An actor outside of any actor system, and what it sends."""
    shell = kind()
    sent: list[Any] = []
    shell.send = lambda _address, message: sent.append(message)
    shell.createActor = lambda kind: f"{kind.__name__} {len(sent)}"
    shell.owner, shell.node, shell.job_id = "owner", SimpleNamespace(drivers=ScriptedDrivers()), "j"
    try:
        yield shell, sent
    finally:
        shell.stop_engine()
        os.close(shell.doorbell)
