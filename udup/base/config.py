"""The server's settings: the defaults here, overruled by a TOML file, that by the environment, that by flags.

A setting is named by its path in the file, `ports.http`; its variable is `UDUP_PORTS_HTTP`. Everything that is wrong is
told at once, with where it came from. An unknown key in the file is fatal, since a misspelt setting that is silently
ignored is found too late. Unknown `UDUP_…` variables are not: container platforms and clients set some of their own.
"""

from __future__ import annotations

import ipaddress
import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from udup.base.cluster_settings import cluster_faults
from udup.base.errors import ConfigError
from udup.base.secrets import Unresolvable, read_setting
from udup.base.settings import Section, Settings

__all__ = ["Settings", "load_settings", "paths", "variable_of"]

ENVIRONMENT_PREFIX = "UDUP_"

#: Settings that may be given as a reference, `env:NAME` or `file:PATH`.
SECRETS = ("api.token", "api.read_token", "secrets.key", "nats.url", "cluster.secret")

#: Settings that name files, which must be there.
FILES = ("nats.creds", "nats.tls_ca", "nats.tls_cert", "nats.tls_key")


def load_settings(
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    flags: Mapping[str, object] | None = None,
) -> Settings:
    """The settings from a file, variables such as UDUP_PORTS_HTTP, and flags by path (`{"ports.http": 8200}`).

    A flag that is None was not given. Secrets that are named by reference are read. Raises `ConfigError` that names
    every fault.
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
    found_in = str(file) if file else "the defaults"
    faults.extend(_read_secrets(tree, environment or {}, sources, found_in))
    try:
        settings = Settings.model_validate(tree)
        faults.extend(_between(settings))
    except ValidationError as error:
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
        raise ConfigError(
            f"cannot read the settings file {file}: {error.strerror}; name another with --config, or write one by"
            " udup init"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"the settings file {file} is not TOML: {error}") from error


def _from_environment(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for path in paths():
        if (text := environment.get(variable_of(path))) is not None:
            yield path, text


def _typed(path: str, text: str) -> object:
    """A variable's text as a number, or as JSON for a list or an object; what is neither stays text, to be refused."""
    model: type[BaseModel] = Settings
    *sections, name = path.split(".")
    for section in sections:
        annotation = model.model_fields[section].annotation
        assert isinstance(annotation, type)
        model = annotation
    kind = model.model_fields[name].annotation
    if kind is int and text.strip().lstrip("+-").isdecimal():
        return int(text)
    if kind is bool and text in ("true", "false"):
        return text == "true"
    if kind in (list[str], dict[str, str]):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _read_secrets(
    tree: dict[str, Any], environment: Mapping[str, str], sources: Mapping[str, str], file: str
) -> Iterator[str]:
    """Put the secrets themselves where references to them are; what leads to none becomes empty, and a fault."""
    for path in SECRETS:
        section, _, name = path.partition(".")
        values = tree.get(section)
        given = values.get(name) if isinstance(values, dict) else None
        if isinstance(given, str):
            try:
                _put(tree, path, read_setting(given, environment))
            except Unresolvable as error:
                yield f"{path}: {error} (from {sources.get(path, file)})"
                _put(tree, path, "")


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
    if not settings.api.token.get_secret_value() and not ipaddress.ip_address(settings.bind_addr).is_loopback:
        yield (
            f"bind_addr: {settings.bind_addr} is refused without api.token: whoever reaches the API may run jobs; set "
            "a token (UDUP_API_TOKEN), or use 127.0.0.1 or ::1"
        )
    yield from _tokens(settings)
    yield from _nats_files(settings)
    yield from _consumers(settings)
    yield from cluster_faults(settings)
    if settings.data_path.exists() and not settings.data_path.is_dir():
        yield f"data_dir: {settings.data_dir} is not a folder; name one, it is made if it does not exist"


def _tokens(settings: Settings) -> Iterator[str]:
    token, read_token = settings.api.token.get_secret_value(), settings.api.read_token.get_secret_value()
    if read_token and not token:
        yield "api.read_token: is for those who may only look, and without api.token everybody may write; set both"
    elif read_token and read_token == token:
        yield "api.read_token: is api.token as well, which may write; `openssl rand -hex 32` makes another one"


def _nats_files(settings: Settings) -> Iterator[str]:
    for path in FILES:
        file = getattr(settings.nats, path.partition(".")[2])
        if file and not settings.nats.url:
            yield f"{path}: is for an external NATS server; set nats.url too, or leave it out"
        elif file and not Path(file).is_file():
            yield f"{path}: there is no file {file}"
    if settings.nats.tls_key and not settings.nats.tls_cert:
        yield "nats.tls_key: is the key of nats.tls_cert, which is not set"


def _consumers(settings: Settings) -> Iterator[str]:
    given = settings.consumers
    for path in ("tls_cert", "tls_key"):
        file = getattr(given, path)
        if file and not Path(file).is_file():
            yield f"consumers.{path}: there is no file {file}"
    if bool(given.tls_cert) != bool(given.tls_key):
        there, absent = ("tls_cert", "tls_key") if given.tls_cert else ("tls_key", "tls_cert")
        yield f"consumers.{there}: is of no use without consumers.{absent}; set both, or neither"
    if not given.listen:
        if given.tls_cert or given.tls_key:
            yield "consumers.tls_cert: is for consumers.listen, which is not set; set it, or leave the files out"
        return
    if settings.nats.url:
        yield "consumers.listen: is a door of the built-in NATS server, and nats.url names another one; leave one out"
    if not ipaddress.ip_address(given.host).is_loopback and not (given.tls_cert and given.tls_key):
        yield (
            f"consumers.listen: {given.listen} is refused without TLS: passwords and rows would pass in clear; set "
            "consumers.tls_cert and consumers.tls_key, or listen on 127.0.0.1"
        )
    for path, port in (("ports.http", settings.ports.http), ("ports.nats", settings.ports.nats)):
        if given.port == port:
            yield f"consumers.listen: {port} is {path} as well; give each its own port"


def _described(detail: ErrorDetails, sources: Mapping[str, str], file: str) -> str:
    """One fault as `ports.http: must be …, got "abc" (from the variable UDUP_PORTS_HTTP)`."""
    path = ".".join(str(step) for step in detail["loc"])
    given, context = "a secret" if path in SECRETS else detail.get("input"), detail.get("ctx", {})
    match detail["type"]:
        case "extra_forbidden":
            problem = f"is not a setting; known are {', '.join(_known_beside(path))}"
        case "int_type":
            problem = f"must be a whole number, got {given!r}"
        case "bool_type":
            problem = f"must be true or false, got {given!r}"
        case "list_type":
            problem = f"must be a list of texts, got {given!r}"
        case "dict_type":
            problem = f"must be a table of texts, got {given!r}"
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
