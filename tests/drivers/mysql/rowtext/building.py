"""The compiled reader built from its sources, for tests: as it is installed, or with sanitizers."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

SOURCE = Path(__file__).parents[4] / "udup" / "_rows" / "rows.cpp"

#: As pyproject.toml has them, and strict ones.
FLAGS = ("-O2", "-std=c++17", "-fvisibility=hidden", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror")

SANITIZED = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer")


def compiler() -> str | None:
    return shutil.which(os.environ.get("CXX", "g++"))


def build(folder: Path, flags: Sequence[str] = ()) -> Path:
    """Return the library, built into a folder; there has to be a compiler."""
    found = compiler()
    assert found is not None
    path = folder / "rows.so"
    subprocess.run([found, *FLAGS, *flags, "-o", str(path), str(SOURCE)], check=True, timeout=170)
    return path


def preloaded(name: str) -> str | None:
    """Return the path of a sanitizer's library, which has to be loaded before all others; None if there is none."""
    found = compiler()
    assert found is not None
    answer = subprocess.run([found, f"-print-file-name={name}"], check=True, capture_output=True, text=True, timeout=60)
    path = Path(answer.stdout.strip())
    return str(path) if path.is_absolute() and path.exists() else None
