"""An actor's process leaves alone what it was forked with, and that alone."""

from __future__ import annotations

import gc
from types import SimpleNamespace

import pytest

from udup.actors import shell


def test_what_was_inherited_is_frozen_once_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several actors may share a process: what the first ones have left is collected."""
    frozen: list[str] = []
    pids = iter([11, 11, 11, 12, 12])
    monkeypatch.setattr(shell, "gc", SimpleNamespace(freeze=lambda: frozen.append("all")))
    monkeypatch.setattr(shell, "die_with_parent", lambda: None)
    monkeypatch.setattr(shell.runtime, "pid", lambda: next(pids))
    monkeypatch.setattr(shell.multiprocessing, "parent_process", lambda: object())
    shell.begin_process()
    shell.begin_process()
    assert len(frozen) == 1
    shell.begin_process()
    assert len(frozen) == 2


def test_a_process_that_was_not_forked_for_an_actor_is_left_alone() -> None:
    before = gc.get_freeze_count()
    shell.begin_process()
    assert gc.get_freeze_count() == before
