"""The REST API over HTTP, as the commands use it: one connection, time limits, and errors that say what to do.

A GET is sent again after a connection that broke, or an answer of 503, which the server gives while it starts; it
changes nothing. A write is sent once: whether it was carried out when its answer got lost, only the user can decide.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote

import click
import httpx

from udup.base.errors import Fault
from udup.base.ids import job_path as job_path
from udup.cli.commands import CommandError, ExitCode
from udup.cli.where import OWN_FILE, Where

#: Seconds for a connection, and for an answer: the server itself gives up on the slowest question after some 30.
CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 60.0

#: Seconds without a word of a stream, which has a sign of life every five.
SILENCE_SECONDS = 20.0

#: Further tries of a GET, and the pause before each, in seconds.
RETRIES = 3
RETRY_SECONDS = 0.5

JOB_HEADER, LEADER_HEADER, CONTACT_HEADER = "X-Udup-Job-Id", "X-Udup-KnownLeader", "X-Udup-LastContact"

#: Milliseconds from which on an answer is old, and those of a node that has not heard the leader since its start.
OLD_MS, NEVER_MS = 3000, (1 << 31) - 1


class Unreachable(CommandError):
    """No Udup server answered."""

    def __init__(self, text: str) -> None:
        super().__init__(text, ExitCode.UNREACHABLE)


class Answered(CommandError):
    """The server said no. `text` is its answer, `faults` what it lists one by one."""

    def __init__(self, request: str, status: int, text: str, faults: list[Fault]) -> None:
        self.status, self.text, self.faults = status, text, faults
        super().__init__(_told(request, status, text, faults))


class Api:
    """Requests to one server. Answers are JSON values as they came."""

    def __init__(self, where: Where) -> None:
        self.where = where
        self._told_age = False
        headers = {"Accept": "application/json", "User-Agent": "udup"}
        if where.token:
            headers["Authorization"] = f"Bearer {where.token}"
        self._client = httpx.Client(
            base_url=where.address,
            headers=headers,
            auth=where.basic if where.basic and not where.token else None,
            params={"region": where.region} if where.region else {},
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            verify=where.address.startswith("https:") and _trust(where.ca_file),
            trust_env=False,
        )

    def close(self) -> None:
        self._client.close()

    def get(self, path: str, **params: str | list[str]) -> Any:
        """A JSON value."""
        return self._json(self._get(path, params))

    def text(self, path: str) -> str:
        """An answer that is no JSON."""
        return self._get(path, {}).text

    def stream(self, path: str, params: dict[str, str], last_event_id: str) -> Iterator[str]:
        """Yield the lines of a stream as they come, until it ends; from behind an event, if one is named."""
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last_event_id} if last_event_id else {})
        silence = httpx.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS)
        try:
            with self._client.stream("GET", path, params=params, headers=headers, timeout=silence) as answer:
                if not answer.is_success:
                    answer.read()
                self._checked(answer)
                yield from _lines(answer.iter_bytes())
        except (httpx.RemoteProtocolError, httpx.ReadError) as error:
            raise _Broken(f"GET {self._url(path)}: the connection broke ({_reason(error)})") from error
        except httpx.TransportError as error:
            raise self._nobody(error) from error

    def send(self, method: str, path: str, body: Any = None, **params: str | list[str]) -> Any:
        """A write's JSON answer, None for an empty one."""
        answer = self._checked(self._once(method, path, params, body))
        return self._json(answer) if answer.content else None

    def register(self, body: Any, *, check: bool = True) -> tuple[str, Any]:
        """Post a job: the ID that it has now, and the answer. `check`: a running job's servers are asked first."""
        answer = self._checked(self._once("PUT", "/v1/jobs", {} if check else {"check": "false"}, body))
        return unquote(answer.headers.get(JOB_HEADER, "")), self._json(answer)

    def _get(self, path: str, params: Mapping[str, str | list[str]]) -> httpx.Response:
        """What a node knew last is better than nothing for people: they are told how old it is."""
        params = {"stale": "true", **params}
        for tries_left in reversed(range(RETRIES + 1)):
            try:
                answer = self._once("GET", path, params)
            except _Broken:
                if not tries_left:
                    raise
            else:
                if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE or not tries_left:
                    self._tell_age(answer)
                    return self._checked(answer)
            time.sleep(RETRY_SECONDS)
        raise AssertionError("unreachable")

    def _tell_age(self, answer: httpx.Response) -> None:
        """Say once on standard error that an answer may be old."""
        age = answer.headers.get(CONTACT_HEADER, "")
        if not self._told_age and answer.headers.get(LEADER_HEADER) == "false" and int(age or 0) >= OLD_MS:
            self._told_age = True
            since = f"{int(age) // 1000} s ago" if int(age) < NEVER_MS else "before it was started"
            click.echo(f"The cluster has no leader: this is what the node knew {since}.", err=True)

    def _once(self, method: str, path: str, params: Any, body: Any = None) -> httpx.Response:
        path, _, query = path.partition("?")
        try:
            return self._client.request(method, path, params={**dict(parse_qsl(query)), **params}, json=body)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError) as error:
            raise _Broken(f"{method} {self._url(path)}: the connection broke ({_reason(error)})") from error
        except httpx.TimeoutException as error:
            if isinstance(error, httpx.ConnectTimeout):
                raise self._nobody(error) from error
            raise Unreachable(f"{method} {self._url(path)}: no answer in {ANSWER_SECONDS:.0f} s") from error
        except httpx.TransportError as error:
            raise self._nobody(error) from error

    def _nobody(self, error: Exception) -> Unreachable:
        named = f" (from {self.where.origin})" if self.where.origin else ""
        return Unreachable(
            f"no Udup server answers at {self.where.address}{named}: {_reason(error)}\n"
            "Start one with `udup server`, or name its address with --address or UDUP_ADDR."
        )

    def _checked(self, answer: httpx.Response) -> httpx.Response:
        if answer.is_success:
            return answer
        request = f"{answer.request.method} {self._url(answer.request.url.path)}"
        text, faults = answer.text.strip(), []
        body = _json_or_none(answer)
        if isinstance(body, dict) and "error" in body:
            text = str(body["error"])
            details = body.get("details") or []
            faults = [Fault(str(d.get("field", "")), str(d.get("problem", ""))) for d in details if isinstance(d, dict)]
        raise Answered(request, answer.status_code, text, faults)

    def _json(self, answer: httpx.Response) -> Any:
        value = _json_or_none(answer)
        if value is None and answer.text.strip() != "null":
            raise CommandError(f"{self._url(answer.request.url.path)} did not answer JSON; is a Udup server there?")
        return value

    def _url(self, path: str) -> str:
        return self.where.address + path


class _Broken(Unreachable):
    """A connection that ended before its answer; worth another try of what changes nothing."""


def _told(request: str, status: int, text: str, faults: list[Fault]) -> str:
    """The answer as the user reads it, every fault on a line of its own."""
    if status == httpx.codes.UNAUTHORIZED:
        return f"{request}: {text}\nName the token with --token-file, UDUP_TOKEN or ~/{OWN_FILE}."
    if len(faults) > 1 and status != httpx.codes.CONFLICT:  # whose text tells the faults and what became of the job
        lines = [f"  {fault}" for fault in faults]
        return "\n".join([f"{request} was refused ({status}), {len(faults)} faults:", *lines])
    return f"{request} was refused ({status}): {text}"


def _json_or_none(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None


def _lines(pieces: Iterable[bytes]) -> Iterator[str]:
    """Yield the lines of a stream, which end at a line feed alone: a text in them may hold other ends of lines."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield from (line.decode("utf-8", "replace").removesuffix("\r") for line in whole)


def _trust(ca_file: str) -> Any:
    """What https is checked against: a file of certificates, or the usual ones."""
    if not ca_file:
        return True
    import ssl

    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise CommandError(f"cannot use the certificates in {ca_file}: {error}") from error


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
