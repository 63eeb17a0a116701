"""TLS to a MySQL server: how much of it a connection asks for, in the words of MySQL's own clients.

    DISABLED         none
    PREFERRED        when the server offers it, its certificate unseen; not on loopback, where it only costs time
    REQUIRED         always, the certificate unseen: nobody can listen, but the server may be anybody's
    VERIFY_CA        and its certificate must be signed by SslCa, or by an authority that this machine trusts
    VERIFY_IDENTITY  and must be made out to the host that the job names

Where no mode is given, SslCa means VERIFY_CA, and SslCert alone means REQUIRED.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from udup.base.files import Unreadable, in_memory, inside, read_regular

#: The variable that tells every process of the node the setting `secrets.tls_dir`; without it any file may be named.
TLS_DIR_VARIABLE = "UDUP_SECRETS_TLS_DIR"

#: Bytes of a PEM file; the authorities of a whole system have 250 kB.
PEM_BYTES = 4 << 20

#: In the PEM form of a key that wants a passphrase, old and new.
_ENCRYPTED = b"ENCRYPTED"


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
            try:
                if path and _ENCRYPTED in read_pem(path):
                    yield name, f"{path} holds a key with a passphrase, which nobody is there to give: store it without"
            except Unreadable as error:
                yield name, f"cannot read {path} on this node: {error}"

    def context(self) -> ssl.SSLContext:
        """For a handshake. Raises `OSError` (also as `ssl.SSLError`) if the files do not hold what they should.

        They are read here, not by the library: that would wait at a FIFO, or ask the terminal for a passphrase.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = self.mode == SslMode.VERIFY_IDENTITY
        if self.mode in VERIFYING:
            if self.ca:
                with _held(self.ca) as ca:
                    context.load_verify_locations(ca)
            else:
                context.load_default_certs()
        else:
            context.verify_mode = ssl.CERT_NONE
        if self.cert:
            with _held(self.cert) as cert, _held(self.key or self.cert) as key:
                context.load_cert_chain(cert, key, password=lambda: "")
        return context


#: What a connection asks for that says nothing.
PREFERRED = Tls()


def is_refusal(error: BaseException | None) -> bool:
    """Whether an error of a handshake says no, so that another try would end in the same way."""
    return isinstance(error, ssl.SSLError) and not isinstance(error, _CUT)


def read_pem(path: str) -> bytes:
    """Return a file that a job names, if it may. Raises `Unreadable`."""
    folder = os.environ.get(TLS_DIR_VARIABLE, "")
    if folder and not (path := inside(folder, path)):
        raise Unreadable("it is not in the server's folder for such files, secrets.tls_dir")
    return read_regular(path, PEM_BYTES)


@contextmanager
def _held(path: str) -> Iterator[str]:
    """Where a file's contents are for the library. `OSError` if it cannot be read."""
    try:
        data = read_pem(path)
    except Unreadable as error:
        raise OSError(str(error)) from error
    with in_memory(data) as place:
        yield place
