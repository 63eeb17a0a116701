"""The suite between two servers that are somebody's: all that its trials make is noted first, and removed at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from udup.cli.client import Api, job_path
from udup.sandbox.api import Json
from udup.selftest.journal import JOB, Journal
from udup.selftest.suite import Suite, Trial


@dataclass
class OnServers(Suite):
    """`journals` are the source's and the target's."""

    journals: tuple[Journal, ...] = ()

    def prepare(self, trial: Trial) -> None:
        """Note what the trial makes; `UdupError` if something of these names is there."""
        for journal in self.journals:
            journal.note_schemas(trial.schemas)
        self.journals[-1].note(JOB, [trial.job])

    def leave(self, trial: Trial) -> None:
        for journal in self.journals:
            journal.drop(trial.schemas)


@dataclass
class NodeJobs:
    """A Udup server by its API; a job that is deleted leaves no checkpoint on the target."""

    api: Api

    def post_job(self, document: Json) -> str:
        return self.api.register(document)[0]

    def job(self, job_id: str) -> Json:
        found: Json = self.api.get(job_path(job_id))
        return found

    def delete_job(self, job_id: str) -> None:
        self.api.send("DELETE", job_path(job_id), purge="true")

    def delete_all(self, prefix: str) -> list[str]:
        """Delete the jobs whose IDs begin so; return them."""
        found = [str(each["ID"]) for each in self.api.get("/v1/jobs") if str(each["ID"]).startswith(prefix)]
        for job_id in found:
            self.delete_job(job_id)
        return found

    def validate(self, document: Json) -> list[dict[str, Any]]:
        """Return every check of both servers, as a start would make it."""
        answer = self.api.send("PUT", "/v1/validate/job", document)
        checks: list[dict[str, Any]] = answer["Checks"]
        return checks
