"""Commands that the guides for installing, back-ups and upgrades show can be given as they stand there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from udup.cli import cli

ROOT = Path(__file__).parents[2]

GUIDES = ("docs/install.md", "docs/backup.md", "docs/upgrade.md")


def _commands() -> Iterator[tuple[str, str, bool]]:
    """Yield each command with its guide, and whether it is to be typed as it stands: not one that is spoken of."""
    for guide in GUIDES:
        text = (ROOT / guide).read_text("utf-8")
        for block, inline in re.findall(r"^ {4,}udup (.*)$|`udup ([^`]+)`", text, re.MULTILINE):
            yield guide, re.split(r"\s+[>#]", block or inline)[0], bool(block)


def _parsed(words: list[str]) -> None:
    """Read a command line as the program does, up to the moment at which it would be carried out."""
    command: click.Command = cli
    context = click.Context(cli, info_name="udup")
    while isinstance(command, click.Group) and words:
        found = command.get_command(context, words[0])
        assert found is not None, words
        command, words = found, words[1:]
    command.make_context("udup", words)


def test_every_command_of_the_guides_can_be_given() -> None:
    commands = sorted(set(_commands()))
    assert len(commands) > 15, commands
    for guide, text, typed in commands:
        try:
            _parsed(shlex.split(text))
        except click.MissingParameter:
            assert not typed, f"{guide}: udup {text}: something is missing"
        except click.UsageError as error:
            pytest.fail(f"{guide}: udup {text}: {error.format_message()}")
