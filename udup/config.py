"""The server's settings: the defaults here, overruled by a TOML file, that by the environment, that by flags.

A setting is named by its path in the file, `ports.http`; its variable is `UDUP_PORTS_HTTP`. Everything that is wrong is
told at once, with where it came from. An unknown key in the file is fatal, since a misspelt setting that is silently
ignored is found too late. Unknown `UDUP_…` variables are not: container platforms and clients set some of their own.
"""

from __future__ import annotations

import ipaddress
import socket
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from udup.errors import ConfigError

ENVIRONMENT_PREFIX = "UDUP_"

#: 0 lets the system choose a free port.
Port = Annotated[int, Field(ge=0, le=65535)]
Name = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\s/\\]+$")]


def _loopback(address: str) -> str:
    """A loopback IP address; everything else is refused as long as the API asks nobody who they are."""
    text = "127.0.0.1" if address == "localhost" else address
    try:
        loopback = ipaddress.ip_address(text).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        problem = (
            f"{address!r} is refused: the API has no authentication yet, so it listens on loopback only; "
            "use 127.0.0.1 or ::1, and a proxy that authenticates in front of it for access from elsewhere"
        )
        raise PydanticCustomError("refused", "{problem}", {"problem": problem})
    return text


def _nats_url(url: str) -> str:
    if url:
        try:
            parts = urlsplit(url)
            usable = parts.scheme in ("nats", "tls") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable:
            problem = "must be nats://host:port or tls://host:port, or empty for the built-in NATS server"
            raise PydanticCustomError("refused", "{problem}", {"problem": problem})
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


class Nats(Section):
    """The data plane."""

    #: An existing NATS server with JetStream to use instead of the built-in one. May hold a password.
    url: Annotated[str, AfterValidator(_nats_url)] = Field(default="", repr=False)
    #: Megabytes of a job's messages that may be under way before the source has to wait.
    max_buffer_mb: Annotated[int, Field(ge=1, le=1 << 20)] = 64


class Log(Section):
    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"


class Node(Section):
    #: What the node is called; the host name by default.
    name: Name = Field(default_factory=lambda: socket.gethostname() or "udup")


class Http(Section):
    """Limits of the REST API."""

    #: Bytes of a request's body; a job of 10,000 tables has about 400 kB.
    max_body_bytes: Annotated[int, Field(ge=1024, le=64 << 20)] = 1 << 20
    #: Requests worked on at a time.
    threads: Annotated[int, Field(ge=1, le=64)] = 8


class Retry(Section):
    """How often a job that lost a connection is started again, and how long it waits at most in between."""

    attempts: Annotated[int, Field(ge=0, le=1_000_000)] = 20
    #: Seconds; the wait doubles from 1 s up to this.
    backoff_max_s: Annotated[int, Field(ge=1, le=3600)] = 15


class Settings(Section):
    """All settings of a node, complete and checked."""

    bind_addr: Annotated[str, AfterValidator(_loopback)] = "127.0.0.1"
    #: Absolute; relative paths count from the working directory.
    data_dir: Annotated[str, Field(min_length=1), AfterValidator(lambda path: str(Path(path).absolute()))] = "data"
    region: Name = "global"
    datacenter: Name = "dc1"
    ports: Ports = Ports()
    nats: Nats = Nats()
    log: Log = Log()
    node: Node = Field(default_factory=Node)
    http: Http = Http()
    retry: Retry = Retry()

    @property
    def data_path(self) -> Path:
        return Path(self.data_dir)


def load_settings(
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    flags: Mapping[str, object] | None = None,
) -> Settings:
    """The settings from a file, variables such as UDUP_PORTS_HTTP, and flags by path (`{"ports.http": 8200}`).

    A flag that is None was not given. Raises `ConfigError` that names every fault.
    """
    tree: dict[str, Any] = _read(file) if file else {}
    sources: dict[str, str] = {}
    faults: list[str] = []
    for path, text in _from_environment(environment or {}):
        variable = variable_of(path)
        _put(tree, path, _typed(path, text))
        sources[path] = f"the variable {variable}"
    for path, value in (flags or {}).items():
        if value is not None:
            _put(tree, path, str(value) if isinstance(value, Path) else value)
            sources[path] = "the command line"
    try:
        settings = Settings.model_validate(tree)
        faults.extend(_between(settings))
    except ValidationError as error:
        found_in = str(file) if file else "the defaults"
        faults.extend(_described(detail, sources, found_in) for detail in error.errors(include_url=False))
    if faults:
        raise ConfigError("the settings are wrong:\n" + "\n".join(f"  {fault}" for fault in faults))
    return settings


def paths() -> Iterator[str]:
    """The path of every setting: `bind_addr`, `ports.http`, …"""
    for name, field in Settings.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, Section):
            yield from (f"{name}.{inner}" for inner in section.model_fields)
        else:
            yield name


def variable_of(path: str) -> str:
    """The environment's variable of a setting: UDUP_PORTS_HTTP of `ports.http`."""
    return ENVIRONMENT_PREFIX + path.replace(".", "_").upper()


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read the settings file {file}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"the settings file {file} is not TOML: {error}") from error


def _from_environment(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for path in paths():
        if (text := environment.get(variable_of(path))) is not None:
            yield path, text


def _typed(path: str, text: str) -> object:
    """A variable's text as a number where the setting is one; what is no number stays text, to be refused as such."""
    model: type[BaseModel] = Settings
    *sections, name = path.split(".")
    for section in sections:
        annotation = model.model_fields[section].annotation
        assert isinstance(annotation, type)
        model = annotation
    if model.model_fields[name].annotation is int and text.strip().lstrip("+-").isdecimal():
        return int(text)
    return text


def _put(tree: dict[str, Any], path: str, value: object) -> None:
    """Set one value, unless the file has something else than a section there: that is a fault of its own."""
    *sections, name = path.split(".")
    for section in sections:
        tree = tree.setdefault(section, {})
        if not isinstance(tree, dict):
            return
    tree[name] = value


def _between(settings: Settings) -> Iterator[str]:
    """What single settings cannot show."""
    same = settings.ports.http == settings.ports.nats != 0
    if same and not settings.nats.url:
        yield f"ports.nats: {settings.ports.nats} is ports.http as well; give each its own port"
    if settings.data_path.exists() and not settings.data_path.is_dir():
        yield f"data_dir: {settings.data_dir} is not a folder; name one, it is made if it does not exist"


def _described(detail: ErrorDetails, sources: Mapping[str, str], file: str) -> str:
    """One fault as `ports.http: must be …, got "abc" (from the variable UDUP_PORTS_HTTP)`."""
    path = ".".join(str(step) for step in detail["loc"])
    given, context = detail.get("input"), detail.get("ctx", {})
    match detail["type"]:
        case "extra_forbidden":
            problem = f"is not a setting; known are {', '.join(_known_beside(path))}"
        case "int_type":
            problem = f"must be a whole number, got {given!r}"
        case "string_type":
            problem = f"must be text in quotes, got {given!r}"
        case "literal_error":
            problem = f"must be one of {context['expected']}, got {given!r}"
        case "greater_than_equal":
            problem = f"must be at least {context['ge']}, got {given!r}"
        case "less_than_equal":
            problem = f"must be at most {context['le']}, got {given!r}"
        case "string_too_short":
            problem = "must not be empty"
        case "string_pattern_mismatch":
            problem = f"must be one word without spaces or slashes, got {given!r}"
        case "model_type":
            problem = f"must be a section, written [{path}], got {given!r}"
        case _:
            problem = detail["msg"]
    return f"{path}: {problem} (from {sources.get(path, file)})"


def _known_beside(path: str) -> list[str]:
    """The settings of the same section, or of the top."""
    prefix = path.rpartition(".")[0]
    beside = [known for known in paths() if known.rpartition(".")[0] == prefix]
    return beside if prefix else sorted({known.partition(".")[0] for known in paths()})
