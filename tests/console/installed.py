"""Udup as somebody installs it: a wheel of this checkout in an empty virtual environment, and a node of that.

No package index is asked. What the wheel says that it needs, and what that needs, is linked from the environment of the
tests; nothing else is, so a package that the wheel forgets to name is missing there as well.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.end_to_end.conftest import wait_for
from udup.base.errors import Transient
from udup.sandbox.api import ApiClient
from udup.sandbox.child import spawn
from udup.sandbox.ports import HOST, free_port

ROOT = Path(__file__).parents[2]

#: Seconds for a program that computes, on a busy machine.
PATIENCE = 150

#: What a wheel is built of.
_BUILT_OF = ("pyproject.toml", "README.md", "udup")


@dataclass(frozen=True)
class Installed:
    """A virtual environment with Udup in it, and the folder in which somebody works with it."""

    folder: Path

    @property
    def programs(self) -> Path:
        return self.folder / "venv" / "bin"

    @property
    def work(self) -> Path:
        return self.folder / "work"

    def run(self, program: str, *words: str) -> str:
        """Run a program of the environment in the working folder, and return what it says."""
        done = subprocess.run(
            [self.programs / program, *words],
            cwd=self.work,
            env=_bare(),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, f"{program} {' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout

    @contextmanager
    def server(self) -> Iterator[ApiClient]:
        """Run `udup server` in the working folder, on ports that are free."""
        port, log = free_port(), self.folder / "server.log"
        ports = {"UDUP_PORTS_HTTP": str(port), "UDUP_PORTS_NATS": str(free_port())}
        command = ["env", "-C", str(self.work), str(self.programs / "udup"), "server", "--config", "udup.toml"]
        process = spawn(command, log, _bare() | ports)
        api = ApiClient(f"http://{HOST}:{port}")

        def answers() -> bool:
            assert process.poll() is None, log.read_text()
            try:
                api.check()
            except Transient:
                return False
            return True

        try:
            wait_for(answers, log.read_text)
            yield api
        finally:
            process.terminate()
            process.wait(30)


def install(folder: Path) -> Installed:
    """Build the wheel from what is in the checkout, and install it."""
    installed = Installed(folder)
    installed.work.mkdir(parents=True)
    tree, built = folder / "tree", folder / "dist"
    tree.mkdir()
    for name in _BUILT_OF:
        _copy(ROOT / name, tree / name)
    _python("-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--wheel-dir", str(built), str(tree))
    [wheel] = built.iterdir()
    _python("-m", "venv", "--without-pip", str(folder / "venv"))
    python = str(installed.programs / "python")
    _python("-m", "pip", "--python", python, "install", "-q", "--no-deps", "--no-index", str(wheel))
    [packages] = (folder / "venv" / "lib").glob("python*/site-packages")
    [udup] = distributions(path=[str(packages)])
    _link_needed(udup, packages, installed.programs)
    return installed


def _copy(place: Path, to: Path) -> None:
    """Copy what a clone has; not what was compiled from it here."""
    if place.is_dir():
        shutil.copytree(place, to, ignore=shutil.ignore_patterns("__pycache__", "*.so", "*.pyc"))
    else:
        shutil.copy(place, to)


def _python(*words: str) -> None:
    quiet = _bare() | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run([sys.executable, *words], env=quiet, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr


def _bare() -> dict[str, str]:
    """Return an environment that knows nothing of the checkout, of settings, or of a compiled cache."""
    return {name: text for name, text in os.environ.items() if not name.startswith(("UDUP_", "PYTHON", "VIRTUAL_ENV"))}


def _link_needed(of: Distribution, packages: Path, programs: Path) -> None:
    """Link what a distribution needs into an environment, and what that needs: packages and programs."""
    open_, known = list(_needs(of, ())), set[str]()
    while open_:
        wanted = open_.pop()
        if (name := canonicalize_name(wanted.name)) in known:
            continue
        known.add(name)
        found = distribution(name)
        assert wanted.specifier.contains(found.version, prereleases=True), f"{wanted}, and there is {found.version}"
        open_ += _needs(found, sorted(wanted.extras))
        for file in found.files or ():
            if file.parts[0] not in ("..", "__pycache__"):
                _link(packages / file.parts[0], Path(str(found.locate_file(file.parts[0]))))
            elif file.parts[-2] == "bin":
                _link(programs / file.name, Path(str(found.locate_file(file))))


def _link(place: Path, to: Path) -> None:
    if not place.is_symlink():
        place.symlink_to(to.resolve())


def _needs(of: Distribution, extras: Sequence[str]) -> Iterator[Requirement]:
    for text in of.requires or ():
        wanted = Requirement(text)
        if wanted.marker is None or any(wanted.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield wanted
