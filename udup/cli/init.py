"""`udup init`: the files to begin with. Those of a service are in `init_service.py`."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import click

from udup.cli.commands import Command
from udup.cli.new_files import write_new
from udup.cli.output import Output

_PATH = click.Path(path_type=Path)

#: The files that are written, as they are in this package's templates: what each is, and its permissions. A job file
#: holds passwords.
_FILES = {
    "udup.toml": ("Settings, all at their defaults,", 0o644),
    "job.json": ("Example job file", 0o600),
    "subscribe.json": ("Example of a subscription's job file", 0o600),
}

#: The file of each type of job.
_JOBS = {"synchronous": "job.json", "subscribe": "subscribe.json"}


@click.command(cls=Command)
@click.option("--dir", "folder", type=_PATH, help="Where to; default: here, with --systemd where they belong.")
@click.option("--systemd", is_flag=True, help="Write a unit for systemd, and settings that fit it.")
@click.option("--data-dir", "data", type=_PATH, help="With --systemd: the folder for the node's data.")
@click.option("--executable", type=_PATH, help="With --systemd: the program that it starts; default: this one.")
@click.option("--job", "kind", type=click.Choice(tuple(_JOBS)), help="Write a job file of this type alone.")
@click.option("--json", "as_json", is_flag=True, help="Print an object with the files' paths.")
def init(
    folder: Path | None,
    systemd: bool,
    data: Path | None,
    executable: Path | None,
    kind: str | None,
    as_json: bool,
) -> None:
    """Write udup.toml, the settings with their explanations, and job.json, a job to fill in.

    With --job subscribe it is subscribe.json alone: a job that delivers every change as a message into the node's own
    JetStream. Files that are there already stay as they are, and nothing is written then.

    With --systemd it is /etc/systemd/system/udup.service and /etc/udup/udup.toml, or both in --dir, and the commands
    that make the user and start the service are printed.

    \b
    Examples:
      udup init --dir /etc/udup
      udup init --job subscribe
      udup init --systemd
    """
    if systemd:
        if kind is not None:
            raise click.UsageError("--systemd writes no job; leave --job out, and write that by udup init --job")
        from udup.cli.init_service import Service, write_service

        write_service(Service.of(folder, data, executable), as_json=as_json)
        return
    if data is not None or executable is not None:
        raise click.UsageError("--data-dir and --executable are for --systemd")
    folder = folder or Path()
    names = ["udup.toml", "job.json"] if kind is None else [_JOBS[kind]]
    _write(folder, names, as_json)
    if as_json:
        Output(as_json=True).json({"Written": [str(folder / name) for name in names]})
        return
    if kind is None:
        click.echo("Start a node with: udup server --config udup.toml")
    click.echo(f"Fill in {names[-1]}, then: udup validate {names[-1]}, udup job run --watch {names[-1]}")


def _write(folder: Path, names: Sequence[str], as_json: bool) -> None:
    templates = resources.files("udup.cli") / "templates"
    write_new({folder / name: ((templates / name).read_text("utf-8"), _FILES[name][1]) for name in names})
    for name in () if as_json else names:
        click.echo(f"{_FILES[name][0]} written to {folder / name}")
