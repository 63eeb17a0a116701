"""Why a server does not let Udup in, and what lets it in: errors of a connection that is being made.

What a wait may heal (a server that is down, a name that is not known for a moment) stays as it is told elsewhere, with
advice; what only somebody can change is refused with the change.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from udup.base.endpoint import Endpoint
from udup.base.errors import Fault, Refused, UdupError
from udup.base.tls import is_refusal
from udup.drivers.mysql.client.errors import MySQLError, error_code, failure, told

_PASSWORD = "ALTER USER {account} IDENTIFIED BY 'a-password' there, and write the same as Password"

_EXPIRED = "ALTER USER {account} IDENTIFIED BY 'a-password' PASSWORD EXPIRE NEVER there, and write the same as Password"

#: How MySQL's own plugin is set for an account.
_PLUGIN = "ALTER USER {account} IDENTIFIED WITH caching_sha2_password BY 'a-password' there"

_TLS = 'write "SslMode": "REQUIRED" in this ConnectionConfig'

#: By the number of the error; {account} is the user on any host, as an account is written.
_REMEDIES: Mapping[int, str] = MappingProxyType(
    {
        1045: f"look at User and Password in this ConnectionConfig. If the account is not there, make it"
        f" (docs/accounts.md); if its password is another, {_PASSWORD}; if it has REQUIRE SSL, {_TLS}",
        1049: "make the schema there, or write its name right",
        1129: "TRUNCATE TABLE performance_schema.host_cache there (the host was blocked after many broken connections)",
        1130: "make the account for this host too: CREATE USER {account} IDENTIFIED BY 'a-password' there, with the"
        " privileges of docs/accounts.md",
        1251: _PLUGIN,
        1275: _PLUGIN,
        1524: f"{_PLUGIN}, or install the plugin that the error names",
        1698: _PLUGIN,
        1820: _EXPIRED,
        1862: _EXPIRED,
        2012: "look at Host and Port: MySQL's own port is 3306; 33060 is its X protocol, which Udup does not speak",
        2026: f"{_TLS}, or DISABLED if that server offers no TLS",
        2049: _PLUGIN,
        2059: f"{_PLUGIN}; or let the connection be TLS with a verified certificate (SslMode VERIFY_CA and SslCa)",
        2061: f"{_PLUGIN}; or let the connection be TLS ({_TLS})",
        3118: "ALTER USER {account} ACCOUNT UNLOCK there",
        3159: f"{_TLS} (on loopback Udup uses TLS only if it is told to)",
        3955: "ALTER USER {account} ACCOUNT UNLOCK there (the account was locked after failed logins)",
    }
)

#: Advice where the error passes by itself, if it is no mistake: by what its text holds.
_ADVICE: tuple[tuple[str, str], ...] = (
    ("Name or service not known", "look at Host: the name is not known on this node (getent hosts {host})"),
    ("No address associated", "look at Host: the name has no address (getent hosts {host})"),
    ("Temporary failure in name resolution", "look at Host, and at the name server of this node"),
    ("Connection refused", "nothing listens there: look at Host and Port, and that the server runs"),
    ("No route to host", "look at Host, and at the network between this node and it"),
    ("Network is unreachable", "look at Host, and at the network of this node"),
    ("timed out", "look at Host and Port, and that no firewall drops what this node sends"),
    ("did not finish the login", "look at Port: is what answers there a MySQL server?"),
)

_CERTIFICATE = (
    "SslCa must hold the authority that signed the server's certificate, and SslCert and SslKey what it asks for;"
    " with SslMode VERIFY_IDENTITY the certificate must name this Host"
)


def connection_refused(error: MySQLError, endpoint: Endpoint) -> UdupError:
    """Return Udup's error for one of a connection that was being made."""
    doing = f"cannot connect to MySQL as {endpoint}"
    if is_refusal(getattr(error, "original_exception", None)):
        return Refused([Fault(doing, f"{told(error)} (SslMode {endpoint.tls.mode})", _CERTIFICATE)])
    if remedy := _REMEDIES.get(error_code(error)):
        account = f"'{endpoint.user}'@'%'"
        return Refused([Fault(doing, told(error), remedy.replace("{account}", account))])
    found = failure(error, doing)
    advice = next((advice for part, advice in _ADVICE if part in str(error)), "")
    if not advice or isinstance(found, Refused):
        return found
    return type(found)(f"{found}; {advice.replace('{host}', endpoint.host)}")
