"""The pictures of the documentation can be taken, and those that it shows are there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from tests.console.pictures import FOLDER, PICTURES, take_all

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def test_all_are_taken(one_browser: Browser, tmp_path: Path) -> None:
    files = take_all(tmp_path, one_browser)
    assert [file.stem for file in files] == [picture.name for picture in PICTURES]
    assert all(file.stat().st_size > 10_000 for file in files)


def test_documents_show_those_that_are_there_and_all_of_them() -> None:
    text = "\n".join(file.read_text("utf-8") for file in FOLDER.parent.glob("*.md"))
    shown = set(re.findall(r"\]\(pictures/(\w+)\.png\)", text))
    assert shown == {picture.name for picture in PICTURES} == {file.stem for file in FOLDER.glob("*.png")}
