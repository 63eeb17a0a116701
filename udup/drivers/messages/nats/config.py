"""What a job's document says about its JetStream: the keys of `NatsConfig`, with every fault of them at once."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from udup.base.errors import Fault, Refused
from udup.base.files import Unreadable, inside, read_regular
from udup.base.secrets import FILES_DIR_VARIABLE, Unresolvable, read_password
from udup.base.tls import SslMode, Tls
from udup.pipeline.checks import DEST
from udup.pipeline.ports.delivery import DeliveryPlan
from udup.pipeline.transport.address import CREDENTIALS_BYTES, DEFAULT_PORT, shown
from udup.pipeline.transport.credentials import Credentials

#: Where the keys are in a document, for faults.
WHERE = "NatsConfig"

KEYS = frozenset(
    {"Url", "Stream", "Replicas", "Storage", "MaxAge", "MaxBytes", "Discard", "Compression"}
    | {"User", "Password", "Credentials", "SslCa", "SslCert", "SslKey"}
)

#: Bytes that a stream holds at least that removes its oldest messages: the last position must stay.
OLD_BYTES_MIN = 64 << 20

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_BYTES = {"": 1, "B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}

_STREAM_NAME = re.compile(r"[A-Za-z0-9_-]{1,200}")

#: A topic's prefix becomes the first tokens of subjects.
_PREFIX = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


@dataclass(frozen=True)
class NatsSink:
    """A JetStream stream and how it is reached. `url` is "" for the node's own server, or has commas for a cluster's.

    `max_age` is in seconds and `max_bytes` in bytes, 0 for no limit. `said`: the keys that the document has; what it
    does not say stays as it is in a stream that exists. Nothing is compressed unless it is asked for: s2 leaves a third
    of texts on the disk, and costs the server 2 to 6 µs a message beside 8 to 11, which are the limit of the way.
    """

    prefix: str
    stream: str
    url: str = ""
    replicas: int = 1
    storage: str = "file"
    max_age: int = 0
    max_bytes: int = 0
    discard: str = "old"
    compression: str = "none"
    user: str = ""
    password: str = field(default="", repr=False)
    credentials: str = ""
    tls: Tls | None = None
    said: frozenset[str] = frozenset()

    @classmethod
    def of(cls, plan: DeliveryPlan) -> NatsSink:
        """Return what the plan says; `Refused` with every fault of it."""
        reader = _Reader(plan.sink)
        if not _PREFIX.fullmatch(plan.prefix):
            reader.fault("Prefix", plan.prefix, "is no prefix of subjects", "use letters, digits, '_', '-' and '.'")
        default = "UDUP_" + re.sub(r"[^A-Za-z0-9_-]", "_", plan.prefix)
        stream = reader.text("Stream") or default
        if not _STREAM_NAME.fullmatch(stream):
            reader.fault("Stream", stream, "is no name of a stream", "use letters, digits, '_' and '-'")
        sink = cls(
            prefix=plan.prefix,
            stream=stream,
            url=reader.url(),
            replicas=reader.number("Replicas", 1, 5) or 1,
            storage=reader.one_of("Storage", "file", "memory"),
            max_age=reader.measured("MaxAge", _seconds, "7d, 12h or 30m"),
            max_bytes=reader.measured("MaxBytes", _bytes, "10GB or 500MB"),
            discard=reader.one_of("Discard", "old", "new"),
            compression=reader.one_of("Compression", "none", "s2"),
            user=reader.text("User"),
            password=reader.text("Password"),
            credentials=reader.text("Credentials"),
            tls=reader.tls(),
            said=frozenset(key for key, value in plan.sink.items() if value not in ("", 0, None)),
        )
        reader.faults += list(sink._contradictions())
        if reader.faults:
            raise Refused(reader.faults)
        return sink

    @property
    def where(self) -> str:
        """Return where it is, for people."""
        if not self.url:
            return f"stream {self.stream} of the node's NATS"
        return f"stream {self.stream} at {', '.join(map(shown, self.servers))}"

    @property
    def servers(self) -> list[str]:
        """Return the URLs of a cluster's servers."""
        return self.url.split(",") if self.url else []

    @property
    def position_subject(self) -> str:
        return f"__udup-position.{self.prefix}"

    @property
    def kept_stream(self) -> str:
        """Return the name of the small stream that keeps the job's place."""
        return f"{self.stream}_POSITION"

    @property
    def kept_subject(self) -> str:
        return f"__udup-kept.{self.prefix}"

    @property
    def writer_subject(self) -> str:
        """Return where a run says that it lives; no stream has it."""
        return f"udup.writer.{self.stream}"

    @property
    def subjects(self) -> list[str]:
        """Return all subjects that messages of the job have."""
        return [self.prefix, f"{self.prefix}.>", f"__debezium-heartbeat.{self.prefix}", self.position_subject]

    def secret(self) -> str:
        """Return the password, read where it refers to; `Refused` if there is none."""
        try:
            return read_password(self.password)
        except Unresolvable as error:
            raise Refused([Fault(f"{WHERE}.Password", str(error), "correct the reference", DEST)]) from error

    def credentials_found(self) -> Credentials:
        """Return what the file of credentials holds; `Refused` if it cannot be read or used."""
        folder = os.environ.get(FILES_DIR_VARIABLE, "")
        path = inside(folder, self.credentials.removeprefix("file:")) if folder else ""
        try:
            if not path:
                raise Unreadable("it is not in the server's folder for such files, secrets.files_dir")
            return Credentials.of(read_regular(path, CREDENTIALS_BYTES).decode())
        except (Unreadable, ValueError) as error:
            problem = f"the file {self.credentials!r} cannot be used on this node: {error}"
            remedy = "put the file into that folder, and name it by its name there"
            raise Refused([Fault(f"{WHERE}.Credentials", problem, remedy, DEST)]) from error

    def _contradictions(self) -> Iterator[Fault]:
        account = self.user or self.password or self.credentials or self.tls
        if account and not self.url:
            yield Fault(
                f"{WHERE}.Url",
                "User, Password, Credentials and the Ssl keys are not used with the node's own NATS",
                "write the Url of the NATS server that they are for, or remove them",
                DEST,
            )
        if self.discard == "old" and 0 < self.max_bytes < OLD_BYTES_MIN:
            problem = f"{self.max_bytes} bytes may hold less than what is under way, and the position is in it"
            yield Fault(f"{WHERE}.MaxBytes", problem, "write 64MB or more, or Discard new", DEST)
        if self.credentials and (self.user or self.password):
            yield Fault(f"{WHERE}.Credentials", "there is a User or Password too", "write one of them", DEST)
        for key, problem in self.tls.file_faults() if self.tls else ():
            yield Fault(f"{WHERE}.{key}", problem, "correct the path, or put the file there", DEST)


class _Reader:
    """Reads keys and collects what is wrong with them."""

    def __init__(self, keys: Mapping[str, Any]) -> None:
        self._keys = keys
        self.faults: list[Fault] = []
        for key in sorted(set(keys) - KEYS):
            self.fault(key, keys[key], "is not known", "the keys are " + ", ".join(sorted(KEYS)))

    def fault(self, key: str, value: object, problem: str, remedy: str) -> None:
        said = "" if key == "Password" else f"{value!r} "
        self.faults.append(Fault(key if key == "Prefix" else f"{WHERE}.{key}", said + problem, remedy, DEST))

    def text(self, key: str) -> str:
        value = self._keys.get(key) or ""
        if isinstance(value, str):
            return value
        self.fault(key, value, "is no text", "write it in quotation marks")
        return ""

    def one_of(self, key: str, *words: str) -> str:
        value = self.text(key).lower() or words[0]
        if value not in words:
            self.fault(key, value, "is not known", "write " + " or ".join(words))
        return value

    def number(self, key: str, least: int, most: int) -> int:
        value = self._keys.get(key) or 0
        if not isinstance(value, int) or isinstance(value, bool) or (value and not least <= value <= most):
            self.fault(key, value, "is not possible", f"write a number from {least} to {most}")
            return 0
        return value

    def measured(self, key: str, parse: Callable[[str], int], examples: str) -> int:
        value = self._keys.get(key) or ""
        try:
            return parse(str(value)) if value else 0
        except ValueError:
            self.fault(key, value, "is not understood", f"write it as {examples}")
            return 0

    def url(self) -> str:
        """Return the URLs with their ports. Who connects is said by keys, so that no secret is shown with them."""
        text = self.text("Url")
        return ",".join(self._one_url(each.strip()) for each in text.split(",")) if text else ""

    def _one_url(self, text: str) -> str:
        url = text if "://" in text or not text else f"nats://{text}"
        try:
            parts = urlsplit(url)
            port = parts.port or DEFAULT_PORT
        except ValueError:
            self.faults.append(Fault(f"{WHERE}.Url", "it is no URL", "write it as nats://host:4222", DEST))
            return ""
        if "@" in text:
            self.faults.append(
                Fault(f"{WHERE}.Url", "the URL names a user", "write it as the keys User and Password", DEST)
            )
            return ""
        if url and (parts.scheme not in ("nats", "tls") or not parts.hostname):
            self.fault("Url", text, "is no URL of a NATS server", "write it as nats://host:4222 or tls://host:4222")
        elif parts.query or parts.path.strip("/"):
            self.fault("Url", text, "has more than host and port", "write it as nats://host:4222")
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return f"{parts.scheme}://{host}:{port}" if url else ""

    def tls(self) -> Tls | None:
        files = [self.text(key) for key in ("SslCa", "SslCert", "SslKey")]
        wanted = any(files) or self.text("Url").startswith("tls://")
        if files[2] and not files[1]:
            self.fault("SslKey", files[2], "is the key of SslCert, which is not given", "give both, or neither")
        return Tls(SslMode.VERIFY_IDENTITY, *files) if wanted else None


def _seconds(text: str) -> int:
    """Return seconds of `7d`, `1h30m`, `45s`."""
    parts = re.findall(r"(\d+)([a-z]+)", text.strip().lower())
    if not parts or "".join(number + unit for number, unit in parts) != text.strip().lower():
        raise ValueError(text)
    try:
        return sum(int(number) * _SECONDS[unit] for number, unit in parts)
    except KeyError as error:
        raise ValueError(text) from error


def _bytes(text: str) -> int:
    """Return bytes of `10GB`, `500MiB`, `1048576`; a kilobyte has 1024."""
    found = re.fullmatch(r"(\d+)\s*([A-Za-z]*)", text.strip())
    unit = found[2].upper().replace("IB", "B") if found else ""
    unit = unit + "B" if unit in ("K", "M", "G", "T") else unit
    if not found or unit not in _BYTES:
        raise ValueError(text)
    return int(found[1]) * _BYTES[unit]
