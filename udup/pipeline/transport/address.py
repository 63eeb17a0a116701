"""How NATS is reached: one URL that holds everything, so that whoever has it can connect.

    nats://user:password@host:port
    tls://host:port?creds=/etc/udup/nats.creds&tls_ca=/etc/udup/ca.pem&tls_cert=…&tls_key=…

The files are named in the query, by their paths on this node. What people see is the URL without password and query.
"""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from udup.base.errors import ConfigError
from udup.base.files import Unreadable, read_regular
from udup.pipeline.transport import credentials

#: What the query may name: a credentials file (JWT and seed), and PEM files.
FILES = ("creds", "tls_ca", "tls_cert", "tls_key")

#: Bytes of a credentials file: a JWT and a seed.
CREDENTIALS_BYTES = 64 << 10

#: NATS's own port, where an address has none.
DEFAULT_PORT = 4222


def with_files(url: str, files: Mapping[str, str]) -> str:
    """The URL with the files that are given, by their names in `FILES`."""
    parts = urlsplit(url)
    named = {name: files[name] for name in FILES if files.get(name)}
    return urlunsplit(parts._replace(query=urlencode(dict(parse_qsl(parts.query)) | named)))


def shown(url: str) -> str:
    """The URL for people: scheme, host and port alone."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def connect_options(url: str) -> tuple[str, dict[str, Any]]:
    """The bare URL, and what `nats.connect` is to be told besides; `ConfigError` if a file cannot be used."""
    parts = urlsplit(url)
    files = dict(parse_qsl(parts.query))
    options: dict[str, Any] = {}
    if creds := files.get("creds"):
        options |= _by_file(creds)
    if parts.scheme == "tls" or any(name.startswith("tls_") for name in files):
        options["tls"] = _tls(files)
        options["tls_hostname"] = parts.hostname
    return urlunsplit(parts._replace(query="")), options


def of_job(own: str, address: str) -> str:
    """The URL for a job that names a NATS server by `address`, host:port; empty means the node's `own`.

    The node's credentials go to the node's server alone: whoever may post a job must not be able to have them sent
    elsewhere.
    """
    if not address:
        return own
    url = address if "://" in address else f"nats://{address}"
    return own if _server(url) == _server(own) else url


def _server(url: str) -> tuple[str, int]:
    """Host and port; every name of this machine's loopback is the same host."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost"
    return "loopback" if loopback else host, parts.port or DEFAULT_PORT


def _by_file(creds: str) -> dict[str, Any]:
    try:
        return credentials.connect_options(lambda: read_regular(creds, CREDENTIALS_BYTES).decode())
    except (Unreadable, ValueError) as error:
        raise ConfigError(f"the credentials file for NATS cannot be used (nats.creds = {creds}): {error}") from error


def _tls(files: Mapping[str, str]) -> ssl.SSLContext:
    """The server's certificate is always verified, by `tls_ca` or by the authorities that this machine trusts."""
    try:
        context = ssl.create_default_context(cafile=files.get("tls_ca"))
        if certificate := files.get("tls_cert"):
            context.load_cert_chain(certificate, files.get("tls_key"))
    except (OSError, ValueError) as error:  # ssl's errors are OSErrors
        named = ", ".join(f"nats.{name} = {files[name]}" for name in FILES if name in files)
        raise ConfigError(f"the files for TLS to NATS cannot be used ({named}): {error}") from error
    return context
