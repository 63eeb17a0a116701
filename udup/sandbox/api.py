"""Udup's REST API as a client sees it: jobs posted, read, waited for."""

from __future__ import annotations

import contextlib
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpx

from udup.base.endpoint import Endpoint
from udup.base.errors import Transient, UdupError
from udup.base.tls import PREFERRED
from udup.jobs.words import Stage
from udup.web.ports import NotThere

#: Seconds for one answer of the API.
REQUEST_TIMEOUT = 15.0

#: Seconds between two looks at a job: the first ones, and what they grow to, since each costs the server something.
_POLL_SECONDS, _LONGEST_POLL_SECONDS = 0.05, 0.15

Json = dict[str, Any]


@cache
def _tls() -> ssl.SSLContext:
    """Made once: reading the authorities' certificates takes longer than a request, and who waits asks often."""
    return ssl.create_default_context()


@dataclass(frozen=True)
class ApiClient:
    """Requests to the server at `url`, with its token if it has one.

    `Transient` without an answer or by the server's fault, `NotThere` for 404, else `UdupError`.
    """

    url: str
    token: str = field(default="", repr=False)

    def check(self) -> None:
        """Returns if the server answers."""
        self._request("GET", "/v1/jobs")

    def post_job(self, document: Json) -> str:
        """Registers a job and answers its ID; `UdupError` with the server's reasons if it is refused."""
        answer = self._request("POST", "/v1/jobs", json=document)
        return str(answer.headers.get("X-Udup-Job-Id") or document.get("ID"))

    def job(self, job_id: str) -> Json:
        """The job as GET /v1/job/<id> shows it; `Transient` while the server does not answer."""
        found: Json = self._request("GET", f"/v1/job/{job_id}").json()
        return found

    def actors(self) -> list[Json]:
        """What GET /v1/agent/actors lists."""
        found: list[Json] = self._request("GET", "/v1/agent/actors").json()
        return found

    def add_consumer(self, name: str, streams: Sequence[str]) -> Json:
        """Let a consumer into the node's JetStream; the answer has `Password` and `Address`."""
        made: Json = self._request("PUT", "/v1/nats/users", json={"Name": name, "Streams": list(streams)}).json()
        return made

    def delete_job(self, job_id: str) -> None:
        self._request("DELETE", f"/v1/job/{job_id}")

    def wait_stage(self, job_id: str, stages: Sequence[str] = (Stage.RUNNING,), deadline: float = 120.0) -> Json:
        """The job once it is in one of these stages; `UdupError` when it fails or `deadline` seconds are over.

        The server may be away in between, being restarted, and a node of a cluster may see the job late.
        """
        end, pause = time.monotonic() + deadline, _POLL_SECONDS
        job: Json = {}
        while time.monotonic() < end:
            with contextlib.suppress(Transient, NotThere):
                job = self.job(job_id)
            stage = job.get("Stage")
            if stage in stages:
                return job
            if stage == Stage.FAILED:
                raise UdupError(f"job {job_id} failed: {_reason(job)}")
            time.sleep(pause)
            pause = min(pause * 1.1, _LONGEST_POLL_SECONDS)
        raise UdupError(
            f"job {job_id} did not come to {' or '.join(stages)} in {deadline:.0f} s;"
            f" it is {job.get('Stage', 'not to be read')}: {_reason(job)}"
        )

    def _request(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        if self.token:
            arguments["headers"] = {"Authorization": f"Bearer {self.token}"}
        if method == "GET":
            path += "&stale" if "?" in path else "?stale"  # also of a cluster that elects a leader
        try:
            answer = httpx.request(
                method, self.url + path, timeout=REQUEST_TIMEOUT, trust_env=False, verify=_tls(), **arguments
            )
        except httpx.HTTPError as error:
            raise Transient(f"{method} {self.url}{path}: {error or type(error).__name__}") from error
        if answer.status_code >= 500:
            raise Transient(f"{method} {self.url}{path} was answered {answer.status_code}: {answer.text}")
        if answer.status_code >= 400:
            refused = NotThere if answer.status_code == 404 else UdupError
            raise refused(f"{method} {self.url}{path} was refused with {answer.status_code}: {answer.text}")
        return answer


def job_document(
    name: str,
    source: Endpoint,
    target: Endpoint,
    schemas: Sequence[str],
    *,
    gtid: str = "",
    workers: int = 4,
) -> Json:
    """A job as it is posted. With `gtid` nothing is copied and the job starts after that set."""
    return {
        "Name": name,
        "Type": "synchronous",
        "Tasks": [
            _task("Src", source, {"Gtid": gtid, **_schemas(schemas)}),
            _task("Dest", target, {"ParallelWorkers": workers}),
        ],
    }


def subscription_document(name: str, source: Endpoint, schemas: Sequence[str], prefix: str, stream: str) -> Json:
    """A subscription into the node's own JetStream, as it is posted."""
    sink = {"Type": "Dest", "Driver": "NATS", "Config": {"Prefix": prefix, "NatsConfig": {"Stream": stream}}}
    return {"Name": name, "Type": "subscribe", "Tasks": [_task("Src", source, _schemas(schemas)), sink]}


def _schemas(names: Sequence[str]) -> Json:
    return {"ReplicateDoDb": [{"TableSchema": name} for name in names]}


def _task(kind: str, endpoint: Endpoint, config: Json) -> Json:
    connection = {
        "Host": endpoint.host,
        "Port": endpoint.port,
        "User": endpoint.user,
        "Password": endpoint.password,
    }
    if endpoint.tls != PREFERRED:
        tls = {"SslCa": endpoint.tls.ca, "SslCert": endpoint.tls.cert, "SslKey": endpoint.tls.key}
        connection |= {"SslMode": endpoint.tls.mode.value, **{name: path for name, path in tls.items() if path}}
    return {"Type": kind, "Driver": "MySQL", "Config": {**config, "ConnectionConfig": connection}}


def _reason(job: Json) -> str:
    progress = job.get("Progress") or {}
    return str(progress.get("last_error") or job.get("StatusDescription") or "no reason given")
