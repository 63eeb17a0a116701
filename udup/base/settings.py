"""What can be set on a node: every setting with its kind, its default and what it may be. Read by `config.py`."""

from __future__ import annotations

import ipaddress
import re
import socket
from pathlib import Path
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr
from pydantic_core import PydanticCustomError

#: 0 lets the system choose a free port.
Port = Annotated[int, Field(ge=0, le=65535)]
Name = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\s/\\]+$")]


#: Characters of an API token at least: 16 of them out of 62 are 95 bits.
TOKEN_MIN = 16

#: Characters of a cluster's secret at least.
SECRET_MIN = 16

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def refused(problem: str) -> PydanticCustomError:
    """A setting that is not accepted, with the reason."""
    return PydanticCustomError("refused", "{problem}", {"problem": problem})


def _address(address: str) -> str:
    """An IP address; whether it may be other than loopback depends on the token."""
    text = "127.0.0.1" if address == "localhost" else address
    try:
        ipaddress.ip_address(text)
    except ValueError as error:
        raise refused(f"must be an IP address of this machine, such as 127.0.0.1 or ::1, got {address!r}") from error
    return text


def _token(token: SecretStr) -> SecretStr:
    """Never shown, not even when it is refused."""
    text = token.get_secret_value()
    if text and (len(text) < TOKEN_MIN or not re.fullmatch(r"[!-~]+", text)):
        raise refused(f"must be at least {TOKEN_MIN} visible ASCII characters without spaces; `openssl rand -hex 32`")
    return token


def _headers(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or not re.fullmatch(r"[\t -~]*", value):
            raise refused(f"{name!r} and its value must be a header's name and text of ASCII characters in one line")
    return headers


def _nats_url(url: str) -> str:
    if url:
        try:
            parts = urlsplit(url)
            usable = parts.scheme in ("nats", "tls") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable:
            problem = "must be nats://host:port or tls://host:port, or empty for the built-in NATS server"
            raise refused(problem)
    return url


class Section(BaseModel):
    """Frozen, strict about types, and no key but the known ones."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, strict=True, extra="forbid", hide_input_in_errors=True, validate_default=True
    )


class Ports(Section):
    """Where the node listens."""

    http: Port = 8190
    nats: Port = 8193
    #: Of a cluster: where managers are reached by agents, and by each other.
    leaf: Port = 8191
    cluster: Port = 8192


class Nats(Section):
    """The data plane."""

    #: An existing NATS server with JetStream to use instead of the built-in one. May hold a password.
    url: Annotated[str, AfterValidator(_nats_url)] = Field(default="", repr=False)
    #: Megabytes of a job's messages that may be under way before the source has to wait.
    max_buffer_mb: Annotated[int, Field(ge=1, le=1 << 20)] = 64
    #: For `url` alone, paths of files: NATS credentials (JWT and seed); PEM files of the authority that signed the
    #: server's certificate, of our certificate, and of its key.
    creds: str = ""
    tls_ca: str = ""
    tls_cert: str = ""
    tls_key: str = ""


def _listen(address: str) -> str:
    """An IP address and a port; whether it may be other than loopback depends on the certificate."""
    if address:
        host, _, port = address.rpartition(":")
        try:
            ip = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
            usable = port.isascii() and port.isdecimal() and 0 < int(port) <= 65535
            usable = usable and (ip.version == 4 or host.startswith("["))
        except ValueError:
            usable = False
        if not usable:
            raise refused(f"must be IP:port, such as 0.0.0.0:8194 or [::1]:8194, or empty for none, got {address!r}")
    return address


class Consumers(Section):
    """The second door of the built-in NATS server: WebSocket, for consumers of other machines."""

    #: `IP:port`; empty: none, so that consumers connect on this machine alone, to `ports.nats`.
    listen: Annotated[str, AfterValidator(_listen)] = ""
    #: Paths of PEM files: the certificate, with those that signed it, and its key.
    tls_cert: str = ""
    tls_key: str = ""

    @property
    def host(self) -> str:
        """Return the IP address of `listen`."""
        return self.listen.rpartition(":")[0].removeprefix("[").removesuffix("]")

    @property
    def port(self) -> int:
        """Return the port of `listen`, 0 if there is none."""
        return int(self.listen.rpartition(":")[2] or 0)


def _host(address: str) -> str:
    if address and not re.fullmatch(r"[A-Za-z0-9._-]+|[0-9a-fA-F:]*:[0-9a-fA-F:.]*", address):
        raise refused(f"must be the host name or the IP address alone, such as 10.0.0.1, got {address!r}")
    return address


def _secret(secret: SecretStr) -> SecretStr:
    """Never shown, not even when it is refused."""
    text = secret.get_secret_value()
    if text and (len(text) < SECRET_MIN or not text.isprintable()):
        raise refused(f"must be at least {SECRET_MIN} characters in one line; `udup cluster init` makes one")
    return secret


class Cluster(Section):
    """What this node is to other nodes; what these settings must be together is in `cluster_settings.py`."""

    #: Empty: nothing, the node is alone.
    role: Literal["", "manager", "agent", "witness"] = ""
    #: The managers, each as `host` or `host:port`; of a manager the others, or all of them.
    join: list[str] = []
    #: The same on all nodes: what the cluster is called, and the secret by which nodes let each other in.
    name: Name = "udup"
    secret: Annotated[SecretStr, AfterValidator(_secret)] = SecretStr("")
    #: The IP address on which a manager listens for other nodes; empty: `bind_addr`.
    bind_addr: Annotated[str, AfterValidator(lambda address: _address(address) if address else "")] = ""
    #: The host name or IP address under which other nodes reach this one; empty: the address that it listens on.
    advertise: Annotated[str, AfterValidator(_host)] = ""
    #: The streams that this node's own JetStream had alone may stay behind when it becomes one of several managers.
    leave_streams: bool = False
    #: Seconds for jobs to reach a transaction boundary when this node is stopped; then their runs are broken off.
    leave_s: Annotated[int, Field(ge=1, le=600)] = 4
    #: Paths of PEM files: the cluster's authority, this node's certificate, and its key.
    tls_ca: str = ""
    tls_cert: str = ""
    tls_key: str = ""


class Log(Section):
    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"


class Node(Section):
    #: What the node is called; the host name by default.
    name: Name = Field(default_factory=lambda: socket.gethostname() or "udup")


class Api(Section):
    """Who may use the REST API."""

    #: What every request must bring as `Authorization: Bearer …`; empty: nothing, and only from this machine.
    token: Annotated[SecretStr, AfterValidator(_token)] = SecretStr("")
    #: A second token, besides `token`: who brings it sees everything and changes nothing. Empty: there is none.
    read_token: Annotated[SecretStr, AfterValidator(_token)] = SecretStr("")
    #: Host names, besides loopback's, that requests may be addressed to while there is no token.
    hosts: list[str] = []


class Console(Section):
    """What people are shown of jobs."""

    #: A job is said to lag that is farther behind than this, in seconds, for so many seconds.
    lag_s: Annotated[int, Field(ge=1, le=86_400)] = 30
    lag_for_s: Annotated[int, Field(ge=1, le=86_400)] = 60
    #: Whether values of rows are shown where two servers differ; else which columns do, and no more.
    show_values: bool = True


class Secrets(Section):
    """How passwords are kept, and from where jobs may take them."""

    #: Seals the passwords in the job store: 32 bytes in base64. Empty: the file secret.key in `data_dir`.
    key: SecretStr = SecretStr("")
    #: The folder whose files a job may name as `file:PATH`; empty: none.
    files_dir: Annotated[str, AfterValidator(lambda path: str(Path(path).absolute()) if path else "")] = ""
    #: The folder whose files a job may name as SslCa, SslCert and SslKey; empty: any regular file.
    tls_dir: Annotated[str, AfterValidator(lambda path: str(Path(path).absolute()) if path else "")] = ""


class Jobs(Section):
    """Limits of what is carried out, and what it costs."""

    #: Jobs that there may be at a time; each has its own processes and connections while it runs.
    max: Annotated[int, Field(ge=1, le=100_000)] = 500
    #: Jobs whose extractors, or appliers, may share a process: 1, each has its own.
    share_processes: Annotated[int, Field(ge=1, le=64)] = 1
    #: Whether jobs of one source that share a process read its log by one dump.
    share_dumps: bool = False

    #: Whether Linux may merge what the processes have alike in memory (KSM); it has to be switched on there as well.
    merge_memory: bool = False


class Http(Section):
    """Limits of the REST API, and what its answers carry."""

    #: Bytes of a request's body; a job of 10,000 tables has about 400 kB.
    max_body_bytes: Annotated[int, Field(ge=1024, le=64 << 20)] = 1 << 20
    #: Requests worked on at a time.
    threads: Annotated[int, Field(ge=1, le=64)] = 8
    #: Bytes of a request's line and headers together; a longer one is answered 431. Browsers' longest are 8 kB.
    max_header_bytes: Annotated[int, Field(ge=1024, le=1 << 20)] = 1 << 15
    #: Connections at a time, those of waiting requests among them; a further one takes the place of an idle one.
    connections: Annotated[int, Field(ge=8, le=10_000)] = 256
    #: Seconds that a client may stay silent within a request, or idle between two.
    idle_timeout_s: Annotated[int, Field(ge=1, le=3600)] = 120
    #: Seconds for a request's line and headers to arrive as a whole.
    header_timeout_s: Annotated[int, Field(ge=1, le=600)] = 10
    #: Headers that every answer has besides its own.
    response_headers: Annotated[dict[str, str], AfterValidator(_headers)] = {}


class Retry(Section):
    """How often a job that failed is begun again, and how long it waits at most in between.

    What time heals, as a server that is away, is waited for without end, with pauses of 15 s at most.
    """

    attempts: Annotated[int, Field(ge=0, le=1_000_000)] = 20
    #: Seconds; the wait doubles from 0.2 s up to this.
    backoff_max_s: Annotated[int, Field(ge=1, le=3600)] = 15


class Settings(Section):
    """All settings of a node, complete and checked."""

    bind_addr: Annotated[str, AfterValidator(_address)] = "127.0.0.1"
    #: Absolute; relative paths count from the working directory.
    data_dir: Annotated[str, Field(min_length=1), AfterValidator(lambda path: str(Path(path).absolute()))] = "data"
    region: Name = "global"
    datacenter: Name = "dc1"
    ports: Ports = Ports()
    nats: Nats = Nats()
    consumers: Consumers = Consumers()
    cluster: Cluster = Cluster()
    log: Log = Log()
    node: Node = Field(default_factory=Node)
    api: Api = Api()
    http: Http = Http()
    console: Console = Console()
    jobs: Jobs = Jobs()
    secrets: Secrets = Secrets()
    retry: Retry = Retry()

    @property
    def data_path(self) -> Path:
        return Path(self.data_dir)
