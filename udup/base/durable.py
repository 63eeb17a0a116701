"""A small file that is there whole or not at all, and that a crash of the machine does not take back."""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Written beside its place and moved there; `OSError` if that cannot be."""
    beside = path.with_suffix(".new")
    beside.unlink(missing_ok=True)  # left by one that died in the middle
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
