"""`udup job export`: the documents of jobs, to be kept, or posted elsewhere.

An answer of the server holds no passwords, so an exported document holds a text in their place: the mask, which stands
for the stored password where the document is posted back, or a reference, by which it can be posted to any server that
has the secret under that name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from udup.base.secrets import ENV, FILE, JOB_VARIABLES, MASK, PLACEHOLDER, salt_in
from udup.cli.client import job_path
from udup.cli.commands import Command
from udup.cli.completing import JOB_ID
from udup.cli.jobs import Json, find_job
from udup.cli.new_files import write_new
from udup.cli.options import Session, asks_server

#: Keys of a document that are about one server, one node or one write alone.
_OF_A_SERVER = frozenset({"Region", "NodeId", "NodeName", "EnforceIndex", "JobModifyIndex"})

#: Keys that say nothing of which secret it is: each task has them.
_PASSED_OVER = frozenset({"Config", "ConnectionConfig"})

#: A masked salt; of several masks of one kind those behind the first have a number behind it.
_MASKED_SALT = re.compile(re.escape(MASK) + r"[0-9]*")

MASKED, VARIABLE, IN_FILE = "mask", "env", "file"

#: Gives the text for the secret at a path of a document.
_Put = Callable[[tuple[str, ...]], str]


@click.command(cls=Command)
@click.argument("job_id", type=JOB_ID, metavar="[ID]", required=False)
@click.option("--all", "all_jobs", is_flag=True, help="All jobs, each into a file of --dir.")
@click.option("--dir", "folder", type=click.Path(path_type=Path), help="Write ID.json there; it is made.")
@click.option(
    "--secrets",
    type=click.Choice((MASKED, VARIABLE, IN_FILE)),
    default=MASKED,
    show_default=True,
    help="In place of a password: a text that says it is missing, env:UDUP_SECRET_…, or file:….",
)
@asks_server
def export(session: Session, job_id: str | None, all_jobs: bool, folder: Path | None, secrets: str) -> None:
    """Print a job's document, to be kept or run elsewhere. Passwords are left out: a text in their place says so.

    With --secrets env or file, that is a reference, and the document can be posted as it is to any server that has the
    secrets; standard error says under which names. Nothing in a document names a node or a server of Udup.

    \b
    Examples:
      udup job export shop > shop.json
      udup job export shop --secrets env > shop.json
      udup job export --all --dir jobs --secrets file
    """
    if all_jobs == (job_id is not None):
        raise click.UsageError("name one job, or give --all")
    if all_jobs and folder is None:
        raise click.UsageError("--all writes a file for each job: name their folder with --dir")
    names = _Names(secrets)
    if job_id is not None:
        found = [find_job(session.api, job_id)]
    else:
        found = [session.api.get(job_path(each["ID"])) for each in session.api.get("/v1/jobs")]
    documents = {job["ID"]: exported(job, names.of_job(job["ID"])) for job in sorted(found, key=lambda job: job["ID"])}
    if folder is None:
        session.out.json(documents[found[0]["ID"]])
    else:
        for path in _write(folder, documents):
            click.echo(f"written {path}")
    if told := names.told():
        click.echo(told, err=True)


class _Names:
    """What stands in place of secrets, and what has been put so far."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._left_out = 0
        self._taken: dict[str, tuple[str, ...]] = {}

    def of_job(self, job_id: str) -> _Put:
        """Return what gives the text for each secret of a job."""
        return lambda path: self._put((job_id, *(each for each in path if each not in _PASSED_OVER)))

    def _put(self, path: tuple[str, ...]) -> str:
        if self._kind == MASKED:
            self._left_out += 1
            return PLACEHOLDER
        variable = self._kind == VARIABLE
        words = [re.sub(r"\W+", "_", each, flags=re.ASCII).strip("_") for each in path]
        name = JOB_VARIABLES + "_".join(words).upper() if variable else ".".join(words).lower()
        first, number = name, 1
        while self._taken.setdefault(name, path) != path:
            number += 1
            name = f"{first}_{number}"
        return (ENV if variable else FILE) + name

    def told(self) -> str:
        """Return what is to be done for the secrets, "" where there are none."""
        if self._left_out:
            count = f"{self._left_out} password{'' if self._left_out == 1 else 's'}"
            return f"{count} left out: write it, env:UDUP_SECRET_NAME or file:NAME where the document has {MASK}"
        if not self._taken:
            return ""
        where = "as variables of its environment" if self._kind == VARIABLE else "as files in its secrets.files_dir"
        lines = [f"  {name}  {' '.join(path)}" for name, path in self._taken.items()]
        return "\n".join([f"The server that runs them needs these secrets, {where}:", *lines])


def exported(job: Json, put: _Put) -> Json:
    """Return a job's document as an answer shows it: nothing that is of the server, or of one node alone."""
    from udup.jobs import JobSpec, TaskSpec  # a validation library comes with it

    document = {key: job[key] for key in JobSpec.keys_in_order() if _is_exported(key, job.get(key))}
    document["Tasks"] = [
        {
            key: _with_secrets(task[key], put, (task["Type"], key))
            for key in TaskSpec.keys_in_order()
            if _is_exported(key, task.get(key))
        }
        for task in job["Tasks"]
    ]
    return document


def _is_exported(key: str, value: Any) -> bool:
    defaults = (("Datacenters", ["dc1"]), ("Failover", False))
    return key not in _OF_A_SERVER and value not in (None, "", []) and (key, value) not in defaults


def _with_secrets(value: Any, put: _Put, path: tuple[str, ...]) -> Any:
    """Return a value with a text for each masked secret in it, salts in the names of keys among them."""
    if isinstance(value, dict):
        return {_named(key, put, path): _with_secrets(item, put, (*path, key)) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_secrets(item, put, path) for item in value]
    return put(path) if value == MASK else value


def _named(key: str, put: _Put, path: tuple[str, ...]) -> str:
    front, salt = salt_in(key)
    if not _MASKED_SALT.fullmatch(salt):
        return key
    reference = put((*path, f"salt {salt.removeprefix(MASK)}".strip()))
    return key if reference == PLACEHOLDER else front + reference


def _write(folder: Path, documents: dict[str, Json]) -> list[Path]:
    """Write each document into a file of its own; return the files. Somebody will write passwords into them."""
    files = {
        folder / f"{quote(job_id, safe=' ')}.json": (json.dumps(each, indent=2, ensure_ascii=False) + "\n", 0o600)
        for job_id, each in documents.items()
    }
    write_new(files)
    return list(files)
