"""Every command in the documents is one that there is: its words, its options, its values; every URL is a route.

Recipes, the first job and the like are run besides, by the tests in `tests/end_to_end` that read them.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import click
import pytest

from udup.cli import cli
from udup.web.openapi.document import openapi

ROOT = Path(__file__).parent.parent

DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/*.md")])

_BLOCK = re.compile(r"^```[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"^    (\S.*)$", re.MULTILINE)
_INLINE = re.compile(r"`(udup [^`]+)`")
_COMMENT = re.compile(r"\s+# .*$")

#: What stands for something that the reader fills in, where the command wants a number.
_NUMBERS = {"N": "1", "SECONDS": "1", "PID": "1", "PORT": "1"}


def commands(text: str) -> Iterator[tuple[str, bool]]:
    """Yield each command of Udup's, and whether it is but mentioned in a sentence, where it may lack its arguments."""
    blocks = "\n".join(_BLOCK.findall(text)).replace("\\\n", " ").splitlines()
    rest = _BLOCK.sub("", text)
    for line in [*blocks, *_INDENTED.findall(rest)]:
        line = line.strip().removeprefix("$ ").removeprefix(".venv/bin/")
        if line.startswith("udup "):
            yield _COMMENT.sub("", line), False
    for inline in _INLINE.findall(rest):
        if not any(sign in inline for sign in ("…", "[", "|", "*", "COMMAND")):
            yield inline, True


def parse(command: str, is_mentioned: bool) -> None:
    """Raise `click.UsageError` for a command that `udup` would not take; nothing is carried out."""
    words = [_NUMBERS.get(word, word) for word in shlex.split(command.partition(" > ")[0])][1:]
    found: click.Command = cli
    context = click.Context(cli, info_name="udup")
    while isinstance(found, click.Group):
        if not words:
            return
        name = words.pop(0)
        if name.startswith("-"):
            return
        step = found.get_command(context, name)
        assert step is not None, f"there is no command {name!r}"
        found, context = step, click.Context(step, info_name=name, parent=context)
    if not words:
        return  # the command is named, not called
    try:
        found.make_context(found.name, list(words), parent=context.parent)
    except click.MissingParameter:
        if not is_mentioned:
            raise
    except click.BadParameter as error:
        if "does not exist" not in error.message:
            raise


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_are_there(document: Path) -> None:
    for command, is_mentioned in dict.fromkeys(commands(document.read_text("utf-8"))):
        try:
            parse(command, is_mentioned)
        except (click.ClickException, AssertionError) as error:
            said = error.format_message() if isinstance(error, click.ClickException) else str(error)
            pytest.fail(f"{document.name}: {command}\n{said}")


def test_urls_are_routes() -> None:
    routes = [re.sub(r"\{[^}]+\}", "[^/]+", path) for path in openapi()["paths"]]
    for document in DOCUMENTS:
        for url in re.findall(r"127\.0\.0\.1:8190(/v1[^\s'\"`)]*)", document.read_text("utf-8")):
            path = urlsplit(url).path
            assert any(re.fullmatch(route, path) for route in routes), f"{document.name}: {url}"
