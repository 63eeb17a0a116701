"""The actor system's start: an admin process that does not answer is ended, and another port is tried."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import Any

import psutil
import pytest
from thespian.actors import ActorAddress, InvalidActorAddress

from udup.actors import system

#: Begins as Thespian does: a session, and in it the admin process, whose parent ends.
_BEGUN = "import os, time; os.setsid(); child = os.fork(); child or time.sleep(60); print(child, flush=True)"


class _Busy:
    """Stands for Thespian: its admin process answers at a port that nobody else has."""

    def __init__(self, fails: int) -> None:
        self.fails, self.ports = fails, list[int]()
        self.begun: list[int] = []

    def __call__(self, _base: str, capabilities: dict[str, int], **_more: Any) -> object:
        self.ports.append(capabilities["Admin Port"])
        if len(self.ports) <= self.fails:
            with subprocess.Popen([sys.executable, "-c", _BEGUN], stdout=subprocess.PIPE, text=True) as leader:
                assert leader.stdout is not None
                self.begun.append(int(leader.stdout.readline()))
                os.waitid(os.P_PID, leader.pid, os.WEXITED | os.WNOWAIT)  # it stays: Thespian does not wait for it
                leader.returncode = 0
            raise InvalidActorAddress(ActorAddress(None), "not a valid or useable ActorSystem Admin")
        return self


def test_an_actor_system_that_does_not_answer_is_ended_and_begun_again(monkeypatch: pytest.MonkeyPatch) -> None:
    busy = _Busy(fails=2)
    monkeypatch.setattr(system, "ActorSystem", busy)
    before = system._children()
    assert system._started() is busy
    assert len(set(busy.ports)) == 3
    assert system._children() == before
    end = time.monotonic() + 10
    while any(map(_lives, busy.begun)):  # a process that is killed ends a moment later
        assert time.monotonic() < end
        time.sleep(0.01)


def test_one_that_never_answers_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "ActorSystem", busy := _Busy(fails=9))
    with pytest.raises(InvalidActorAddress):
        system._started()
    assert len(busy.ports) == 3


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
