"""Opening a connection: within a time limit as a whole, and by methods that keep the password from who listens.

A password is given by the methods of `PLAIN_PLUGINS`, which never send it in clear but over TLS. Those of
`CLEAR_PLUGINS` get it only where the server's certificate was verified.
"""

from __future__ import annotations

import socket
import ssl
from contextlib import AbstractContextManager
from typing import Any

import pymysql
from pymysql.constants import CR

from udup.base import runtime
from udup.drivers.mysql.client.line import Line

#: Methods of logging in that keep the password from who listens: a digest, or RSA where there is no TLS.
PLAIN_PLUGINS = frozenset({"mysql_native_password", "caching_sha2_password", "sha256_password"})

#: Methods that send the password as it is.
CLEAR_PLUGINS = frozenset({"mysql_clear_password"})

#: Seconds for the login, beyond those for the connection itself, as a multiple of these.
LOGIN_TIMES = 2


class Login(Line):
    """The part of a connection that opens it; the rest is a `Wire`'s."""

    _auth_plugin_name: str
    _login_packets: int

    def _understood(self) -> AbstractContextManager[object]:
        """Have what PyMySQL stumbles over end as an error of the connection."""
        raise NotImplementedError

    @property
    def encrypted(self) -> bool:
        """Whether the connection goes over TLS."""
        return isinstance(self._sock, ssl.SSLSocket)

    @property
    def verified(self) -> bool:
        """Whether it goes over TLS to a server whose certificate was looked at."""
        return self.encrypted and self._sock.context.verify_mode == ssl.CERT_REQUIRED

    def connect(self, sock: socket.socket | None = None) -> None:
        """Open it, all in all within a time limit."""
        limit = LOGIN_TIMES * (self.connect_timeout or 1)
        asked = self._read_timeout, self._write_timeout
        # These hold for TLS's handshake and for writing; reading goes by the deadline.
        self._read_timeout = self._write_timeout = limit
        self._deadline, self._logging_in, self._login_packets = None, True, 0
        try:
            super().connect(sock)
        finally:
            self._read_timeout, self._write_timeout = asked
            self._deadline, self._logging_in = None, False

    def _get_server_information(self) -> None:
        self._deadline = runtime.now() + (self._read_timeout or 0)
        with self._understood():
            super()._get_server_information()  # type: ignore[misc]
        if self._auth_plugin_name not in PLAIN_PLUGINS:
            # Some servers name a method there that no account has: they ask for the account's own next.
            self._auth_plugin_name = ""

    def _request_authentication(self) -> None:
        with self._understood():
            super()._request_authentication()  # type: ignore[misc]

    def _process_auth(self, plugin_name: bytes, auth_packet: Any, handler: Any = None) -> Any:
        """Log in by the method that the server asks for, if it is one to be used."""
        name = plugin_name.decode("ascii", "replace")
        if name in CLEAR_PLUGINS and not self.verified:
            self._end()
            raise pymysql.err.OperationalError(
                CR.CR_AUTH_PLUGIN_ERR,
                f"the server asks for the password in clear ({name}), which is given only over TLS to a server whose "
                "certificate was verified; write SslMode VERIFY_CA or VERIFY_IDENTITY with SslCa, or give the account "
                "caching_sha2_password",
            )
        if name not in PLAIN_PLUGINS | CLEAR_PLUGINS:
            self._end()
            raise pymysql.err.OperationalError(
                CR.CR_AUTH_PLUGIN_CANNOT_LOAD,
                f"the server asks for the authentication method {name[:64]!r}, which Udup does not use; give the "
                f"account one of {', '.join(sorted(PLAIN_PLUGINS))}",
            )
        return super()._process_auth(plugin_name, auth_packet, None)  # type: ignore[misc]
