"""TLS to a MySQL server: how much of it a connection asks for, in the words of MySQL's own clients.

    DISABLED         none
    PREFERRED        when the server offers it, its certificate unseen; not on loopback, where it only costs time
    REQUIRED         always, the certificate unseen: nobody can listen, but the server may be anybody's
    VERIFY_CA        and its certificate must be signed by SslCa, or by an authority that this machine trusts
    VERIFY_IDENTITY  and must be made out to the host that the job names

Where no mode is given, SslCa means VERIFY_CA, and SslCert alone means REQUIRED.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class SslMode(StrEnum):
    DISABLED = "DISABLED"
    PREFERRED = "PREFERRED"
    REQUIRED = "REQUIRED"
    VERIFY_CA = "VERIFY_CA"
    VERIFY_IDENTITY = "VERIFY_IDENTITY"


#: Modes in which the server's certificate is looked at.
VERIFYING = frozenset({SslMode.VERIFY_CA, SslMode.VERIFY_IDENTITY})

#: Errors of a connection that was cut during the handshake, as any other connection may be.
_CUT = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)


@dataclass(frozen=True)
class Tls:
    """What a connection asks for; the files are PEM files on the node, by their paths."""

    mode: SslMode = SslMode.PREFERRED
    ca: str = ""
    cert: str = ""
    key: str = ""

    @classmethod
    def of(cls, mode: SslMode | None, ca: str, cert: str, key: str) -> Tls:
        """With the mode that the files mean where none is given."""
        implied = SslMode.VERIFY_CA if ca else SslMode.REQUIRED if cert else SslMode.PREFERRED
        return cls(mode or implied, ca, cert, key)

    def contradictions(self) -> Iterator[tuple[str, str, str]]:
        """Key, problem and remedy of everything that would be silently without effect."""
        if self.ca and self.mode not in VERIFYING:
            yield "SslCa", f"is not looked at with SslMode {self.mode}", f"write {SslMode.VERIFY_CA}, or remove it"
        if self.cert and self.mode in (SslMode.DISABLED, SslMode.PREFERRED):
            yield "SslCert", f"is not used with SslMode {self.mode}", f"write {SslMode.REQUIRED}, or remove it"
        if self.key and not self.cert:
            yield "SslKey", "is the key of SslCert, which is not given", "give both, or neither"

    def file_faults(self) -> Iterator[tuple[str, str]]:
        """Key and problem of every file that this node cannot read."""
        for name, path in (("SslCa", self.ca), ("SslCert", self.cert), ("SslKey", self.key)):
            if path and (problem := _unreadable(path)):
                yield name, f"cannot read {path} on this node: {problem}"

    def context(self) -> ssl.SSLContext:
        """For a handshake. Raises `OSError` (also as `ssl.SSLError`) if the files do not hold what they should."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = self.mode == SslMode.VERIFY_IDENTITY
        if self.mode in VERIFYING:
            if self.ca:
                context.load_verify_locations(self.ca)
            else:
                context.load_default_certs()
        else:
            context.verify_mode = ssl.CERT_NONE
        if self.cert:
            context.load_cert_chain(self.cert, self.key or None)
        return context


#: What a connection asks for that says nothing.
PREFERRED = Tls()


def is_refusal(error: BaseException | None) -> bool:
    """Whether an error of a handshake says no, so that another try would end in the same way."""
    return isinstance(error, ssl.SSLError) and not isinstance(error, _CUT)


def _unreadable(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            file.read(1)
    except OSError as error:
        return error.strerror or type(error).__name__
    except ValueError:
        return "it is no path"
    return ""
