"""Files that a command makes: none in the place of another, and all of them or none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from udup.cli.commands import CommandError

#: How many files that are there already are named.
_NAMED = 3


def write_new(files: Mapping[Path, tuple[str, int]]) -> None:
    """Write each text into its file, which gets these permissions; `CommandError` where one is there, or cannot be."""
    written: list[Path] = []
    at = Path()
    try:
        if there := [str(at) for at in files if at.exists()]:
            raise CommandError(f"there is already {' and '.join(there[:_NAMED])}; nothing was written")
        for at, (text, mode) in files.items():
            at.parent.mkdir(parents=True, exist_ok=True)
            with at.open("x", encoding="utf-8") as file:
                written.append(at)
                at.chmod(mode)  # before what is written: it may hold passwords
                file.write(text)
    except OSError as error:
        for each in written:
            each.unlink(missing_ok=True)
        raise CommandError(f"cannot write {error.filename or at}: {error.strerror}; nothing was written") from error
