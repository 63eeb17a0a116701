"""What a job's document says of Kafka (`KafkaConfig`), and what the client library is told by it.

The keys that dtle has too keep dtle's meaning where there is one: `Topic` is the prefix of the topics' names,
`MessageGroupMaxSize` (bytes) and `MessageGroupTimeout` (ms) bound what goes together: here what one transaction holds
of units that wait, and how long a unit waits for others. 1 byte, dtle's own default, is a transaction for each unit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from udup.base.errors import Fault, Refused
from udup.base.files import Unreadable
from udup.base.secrets import Unresolvable, read_password
from udup.base.tls import read_pem
from udup.pipeline.checks import DEST
from udup.pipeline.ports.delivery import DeliveryPlan

#: Where the keys stand, for people.
BLOCK = "KafkaConfig"

PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
COMPRESSIONS = ("lz4", "zstd", "gzip", "snappy", "none")

#: Bytes of the units that one transaction takes, where the job does not say.
GROUP_BYTES = 4 << 20

#: Bytes of a message, key and headers included: what Kafka's brokers take by default, less what a batch adds.
MESSAGE_BYTES = 1_000_000

#: The most that the client library allows.
MESSAGE_BYTES_MAX = 1_000_000_000


#: Characters of a topic's name, by Kafka.
NAME_MAX = 249

_ODD = re.compile(r"[^A-Za-z0-9._-]")


def topic_name(name: str) -> str:
    """Return a name by Kafka's rules."""
    return _ODD.sub("_", name)[:NAME_MAX]


@dataclass(frozen=True)
class KafkaSink:
    """A checked `KafkaConfig`. The password, perhaps a reference, shows in no repr."""

    prefix: str
    brokers: tuple[str, ...]
    topic_per_table: bool = True
    schema_change_topic: str = ""
    protocol: str = "PLAINTEXT"
    mechanism: str = "PLAIN"
    user: str = ""
    password: str = field(default="", repr=False)
    ssl_ca: str = ""
    ssl_cert: str = ""
    ssl_key: str = ""
    compression: str = "lz4"
    group_bytes: int = GROUP_BYTES
    group_seconds: float = 0.0
    partitions: int = -1  # the brokers' default
    replication: int = -1  # the brokers' default
    transactional: bool = True
    create_topics: bool = True
    message_bytes: int = MESSAGE_BYTES

    @property
    def where(self) -> str:
        return ",".join(self.brokers)

    @property
    def position_topic(self) -> str:
        return topic_name(f"{self.prefix}.position")

    @classmethod
    def of(cls, plan: DeliveryPlan) -> KafkaSink:
        """Return what a plan says. `Refused` with every fault of it."""
        reader = _Reader(plan.sink)
        sink = _read(reader, plan)
        reader.faults += _contradictions(sink, plan)
        if reader.faults:
            raise Refused(reader.faults)
        return sink

    def connection(self) -> dict[str, Any]:
        """Return the library's settings of every client. `Refused` if this node has not the password or the files."""
        settings: dict[str, Any] = {
            "bootstrap.servers": self.where,
            "client.id": "udup",
            "security.protocol": self.protocol,
            "socket.keepalive.enable": True,
            "reconnect.backoff.max.ms": 1000,
            "log_level": 0,  # the library would write to the process's stderr; errors come by callbacks
        }
        if self.protocol.startswith("SASL"):
            settings |= {"sasl.mechanism": self.mechanism, "sasl.username": self.user}
            settings["sasl.password"] = _resolved("Password", lambda: read_password(self.password))
        for key, name, path in (
            ("SslCa", "ssl.ca.pem", self.ssl_ca),
            ("SslCert", "ssl.certificate.pem", self.ssl_cert),
            ("SslKey", "ssl.key.pem", self.ssl_key or self.ssl_cert),
        ):
            if path:
                settings[name] = _pem(key, path)
        return settings


def _resolved(key: str, read: Callable[[], str]) -> str:
    try:
        return read()
    except Unresolvable as error:
        remedy = "set the variable for `udup server` and start it again, or put the file there; see docs/security.md"
        raise Refused([fault(key, str(error), remedy)]) from error


def _pem(key: str, path: str) -> str:
    try:
        return read_pem(path).decode("utf-8")
    except (Unreadable, UnicodeDecodeError) as error:
        problem = f"cannot read {path} on this node: {error}"
        raise Refused([fault(key, problem, "put a PEM file there that this node's user can read")]) from error


def fault(key: str, problem: str, remedy: str) -> Fault:
    return Fault(f"{BLOCK}.{key}", problem, remedy, DEST)


class _Reader:
    """Reads keys of a document by their kinds and gathers what is wrong with them."""

    def __init__(self, keys: Mapping[str, Any]) -> None:
        self._keys = keys
        self.faults: list[Fault] = []

    def text(self, key: str, default: str = "") -> str:
        value = self._keys.get(key)
        if value is not None and not isinstance(value, str):
            self.faults.append(fault(key, f"is {value!r}", "write a text"))
            return default
        return value or default

    def word(self, key: str, words: tuple[str, ...], default: str) -> str:
        """Return one of the words, written in any case."""
        value = self.text(key)
        found = next((word for word in words if word.lower() == value.lower()), "")
        if value and not found:
            self.faults.append(fault(key, f"is {value!r}", f"write one of {', '.join(words)}, or leave it out"))
        return found or default

    def truth(self, key: str, default: bool) -> bool:
        value = self._keys.get(key)
        if value is not None and not isinstance(value, bool):
            self.faults.append(fault(key, f"is {value!r}", "write true or false"))
            return default
        return default if value is None else value

    def number(self, key: str, most: int, default: int) -> int:
        """Return a whole number from 1 up; 0 is the default."""
        value = self._keys.get(key)
        if value is None:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
            self.faults.append(fault(key, f"is {value!r}", f"write a whole number up to {most}; 0 is the default"))
            return default
        return value or default

    def brokers(self, key: str) -> tuple[str, ...]:
        """Return addresses, which are a list or one text with commas."""
        value = self._keys.get(key) or ()
        parts = value.split(",") if isinstance(value, str) else value
        if not isinstance(parts, (list, tuple)) or not all(isinstance(part, str) for part in parts):
            self.faults.append(fault(key, f"is {value!r}", 'write a list of addresses: ["127.0.0.1:9092"]'))
            return ()
        found = tuple(part.strip() for part in parts if part.strip())
        if not found:
            self.faults.append(fault(key, "names no broker", 'write addresses: ["127.0.0.1:9092"]'))
        for part in found:
            port = part.rpartition(":")[2]
            if ":" in part and not (port.isascii() and port.isdecimal() and 0 < int(port) < 65536):
                self.faults.append(fault(key, f"has {part!r}", "write HOST:PORT; Kafka's port is 9092"))
        return found


def _read(reader: _Reader, plan: DeliveryPlan) -> KafkaSink:
    user = reader.text("User")
    ca, cert, key = (reader.text(name) for name in ("SslCa", "SslCert", "SslKey"))
    implied = ("SASL_" if user else "") + ("SSL" if ca or cert else "PLAINTEXT")
    return KafkaSink(
        prefix=plan.prefix or reader.text("Topic"),
        brokers=reader.brokers("Brokers"),
        topic_per_table=reader.truth("TopicWithSchemaTable", True),
        schema_change_topic=reader.text("SchemaChangeTopic"),
        protocol=reader.word("SecurityProtocol", PROTOCOLS, implied),
        mechanism=reader.word("SaslMechanism", MECHANISMS, "PLAIN"),
        user=user,
        password=reader.text("Password"),
        ssl_ca=ca,
        ssl_cert=cert,
        ssl_key=key,
        compression=reader.word("Compression", COMPRESSIONS, "lz4"),
        group_bytes=reader.number("MessageGroupMaxSize", 1 << 30, GROUP_BYTES),
        group_seconds=reader.number("MessageGroupTimeout", 10_000, 0) / 1000,
        partitions=reader.number("Partitions", 10_000, -1),
        replication=reader.number("ReplicationFactor", 100, -1),
        transactional=reader.truth("Transactional", True),
        create_topics=reader.truth("CreateTopics", True),
        message_bytes=reader.number("MaxMessageBytes", MESSAGE_BYTES_MAX, MESSAGE_BYTES),
    )


def _contradictions(sink: KafkaSink, plan: DeliveryPlan) -> list[Fault]:
    """Return what is wrong with the keys together."""
    found: list[Fault] = []
    topic = plan.sink.get("Topic") or sink.prefix
    if not sink.prefix:
        found.append(fault("Topic", "is empty", "write what the topics' names begin with, here or as Prefix"))
    elif topic != sink.prefix:
        found.append(fault("Topic", f"is {topic!r}, and Prefix {sink.prefix!r}", "both mean the same: leave one out"))
    if sink.protocol.startswith("SASL") and not sink.user:
        found.append(fault("User", f"is empty with SecurityProtocol {sink.protocol}", "write User and Password"))
    if sink.user and not sink.protocol.startswith("SASL"):
        found.append(
            fault("SecurityProtocol", f"is {sink.protocol}, which uses no User", f"write SASL_{sink.protocol}")
        )
    if (sink.ssl_ca or sink.ssl_cert) and "SSL" not in sink.protocol:
        found.append(fault("SecurityProtocol", f"is {sink.protocol}, which uses no SslCa", "write one with SSL"))
    if sink.ssl_key and not sink.ssl_cert:
        found.append(fault("SslKey", "is the key of SslCert, which is not given", "give both, or neither"))
    if plan.large_messages == "claim":
        remedy = "Kafka has no object store: write skip-values (the longest values are left out), or fail"
        found.append(Fault("LargeMessages", "is 'claim', which needs JetStream", remedy, DEST))
    return found
