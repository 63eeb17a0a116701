"""Files that a command makes are all there, or none is."""

from __future__ import annotations

from pathlib import Path

import pytest

from udup.cli.commands import CommandError
from udup.cli.new_files import write_new


def test_all_are_written_with_their_permissions(tmp_path: Path) -> None:
    write_new({tmp_path / "new" / "a": ("text\n", 0o644), tmp_path / "b": ("secret\n", 0o600)})
    assert (tmp_path / "new" / "a").read_text("utf-8") == "text\n"
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("new/a", "b")] == [0o644, 0o600]


def test_none_takes_the_place_of_another(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("before")
    with pytest.raises(CommandError, match=r"there is already .*/b; nothing was written"):
        write_new({tmp_path / "a": ("new", 0o644), tmp_path / "b": ("new", 0o644)})
    assert [path.name for path in tmp_path.iterdir()] == ["b"] and (tmp_path / "b").read_text() == "before"


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CommandError, match=r"cannot write .*; nothing was written"):
        write_new({tmp_path / "a": ("new", 0o644), tmp_path / "file" / "b": ("new", 0o644)})
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
