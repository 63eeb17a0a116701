"""`udup backup` and `udup restore`: what a node knows of its jobs, kept elsewhere and brought back."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from udup.cli.commands import Command
from udup.cli.output import Output

if TYPE_CHECKING:
    from udup.base.settings import Settings
    from udup.store.backup import Backup

_FILE = click.Path(path_type=Path)

#: How many jobs are named.
_NAMED = 20

_Function = Callable[..., Any]


def _of_node(function: _Function) -> _Function:
    """Add the options by which a node's settings are found."""
    found = click.option("--data-dir", help="Folder for the node's data.")(function)
    return click.option(
        "--config",
        "-c",
        type=_FILE,
        envvar="UDUP_CONFIG",
        default=Path("udup.toml"),
        show_default=True,
        help="Settings file of the node [UDUP_CONFIG].",
    )(found)


@click.command(cls=Command)
@click.argument("file", type=_FILE)
@click.option("--with-key", is_flag=True, help="Put the key of the stored passwords in as well: it opens them all.")
@click.option("--json", "as_json", is_flag=True, help="Print an object.")
@_of_node
def backup(file: Path, with_key: bool, as_json: bool, config: Path, data_dir: str | None) -> None:
    """Write all that this node knows of its jobs into FILE: documents, states, passwords sealed. The node may run.

    It is run on the node's machine, as the node's user. In a cluster each node has all jobs: one of them is enough.
    An earlier backup in FILE is replaced.

    \b
    Examples:
      udup backup /backup/udup.backup --config /etc/udup/udup.toml
      udup backup udup.backup --with-key
    """
    from udup.node.restoring import make_backup, write_backup
    from udup.store.sealing import FILE_NAME

    settings = _settings(config, data_dir)
    made = make_backup(settings, with_key=with_key)
    write_backup(file, made)
    if as_json:
        Output(as_json=True).json(_told(made))
        return
    click.echo(f"{_many(made)} written to {file}")
    if made.key:
        click.echo("It holds the key of their passwords: whoever has the file has them.")
    elif made.needs:
        setting = bool(settings.secrets.key.get_secret_value())
        place = "the setting secrets.key" if setting else str(settings.data_path / FILE_NAME)
        click.echo(
            f"Their passwords are sealed with the key {', '.join(made.needs)}: keep a copy of {place} elsewhere."
        )


@click.command(cls=Command)
@click.argument("file", type=_FILE)
@click.option("--key", "key_file", type=_FILE, metavar="FILE", help="Copy of secret.key of the node that made it.")
@click.option("--replace", "replace_jobs", is_flag=True, help="Move jobs that are there aside.")
@click.option("--dry-run", is_flag=True, help="Say what is in FILE and whether it fits; change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print an object.")
@_of_node
def restore(
    file: Path,
    key_file: Path | None,
    replace_jobs: bool,
    dry_run: bool,
    as_json: bool,
    config: Path,
    data_dir: str | None,
) -> None:
    """Have a node begin with the jobs of a backup, at its next start. The node is stopped.

    Each job goes on from its checkpoint on the target, so nothing is copied again, and what came after the backup is
    not lost. Stop the node that had the jobs for good before this one is started.

    \b
    Examples:
      udup restore /backup/udup.backup --key /backup/secret.key --config /etc/udup/udup.toml
      udup restore udup.backup --dry-run
    """
    from udup.node import restoring

    settings = _settings(config, data_dir)
    found = restoring.backup_in(file)
    plan = restoring.plan_restore(settings, found, key_file, replace_jobs=replace_jobs)
    if not dry_run:
        restoring.restore(plan)
    if as_json:
        Output(as_json=True).json(_told(found) | {"Restored": not dry_run})
        return
    for each in [*found.jobs[:_NAMED], *(["…"] if len(found.jobs) > _NAMED else [])]:
        click.echo(f"  {each}")
    if dry_run:
        click.echo(f"{_many(found)} can be restored into {settings.data_path}; nothing was changed")
        return
    click.echo(f"{_many(found)} restored into {settings.data_path}")
    if plan.brings:
        click.echo("Start all managers: the store begins with these jobs when all are there. The other managers begin")
        click.echo("with an empty data_dir, or have been told so by udup cluster recover --empty.")
    else:
        click.echo("Start the node: its jobs go on from their checkpoints.")


def _settings(config: Path, data_dir: str | None) -> Settings:
    from udup.base.config import load_settings

    given = click.get_current_context().get_parameter_source("config") is not ParameterSource.DEFAULT
    return load_settings(config if given or config.exists() else None, os.environ, {"data_dir": data_dir})


def _many(backup: Backup) -> str:
    made = datetime.fromtimestamp(backup.made / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    jobs = f"{len(backup.jobs)} job{'' if len(backup.jobs) == 1 else 's'}"
    return f"{jobs} as of {made}, of {backup.node} (Udup {backup.version})"


def _told(backup: Backup) -> dict[str, object]:
    return {
        "Version": backup.version,
        "Made": datetime.fromtimestamp(backup.made / 1e9, UTC).isoformat(),
        "NodeID": backup.node_id,
        "Node": backup.node,
        "Jobs": backup.jobs,
        "Keys": backup.needs,
        "HasKey": bool(backup.key),
    }
