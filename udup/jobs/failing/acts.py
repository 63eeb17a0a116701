"""What can be done about a job: each act as the request that does it and as the command that sends that request."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from udup.base.ids import job_path


class Act(StrEnum):
    """The values are words of the API's. `STATEMENT` is for a person to run on a server: there is no request."""

    RESUME = "resume"
    SKIP = "skip"
    SETTLE = "settle"
    RELOAD = "reload"
    REPAIR = "repair"
    COMPARE = "compare"
    UPDATE = "update"
    REVERT = "revert"
    GIVE_UP = "give_up"
    PURGE = "purge"
    DELETE = "delete"
    STATEMENT = "statement"


class Danger(StrEnum):
    """What an act may do: nothing that hurts, stop or change something, or write to or lose what is on the target."""

    NONE = "none"
    CHANGES = "changes"
    LOSES = "loses"


@dataclass(frozen=True)
class Remedy:
    """`text` says what it does to whom, `command` does the same as the request, `confirm` is to be typed before it.

    `args` are the request's body, if `in_body`, else its query; a job's whole document is the body of an update.
    """

    act: Act
    text: str
    command: str
    danger: Danger = Danger.NONE
    confirm: str = ""
    method: str = ""
    path: str = ""
    args: Mapping[str, Any] = field(default_factory=dict)
    in_body: bool = False
    recommended: bool = False

    def saying(self, text: str) -> Remedy:
        """Return it with another text."""
        return replace(self, text=text)

    def to_api(self) -> dict[str, Any]:
        query = "" if self.in_body or not self.args else f"?{urlencode(self.args, doseq=True)}"
        return {
            "Act": self.act.value,
            "Args": dict(self.args),
            "Danger": self.danger.value,
            "Command": self.command,
            "Text": self.text,
            "Recommended": self.recommended,
            "Confirm": self.confirm,
            "Seconds": None,
            "Method": self.method,
            "Path": f"{self.path}{query}",
            "Body": dict(self.args) if self.in_body else None,
        }


def _command(verb: str, job: str, *more: str) -> str:
    return shlex.join(["udup", "job", verb, job, *more])


def resume(job: str, text: str = "Carry the job on from its checkpoint, once the cause is removed.") -> Remedy:
    return Remedy(Act.RESUME, text, _command("resume", job), method="PUT", path=job_path(job, "resume"))


def skip(job: str, gtid: str) -> Remedy:
    """Pass over a transaction: `gtid`, at which the job stands."""
    return Remedy(
        Act.SKIP,
        f"Pass over transaction {gtid}: nothing of it is applied, so the target differs from the source until its"
        " tables are repaired.",
        _command("skip", job, "--gtid", gtid),
        Danger.LOSES,
        gtid.rpartition(":")[2],
        "PUT",
        job_path(job, "skip"),
        {"gtid": gtid},
    )


def settle(job: str, gtid: str, *, applied: bool) -> Remedy:
    said = (
        f"Say that all rows of {gtid} are on the target: the job goes on behind it."
        if applied
        else f"Say that none of the rows of {gtid} is on the target: the job applies it."
    )
    return Remedy(
        Act.SETTLE,
        said,
        _command("settle", job, "--gtid", gtid, "--applied" if applied else "--not-applied"),
        Danger.LOSES,
        gtid.rpartition(":")[2],
        "PUT",
        job_path(job, "settle"),
        {"gtid": gtid, "applied": "true" if applied else "false"},
    )


def reload(job: str, tables: Iterable[str]) -> Remedy:
    """Load tables again: `tables` are schema.table as the source has them."""
    named = list(tables)
    listed = ", ".join(named)
    return Remedy(
        Act.RELOAD,
        f"Load {listed} again: dropped on the target, copied from the source and followed, while the job goes on for"
        " all other tables.",
        _command("reload", job, *named),
        Danger.LOSES,
        named[0] if len(named) == 1 else job,
        "PUT",
        job_path(job, "reload"),
        {"table": named},
    )


def repair(job: str, tables: Iterable[str]) -> Remedy:
    """Put rows right while the job stands still: `tables` are schema.table as the source has them."""
    named = list(tables)
    return Remedy(
        Act.REPAIR,
        f"Put the rows of {', '.join(named)} right on the target, as the source has them now; then resume the job.",
        _command("repair", job, *named),
        Danger.LOSES,
        "",
        "POST",
        job_path(job, "repair"),
        {"Tables": named, "All": False},
        in_body=True,
    )


def compare(job: str, tables: Iterable[str]) -> Remedy:
    named = list(tables)
    return Remedy(
        Act.COMPARE,
        f"Compare {', '.join(named) or 'all tables'} of source and target while the job runs.",
        _command("compare", job, *named),
        method="POST",
        path=job_path(job, "compare"),
        args={"Tables": named, "RowsPerSecond": 0, "Continuous": False},
        in_body=True,
    )


#: What the file is called that an update's command posts.
DOCUMENT_FILE = "job.json"


def update(job: str, text: str) -> Remedy:
    """Have another document posted, made of the present one: `udup job export` prints that."""
    return Remedy(
        Act.UPDATE,
        f"{text} The present document: {_command('export', job)}",
        f"udup job run {DOCUMENT_FILE}",
        Danger.CHANGES,
        method="PUT",
        path="/v1/jobs",
        in_body=True,
    )


def revert(job: str) -> Remedy:
    text = "Give the job the document back that it had before the present one."
    path = job_path(job, "revert")
    return Remedy(Act.REVERT, text, _command("revert", job), Danger.CHANGES, method="PUT", path=path)


def give_up(job: str) -> Remedy:
    return Remedy(
        Act.GIVE_UP,
        "Give up the tables that are under way: the job goes on with those that it has.",
        _command("reload", job, "--give-up"),
        Danger.CHANGES,
        method="DELETE",
        path=job_path(job, "reload"),
    )


def purge(job: str, text: str) -> Remedy:
    return Remedy(
        Act.PURGE,
        text,
        _command("delete", "--purge", job),
        Danger.LOSES,
        job,
        "DELETE",
        job_path(job),
        {"purge": "true"},
    )


def delete(job: str) -> Remedy:
    text = "Forget the job. What is on the target stays, its checkpoint too."
    return Remedy(Act.DELETE, text, _command("delete", job), Danger.LOSES, job, "DELETE", job_path(job))


def statement(text: str, sql: str) -> Remedy:
    """Return something for a person to run; `sql` is of the server that the text names."""
    return Remedy(Act.STATEMENT, text, sql)
