"""One connection to a NATS server with JetStream, and its errors in Udup's words.

It is not reconnected: a run that loses it begins again at what the stream has. JetStream is asked by its API's own
JSON, which names every setting of a stream; the client's classes lack the newest ones.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError

from udup.base.causes import Cause, reason
from udup.base.errors import ConfigError, Divergence, Fault, Refused, Side, UdupError, Unavailable
from udup.base.tls import is_refusal
from udup.drivers.messages.nats.config import WHERE, NatsSink
from udup.pipeline.checks import DEST
from udup.pipeline.transport.address import connect_options
from udup.pipeline.transport.link import PING_SECONDS, PINGS

#: Seconds to connect, and to wait for an answer.
CONNECT_SECONDS, ANSWER_SECONDS = 3, 10.0

#: What the API says where there is nothing of the kind.
NO_STREAM, NO_MESSAGE = 10059, 10037

#: What it says of a fence that does not fit.
WRONG_SEQUENCE = frozenset({10071, 10164})

#: What it says of a batch that it has ended by itself: nothing came for its 10 s, or a message of it got lost.
BROKEN_BATCH = frozenset({10176, 10208})

#: A message or its headers are larger than the stream takes.
TOO_LARGE = frozenset({10054, 10097})

#: The stream, the account or the server has no room, or JetStream cannot serve now, or is asked too much at once.
PASSING = frozenset({10077, 10047, 10023, 10002, 10008, 10009, 10118, 10167, 10194, 10210, 10211, 10028})

LOST = (NatsError, OSError, TimeoutError, asyncio.TimeoutError)


class ApiError(Exception):
    """What JetStream has answered in place of what was asked for."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{text} ({code})")
        self.code = code

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> ApiError | None:
        """Return the error of an answer, None if it has none."""
        error = answer.get("error")
        return (
            cls(int(error.get("err_code") or error.get("code") or 0), str(error.get("description"))) if error else None
        )


@dataclass(frozen=True)
class Stored:
    """A message as the stream has it."""

    sequence: int
    subject: str
    headers: Mapping[str, str]
    data: bytes
    time: str = ""


@dataclass(frozen=True)
class ServerFound:
    """A sink as a `ServerInfo`."""

    address: str
    uuid: str
    folds_names: bool = False
    version_text: str = ""


class Connection:
    """A connection, and what JetStream is asked over it."""

    def __init__(self, client: Client, where: str, lost: asyncio.Future[None]) -> None:
        self.client = client
        self.where = where
        self.lost = lost

    @classmethod
    async def open(cls, sink: NatsSink, nats_url: str, name: str) -> Connection:
        """Connect to the first server that is there. `Unavailable` if none is, `Refused` if one does not let us in."""
        servers, options = _options(sink, nats_url)
        while True:
            try:
                return await cls._open(sink, servers[0], options, name)
            except Unavailable:
                servers = servers[1:]
                if not servers:
                    raise

    @classmethod
    async def _open(cls, sink: NatsSink, server: str, options: Mapping[str, Any], name: str) -> Connection:
        lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        told: list[Exception] = []

        async def on_error(error: Exception) -> None:
            told[:] = [*told[-3:], error]
            if "permissions violation" in str(error).lower() and not lost.done():
                subjects = ", ".join([*sink.subjects, sink.kept_subject, sink.writer_subject, "$JS.API.>"])
                remedy = f"let the user publish to {subjects}, and subscribe to _INBOX.> and {sink.writer_subject}"
                lost.set_exception(refused(sink.where, str(error), remedy))

        async def on_disconnect() -> None:
            if not lost.done():
                reason = f": {told[-1]}" if told else ""
                lost.set_exception(away(f"the connection to {sink.where} was lost{reason}"))

        client = Client()
        if sink.credentials:
            options = {**options, **_identify(client, sink)}
        try:
            await client.connect(
                server,
                name=name,
                allow_reconnect=False,
                connect_timeout=CONNECT_SECONDS,
                max_reconnect_attempts=1,
                reconnect_time_wait=0.1,
                ping_interval=PING_SECONDS,
                max_outstanding_pings=PINGS,
                disconnected_cb=on_disconnect,
                closed_cb=on_disconnect,
                error_cb=on_error,
                **options,
            )
        except LOST as error:
            lost.cancel()
            wants_certificate = bool(client._server_info.get("tls_verify"))
            raise _not_connected(sink, told[-1] if told else error, wants_certificate) from error
        return cls(client, sink.where, lost)

    @property
    def version(self) -> tuple[int, int]:
        version = self.client.connected_server_version
        return int(version.major), int(version.minor)

    @property
    def max_payload(self) -> int:
        """Return how many bytes a message may have with its headers."""
        return int(self.client.max_payload)

    async def close(self) -> None:
        if not self.lost.cancel() and not self.lost.cancelled():
            self.lost.exception()  # looked at, so that asyncio logs nothing
        try:
            await asyncio.wait_for(self.client.close(), 2)
        except LOST:
            return  # it is gone either way

    def check(self) -> None:
        """Raise what ended the connection, if it has ended."""
        if self.lost.done() and not self.lost.cancelled():
            self.lost.result()
        if self.client.is_closed:
            raise away(f"the connection to {self.where} was lost")

    def put(self, data: bytes) -> None:
        """Send frames of the protocol that were made by hand, at once.

        Past the client's own queue, which would copy them once more and wake a task for each call.
        """
        self.check()
        try:
            self.client._transport.write(data)
        except (*LOST, AttributeError, RuntimeError) as error:
            raise away(f"cannot send to {self.where}: {error or type(error).__name__}") from error

    async def drain(self) -> None:
        """Wait while the line is full."""
        self.check()
        try:
            await self.client._transport.drain()
        except (*LOST, AttributeError, RuntimeError) as error:
            raise away(f"cannot send to {self.where}: {error or type(error).__name__}") from error

    async def ask(self, what: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Ask the API, `STREAM.INFO.name`. `ApiError` for what it refuses, `Unavailable` if nobody answers."""
        self.check()
        try:
            reply = await self._request(f"$JS.API.{what}", json.dumps(body or {}).encode())
        except NoRespondersError as error:
            text = f"the server of {self.where} has no JetStream, or it has not started yet"
            raise away(f"{text}: enable jetstream in its configuration") from error
        except LOST as error:
            reason = str(error) or type(error).__name__
            raise away(f"{self.where} does not answer {what}: {reason}") from error
        heed_cancellation()
        answer: dict[str, Any] = json.loads(reply.data)
        if error_found := ApiError.of(answer):
            raise error_found
        return answer

    async def store(self, subject: str, data: bytes, headers: Mapping[str, str]) -> None:
        """Store one message and wait for it. Raises what keeps the stream from taking it."""
        try:
            await self.publish(subject, data, headers)
        except ApiError as error:
            raise told(error, self.where, "cannot store a message") from error

    async def publish(self, subject: str, data: bytes, headers: Mapping[str, str]) -> int:
        """Store one message; return its number. `ApiError` if the stream does not take it."""
        self.check()
        try:
            reply = await self._request(subject, data, dict(headers))
        except LOST as error:
            raise away(f"{self.where} does not answer: {error or type(error).__name__}") from error
        heed_cancellation()
        answer = json.loads(reply.data)
        if found := ApiError.of(answer):
            raise found
        return int(answer["seq"])

    async def _request(self, subject: str, data: bytes, headers: dict[str, str] | None = None) -> Msg:
        """Ask and return the answer. What ends the connection ends the waiting, as does a subject that is forbidden."""
        asking = asyncio.ensure_future(self.client.request(subject, data, timeout=ANSWER_SECONDS, headers=headers))
        try:
            await asyncio.wait({asking, self.lost}, return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                self.check()
            return await asking
        finally:
            asking.cancel()

    async def message(self, stream: str, sequence: int) -> Stored | None:
        """Return a message of a stream by its number; None if the stream does not have it any more."""
        return await self._message(stream, {"seq": sequence})

    async def last_of(self, stream: str, subject: str) -> Stored | None:
        """Return the last message of a subject."""
        return await self._message(stream, {"last_by_subj": subject})

    async def _message(self, stream: str, which: Mapping[str, Any]) -> Stored | None:
        try:
            found = (await self.ask(f"STREAM.MSG.GET.{stream}", which))["message"]
        except ApiError as error:
            if error.code == NO_MESSAGE:
                return None
            raise told(error, self.where, f"cannot read a message of the stream {stream}") from error
        headers = Client._parse_header_lines(base64.b64decode(found.get("hdrs", "")))
        data = base64.b64decode(found.get("data") or "")
        return Stored(int(found["seq"]), str(found["subject"]), headers, data, str(found.get("time", "")))


def away(text: str) -> Unavailable:
    return Unavailable(text).of(Side.TARGET)


def told(error: ApiError, where: str, doing: str) -> UdupError:
    """Return what an answer of JetStream's means for the job."""
    text = f"{doing}: {where}: {error}"
    if error.code in PASSING:
        return away(f"{text}: make room (nats stream purge), or raise the limit; the job waits for that")
    if error.code == NO_STREAM:
        return (
            Divergence(
                f"{text}: the stream was deleted while the job wrote to it, and the job's position with it. "
                "Stop the job and start it again to deliver from the beginning, or restore the stream"
            )
            .of(Side.TARGET)
            .because(reason(Cause.SINK, {"server": where}))
        )
    if error.code in TOO_LARGE:
        return refused(where, text, "raise max_msg_size of the stream, or set LargeMessages to claim")
    return refused(where, text, "see what the stream allows: nats stream info")


def refused(where: str, problem: str, remedy: str) -> Refused:
    return Refused([Fault(where, problem, remedy, DEST)]).of(Side.TARGET)


def heed_cancellation() -> None:
    """Raise the cancellation that the client may have overheard while it waited for an answer."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _options(sink: NatsSink, nats_url: str) -> tuple[list[str], dict[str, Any]]:
    if not sink.url:
        if not nats_url:
            remedy = "write the Url of a NATS server with JetStream"
            raise Refused([Fault(f"{WHERE}.Url", "the node has no NATS server of its own", remedy, DEST)])
        try:
            server, options = connect_options(nats_url)
            return [server], options
        except ConfigError as error:
            raise away(str(error)) from error
    options = {}
    if sink.user:
        options |= {"user": sink.user, "password": sink.secret()}
    elif sink.password:
        options["token"] = sink.secret()
    if sink.tls:
        try:
            options["tls"] = sink.tls.context()
        except OSError as error:
            problem = f"the files for TLS cannot be used: {error}"
            raise Refused([Fault(f"{WHERE}.SslCa", problem, "correct SslCa, SslCert and SslKey", DEST)]) from error
    return sink.servers, options


def _identify(client: Client, sink: NatsSink) -> dict[str, Any]:
    """Have the client sign with the credentials' key. A user is named since it would not sign without one."""
    found = sink.credentials_found()
    if not found.jwt:
        client._public_nkey = found.public
        return {"user": "by-key", "signature_cb": found.sign}
    return {"user": "by-key", "signature_cb": found.sign, "user_jwt_cb": lambda: found.jwt.encode()}


def _not_connected(sink: NatsSink, error: Exception, wants_certificate: bool) -> UdupError:
    text = str(error) or f"no answer in {CONNECT_SECONDS:.0f} s"
    if wants_certificate and not (sink.tls and sink.tls.cert):
        return refused(sink.where, f"it wants a certificate of its clients: {text}", "give SslCert and SslKey")
    if "authorization" in text.lower():
        remedy = "correct User and Password, or Credentials" if sink.url else "see the node's setting nats.url"
        return refused(sink.where, f"it does not let the job in: {text}", remedy)
    if is_refusal(error):
        return refused(sink.where, f"no TLS with it: {text}", "correct SslCa, or the server's certificate")
    if sink.tls and "expecting INFO" in text:
        text += ", or it wants TLS before it says anything: set its handshake_first to auto"
    remedy = "look at NatsConfig.Url, at the network between this node and it, and that it runs" if sink.url else ""
    return away(f"cannot connect to {sink.where}: {text}" + (f" -- {remedy}" if remedy else ""))
