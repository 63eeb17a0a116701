"""Where the server is and who we are there: from flags, else the environment, else a file, else this machine's 8190.

Two kinds of files say it: a client's own `~/.config/udup/cli.toml` (address, region, token, token_file, ca_file), and
the settings of a node (`--config`, UDUP_CONFIG), from which its address and its token follow. They are read here
with tomllib alone: to check a node's settings is the node's business, and what does it takes longer to load than the
request takes.
"""

from __future__ import annotations

import ipaddress
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from udup.base.errors import ConfigError
from udup.base.secrets import read_setting

DEFAULT_ADDRESS = "http://127.0.0.1:8190"
_DEFAULT_HOST = "127.0.0.1"
_DEFAULT_PORT = 8190

#: The client's own file, in the home folder.
OWN_FILE = Path(".config/udup/cli.toml")
_OWN_KEYS = ("address", "region", "token", "token_file", "ca_file")


@dataclass(frozen=True)
class Flags:
    """What the command line says; None for what it does not."""

    address: str | None = None
    region: str | None = None
    token: str | None = field(default=None, repr=False)
    token_file: Path | None = None
    ca_file: Path | None = None
    config: Path | None = None


@dataclass(frozen=True)
class Where:
    """A server. `origin` tells who named its address; `token` goes as Bearer, `basic` is user and password."""

    address: str
    origin: str
    region: str = ""
    token: str = field(default="", repr=False)
    basic: tuple[str, str] | None = field(default=None, repr=False)
    ca_file: str = ""


def find(flags: Flags, environment: Mapping[str, str], home: Path) -> Where:
    """Put together what the sources say; `ConfigError` if one of them cannot be used."""
    own = _own_file(home / OWN_FILE)
    node = _node_file(flags, environment)
    address, origin = _address(flags, environment, node, own)
    basic = environment.get("UDUP_HTTP_AUTH", "")
    user, _, password = basic.partition(":")
    return Where(
        address=_checked(address, origin),
        origin=origin,
        region=flags.region or environment.get("UDUP_REGION") or own.get("region", ""),
        token=_token(flags, environment, own) or _token_of_node(node, environment),
        basic=(user, password) if basic else None,
        ca_file=str(flags.ca_file or environment.get("UDUP_CA_FILE") or own.get("ca_file", "")),
    )


def _node_file(flags: Flags, environment: Mapping[str, str]) -> Path | None:
    """The settings of a node that the server is looked up in, None if its address is given."""
    if flags.address or (environment.get("UDUP_ADDR") and not flags.config):
        return None
    said = environment.get("UDUP_CONFIG")
    return flags.config or (Path(said) if said else None)


def _address(
    flags: Flags, environment: Mapping[str, str], node: Path | None, own: Mapping[str, str]
) -> tuple[str, str]:
    """The address and who says so."""
    if flags.address:
        return flags.address, "--address"
    if node:
        return _address_of_node(node), str(node)
    if said := environment.get("UDUP_ADDR"):
        return said, "UDUP_ADDR"
    if "address" in own:
        return own["address"], f"~/{OWN_FILE}"
    return DEFAULT_ADDRESS, ""


def _address_of_node(file: Path) -> str:
    """Where a node with these settings listens, as seen from its own machine."""
    settings = _read(file)
    ports = settings.get("ports", {})
    host = settings.get("bind_addr", _DEFAULT_HOST)
    port = ports.get("http", _DEFAULT_PORT) if isinstance(ports, dict) else _DEFAULT_PORT
    if not isinstance(host, str) or not isinstance(port, int) or not 0 < port < 65536:
        raise ConfigError(f"{file} does not say where its node listens: bind_addr {host!r}, ports.http {port!r}")
    return f"http://{_reachable(host)}:{port}"


def _token_of_node(file: Path | None, environment: Mapping[str, str]) -> str:
    """What a node with these settings asks its clients for."""
    api = _read(file).get("api") if file else None
    token = api.get("token", "") if isinstance(api, dict) else ""
    return read_setting(token, environment) if isinstance(token, str) else ""


def _reachable(host: str) -> str:
    """An address to connect to: a node that listens everywhere is reached by loopback."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.is_unspecified:
        return "[::1]" if address.version == 6 else _DEFAULT_HOST
    return f"[{address}]" if address.version == 6 else str(address)


def _own_file(file: Path) -> dict[str, str]:
    if not file.exists():
        return {}
    found = _read(file)
    for key, value in found.items():
        if key not in _OWN_KEYS:
            raise ConfigError(f"{file}: {key} is not a setting; known are {', '.join(_OWN_KEYS)}")
        if not isinstance(value, str):
            raise ConfigError(f"{file}: {key} must be text in quotes")
    return found


def _token(flags: Flags, environment: Mapping[str, str], own: Mapping[str, str]) -> str:
    if flags.token:
        return flags.token
    if flags.token_file:
        return _token_in(flags.token_file)
    if said := environment.get("UDUP_TOKEN") or environment.get("UDUP_API_TOKEN"):
        return said
    if "token_file" in own:
        return _token_in(Path(own["token_file"]).expanduser())
    return own.get("token", "")


def _token_in(file: Path) -> str:
    try:
        return file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the token in {file}: {_reason(error)}") from error


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {_reason(error)}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not TOML: {error}") from error


def _checked(address: str, origin: str) -> str:
    """The address as http://host:port without a path; a bare host:port is one too."""
    text = address if "://" in address else f"http://{address}"
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.path.rstrip("/") or parts.query or parts.username:
        raise ConfigError(f"{origin}: the address must be http://host:port (a token goes to --token)")
    return f"{parts.scheme}://{parts.netloc}"


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
