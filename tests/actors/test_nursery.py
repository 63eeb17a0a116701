"""Children of the nursery are the supervisor's: it is told of their end, its own ends them, and none is born twice."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from udup.actors import nursery
from udup.actors.nursery import Births
from udup.actors.shell import begin_process

PLAIN = multiprocessing.get_context("fork")
SECONDS = 20.0

#: What is written here after the nursery was made is not known to its children.
written: list[str] = []


def _live(folder: str, name: str, *_as_thespian_has_them: object) -> None:
    begin_process()
    made = Path(folder) / f"{name}.made"
    made.write_text(" ".join([str(os.getppid()), *written]))
    made.rename(Path(folder) / f"{name}.{os.getpid()}")
    time.sleep(3 * SECONDS)


def _wait(condition: Callable[[], Any]) -> Any:
    end = time.monotonic() + SECONDS
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.01)
    return found


def _lives(pid: int) -> bool:
    with suppress(psutil.NoSuchProcess):
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    return False


class Home:
    """Who has children, as Thespian has them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.births = Births(PLAIN, "udup nursery of a test")
        self.children: list[Any] = []

    def bear(self, name: str) -> Any:
        child = self.births.Process(_live, (str(self.folder), name, [99], PLAIN, None), name)
        child.start()
        multiprocessing.process._children.remove(child)  # type: ignore[attr-defined]
        self.children.append(child)
        return child

    def told(self, name: str) -> str:
        """What the only child of this name has written."""
        _wait(lambda: list(self.folder.glob(f"{name}.[0-9]*")))
        (file,) = self.folder.glob(f"{name}.*")
        return file.read_text()

    @property
    def nursery(self) -> int:
        assert self.births._nursery is not None
        return self.births._nursery.pid

    def close(self) -> None:
        for child in self.children:
            with suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGKILL)
            _wait(lambda child=child: not child.is_alive())
        self.births._close()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(tmp_path)
    yield made
    made.close()
    written.clear()


def test_a_child_is_this_processs_own_and_knows_nothing_that_was_written_since_the_nursery_was_made(
    home: Home,
) -> None:
    home.bear("first")
    written.append("later")
    child = home.bear("second")
    assert home.told("second") == str(os.getpid()), "its parent, and nothing else"
    assert child.pid not in (home.nursery, None) and child.is_alive()
    os.kill(child.pid, signal.SIGKILL)
    _wait(lambda: not child.is_alive())
    child.join(0.5)
    assert not psutil.pid_exists(child.pid), "it stays in the process table"


def test_a_nursery_that_is_killed_takes_no_child_along_and_is_replaced(home: Home) -> None:
    first = home.bear("first")
    killed = home.nursery
    os.kill(killed, signal.SIGKILL)
    second = home.bear("second")
    assert home.told("first") == home.told("second") == str(os.getpid())
    assert home.nursery != killed and first.is_alive() and second.is_alive()
    assert not psutil.pid_exists(killed), "it stays in the process table"


def test_a_nursery_that_does_not_answer_is_replaced_and_bears_no_child_afterwards(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.bear("first")
    hangs = home.nursery
    monkeypatch.setattr(nursery, "BIRTH_SECONDS", 0.5)
    assert home.births._nursery is not None
    os.kill(hangs, signal.SIGSTOP)
    with monkeypatch.context() as patience:
        own = home.births._close

        def close() -> None:
            patience.setattr(nursery, "BIRTH_SECONDS", SECONDS)
            own()

        patience.setattr(home.births, "_close", close)
        home.bear("second")
    assert home.told("second") == str(os.getpid()) and home.nursery != hangs
    assert not psutil.pid_exists(hangs)


def test_a_birth_that_is_given_up_leaves_no_child(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its number was known, and the word to begin has not come."""
    home.bear("first")
    born: list[int] = []
    read = nursery._read

    def given_up(connection: socket.socket, size: int) -> bytes | None:
        said = read(connection, size)
        assert said is not None
        born.append(nursery._PID.unpack(said)[0])
        monkeypatch.setattr(nursery, "_read", read)
        raise TimeoutError("given up")

    monkeypatch.setattr(nursery, "_read", given_up)
    home.bear("second")
    home.told("second")
    _wait(lambda: not _lives(born[0]))
    with suppress(ChildProcessError):
        os.waitpid(born[0], 0)
    assert len(list(home.folder.glob("second.*"))) == 1


def test_where_there_is_no_nursery_the_process_forks_by_itself(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> None:
        raise OSError("no process can be made")

    monkeypatch.setattr(nursery, "Nursery", none)
    child = home.bear("first")
    assert home.told("first") == str(os.getpid()) and child.is_alive()


def _supervise(folder: str) -> None:
    home = Home(Path(folder))
    child = home.bear("child")
    home.told("child")
    (home.folder / "family").write_text(f"{home.nursery} {child.pid}")
    (home.folder / "family").rename(home.folder / "whole family")
    time.sleep(3 * SECONDS)


def test_the_supervisors_death_ends_the_nursery_and_all_children(tmp_path: Path) -> None:
    supervisor = PLAIN.Process(target=_supervise, args=(str(tmp_path),))
    supervisor.start()
    assert supervisor.pid is not None
    told = _wait(lambda: (tmp_path / "whole family").exists() and (tmp_path / "whole family").read_text())
    family = [int(pid) for pid in told.split()]
    assert all(_lives(pid) for pid in family)
    os.kill(supervisor.pid, signal.SIGKILL)
    supervisor.join()
    _wait(lambda: not any(_lives(pid) for pid in family))
