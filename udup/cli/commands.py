"""What commands are made of: modules loaded when they are needed, flags in Go's style too, errors, exit codes.

`udup version` shall not pay for an HTTP client or a validation library, so a group knows its commands by the module
that holds them. The original command has Go's flags, `-short`, `-address=URL`, `-yes=false`; a long option is
understood in that form as well, which scripts written for the original need.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping
from enum import IntEnum
from typing import Any

import click

from udup.base.errors import Fault, Refused, UdupError

_HELP_NAMES = ["-h", "--help"]

#: What Go reads as a boolean flag's value.
_GO_BOOLEANS = {**dict.fromkeys(("1", "t", "true"), True), **dict.fromkeys(("0", "f", "false"), False)}


class ExitCode(IntEnum):
    """What the command's exit code says; docs/cli.md lists them for people."""

    OK = 0

    #: The server refused, found a fault, or does not know the thing that was named.
    FAILED = 1

    #: The command line itself is wrong (click's code).
    USAGE = 2

    #: No Udup server answered.
    UNREACHABLE = 3

    #: A job that was watched failed, was paused or was deleted before it came to where it was awaited.
    JOB_FAILED = 4

    #: A job that was watched did not come there in the time given.
    TIMED_OUT = 5

    #: Ctrl-C, as shells number it.
    INTERRUPTED = 130


class CommandError(UdupError):
    """A command cannot do what was asked; `exit_code` says of which kind it is."""

    def __init__(self, text: str, exit_code: int = ExitCode.FAILED) -> None:
        super().__init__(text)
        self.exit_code = exit_code


class ShownError(click.ClickException):
    """An error as the user reads it, on stderr."""

    def __init__(self, error: UdupError, prefix: str) -> None:
        super().__init__(prefix + described(error))
        self._error = error

    @property
    def exit_code(self) -> int:  # type: ignore[override]  # click asks the instance
        return self._error.exit_code if isinstance(self._error, CommandError) else ExitCode.FAILED

    def show(self, file: Any = None) -> None:
        click.echo(self.message, file=file, err=file is None)


class Command(click.Command):
    """One command. A `UdupError` is told on stderr; a traceback is for errors that nobody foresaw."""

    #: What errors begin with.
    prefix = "udup: "

    def __init__(self, *args: Any, **more: Any) -> None:
        more.setdefault("context_settings", {"help_option_names": _HELP_NAMES, "max_content_width": 110})
        super().__init__(*args, **more)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, list(_with_two_dashes(self, ctx, args)))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UdupError as error:
            raise ShownError(error, self.prefix) from error
        except KeyboardInterrupt:
            click.echo(err=True)
            sys.exit(ExitCode.INTERRUPTED)


class Group(click.Group):
    """A group whose commands are named by where they are: `{"run": "udup.cli.job_run:run"}`, by section of its help."""

    command_class = Command

    def __init__(self, *args: Any, sections: Mapping[str, Mapping[str, str]], **more: Any) -> None:
        more.setdefault("context_settings", {"help_option_names": _HELP_NAMES, "max_content_width": 110})
        super().__init__(*args, **more)
        self._sections = sections
        self._places = {name: place for section in sections.values() for name, place in section.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        place = self._places.get(cmd_name)
        if place is None:
            return None
        module, _, attribute = place.partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own = next((place for place, word in enumerate(args) if not word.startswith("-")), len(args))
        return super().parse_args(ctx, [*_with_two_dashes(self, ctx, args[:own]), *args[own:]])

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, section in self._sections.items():
            with formatter.section(title):
                commands = ((name, self.get_command(ctx, name)) for name in section)
                formatter.write_dl([(name, command.get_short_help_str(90)) for name, command in commands if command])


def described(error: UdupError) -> str:
    """An error for people; the faults of a refusal one a line."""
    if not isinstance(error, Refused):
        return str(error)
    return listed("refused", error.faults)


def listed(what: str, faults: list[Fault]) -> str:
    """Every fault on a line of its own under a headline, a single one beside it."""
    if len(faults) == 1:
        return f"{what}: {faults[0]}"
    return "\n".join([f"{what}, {len(faults)} faults:", *(f"  {fault}" for fault in faults)])


def _with_two_dashes(command: click.Command, ctx: click.Context, args: list[str]) -> Iterator[str]:
    """The same arguments with `-name` written `--name`, and Go's boolean values (`-yes=false`) taken."""
    options = [option for option in command.get_params(ctx) if isinstance(option, click.Option)]
    long = {name[2:]: option for option in options for name in option.opts if name.startswith("--")}
    short = {name[1] for option in options for name in option.opts if not name.startswith("--")}
    words = iter(args)
    for word in words:
        if word == "--":
            yield word
            yield from words
            return
        dashes = len(word) - len(word.lstrip("-"))
        name, equals, value = word[dashes:].partition("=")
        option = long.get(name)
        if dashes not in (1, 2) or len(name) < 2:
            yield word
        elif option is not None and option.is_flag and value.lower() in _GO_BOOLEANS:
            if _GO_BOOLEANS[value.lower()]:
                yield f"--{name}"
        elif option is not None or name[0] not in short:
            yield f"--{name}{equals}{value}"
        else:
            yield word


def confirmed(question: str, what: str) -> bool:
    """Whether the user says y; the question goes to stderr, so that a pipe gets results alone.

    Without an answer, as in a script, nothing is done and that is an error.
    """
    try:
        answer = click.prompt(f"{question} [y/N]", default="", show_default=False, prompt_suffix=" ", err=True)
    except click.Abort as error:
        click.echo(err=True)
        raise CommandError(f"{what} was not confirmed; give --yes where nobody can answer", ExitCode.USAGE) from error
    if answer.strip().lower() in ("y", "yes"):
        return True
    click.echo(f"Cancelling {what}")
    return False
