"""`udup init`: the files to begin with."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import click

from udup.cli.commands import Command, CommandError
from udup.cli.output import Output

#: The files that are written, as they are in this package's templates: what each is, and its permissions. A job file
#: holds passwords.
_FILES = {"udup.toml": ("Settings, all at their defaults,", 0o644), "job.json": ("Example job file", 0o600)}


@click.command(cls=Command)
@click.option("--dir", "folder", type=click.Path(path_type=Path), default=Path(), help="Where to; default: here.")
@click.option("--json", "as_json", is_flag=True, help="Print an object with the files' paths.")
def init(folder: Path, as_json: bool) -> None:
    """Write udup.toml, the settings with their explanations, and job.json, a job to fill in.

    Files that are there already stay as they are, and nothing is written then.

    \b
    Example: udup init --dir /etc/udup
    """
    there = [name for name in _FILES if (folder / name).exists()]
    if there:
        raise CommandError(
            f"there is already {' and '.join(str(folder / name) for name in there)}; nothing was written"
        )
    templates = resources.files("udup.cli") / "templates"
    for name, (what, mode) in _FILES.items():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with (folder / name).open("x", encoding="utf-8") as file:
                (folder / name).chmod(mode)
                file.write((templates / name).read_text("utf-8"))
        except OSError as error:
            raise CommandError(f"cannot write {folder / name}: {error.strerror}") from error
        if not as_json:
            click.echo(f"{what} written to {folder / name}")
    if as_json:
        Output(as_json=True).json({"Written": [str(folder / name) for name in _FILES]})
        return
    click.echo("Start a node with: udup server --config udup.toml")
    click.echo("Fill in job.json, then: udup job run --watch job.json")
