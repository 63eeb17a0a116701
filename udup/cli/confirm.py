"""Asking before something that cannot be taken back."""

from __future__ import annotations

import click

from udup.cli import exits
from udup.cli.commands import CommandError


def confirmed(question: str, what: str) -> bool:
    """Whether the user says y; the question goes to stderr, so that a pipe gets results alone.

    Without an answer, as in a script, nothing is done and that is an error.
    """
    try:
        answer = click.prompt(f"{question} [y/N]", default="", show_default=False, prompt_suffix=" ", err=True)
    except click.Abort as error:
        click.echo(err=True)
        raise CommandError(f"{what} was not confirmed; give --yes where nobody can answer", exits.USAGE) from error
    if answer.strip().lower() in ("y", "yes"):
        return True
    click.echo(f"Cancelling {what}")
    return False
