"""Files that a job names: nobody waits for them, and only a regular file, in the folder for such files, is read."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.certificates import make_certificates
from udup.base.endpoint import Endpoint
from udup.base.errors import Refused
from udup.base.files import Unreadable, inside, read_regular
from udup.base.secrets import FILES_DIR_VARIABLE
from udup.base.tls import PEM_BYTES, TLS_DIR_VARIABLE, SslMode, Tls
from udup.drivers.mysql.client.connection import connect
from udup.jobs import accept

KEYS = ("SslCa", "SslCert", "SslKey")


@pytest.fixture
def fifo(tmp_path: Path) -> str:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    return str(path)


def _document(**connection: str) -> dict[str, Any]:
    def task(kind: str, port: int, more: dict[str, str]) -> dict[str, Any]:
        account = {"Host": "127.0.0.1", "Port": port, "User": "u", "Password": "p"}
        return {"Type": kind, "Config": {"ConnectionConfig": account | more}}

    return {"Name": "files", "Tasks": [task("Src", 1, {}), task("Dest", 2, connection)]}


def _faults(**connection: str) -> dict[str, str]:
    """Problems by the last part of their place."""
    with pytest.raises(Refused) as caught:
        accept(_document(**connection))
    return {fault.where.rpartition(".")[2]: fault.problem for fault in caught.value.faults}


def test_a_fifo_is_refused_at_once_wherever_a_job_names_it(fifo: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FILES_DIR_VARIABLE, str(Path(fifo).parent))
    begun = time.monotonic()
    told = _faults(SslCa=fifo, SslCert=fifo, SslKey=fifo, Password=f"file:{fifo}")
    assert set(told) == {*KEYS, "Password"}
    assert all("it is no regular file" in problem and fifo in problem for problem in told.values())
    with pytest.raises(Refused, match="it is no regular file"):
        connect(Endpoint("127.0.0.1", 1, "u", "p", Tls(SslMode.VERIFY_CA, fifo)))
    with pytest.raises(OSError, match="it is no regular file"):
        Tls(SslMode.VERIFY_CA, fifo).context()
    assert time.monotonic() - begun < 2


def test_whoever_must_not_wait_can_have_a_document_read_without_its_files(fifo: str) -> None:
    spec, _ = accept(_document(SslCa=fifo), local=False)
    assert spec.target_endpoint().tls.ca == fifo


def test_only_regular_files_of_a_bounded_size_are_read(tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(PEM_BYTES + 1)
    for path, problem in (
        ("/dev/zero", "it is no regular file"),
        ("/dev/tty", "No such device|no regular file"),
        (str(tmp_path), "it is no regular file"),
        (str(tmp_path / "none"), "No such file"),
        ("a\0b", "it is no path"),
        (str(large), f"it has more than {PEM_BYTES} bytes"),
    ):
        with pytest.raises(Unreadable, match=problem):
            read_regular(path, PEM_BYTES)
    assert read_regular(large, 10, whole=False) == bytes(10)


def test_files_for_tls_are_taken_from_their_folder_alone_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed, other = make_certificates(tmp_path / "tls"), make_certificates(tmp_path / "other")
    (tmp_path / "tls" / "link").symlink_to(other.ca)
    accept(_document(SslCa=str(other.ca)))
    monkeypatch.setenv(TLS_DIR_VARIABLE, str(tmp_path / "tls"))
    for path in (str(other.ca), "../other/ca.pem", "link", "/etc/passwd"):
        assert "secrets.tls_dir" in _faults(SslCa=path)["SslCa"]
        with pytest.raises(OSError, match=r"secrets\.tls_dir"):
            Tls(SslMode.VERIFY_CA, path).context()
    accept(_document(SslCa=str(allowed.ca), SslCert="cert.pem", SslKey="key.pem"))
    assert Tls(SslMode.VERIFY_CA, "ca.pem", "cert.pem", "key.pem").context().get_ca_certs()


def test_a_path_is_in_its_folder_or_it_is_not(tmp_path: Path) -> None:
    assert inside(str(tmp_path), "a/../b") == str(tmp_path.resolve() / "b")
    assert not any(inside(str(tmp_path), path) for path in ("..", "/", "a/../../b", f"{tmp_path}x", "a\0b"))


def test_a_key_with_a_passphrase_is_refused_instead_of_asked_for(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    path = tmp_path / "key.pem"
    encryption = serialization.BestAvailableEncryption(b"secret")
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, encryption)
    )
    cert = str(make_certificates(tmp_path / "made").cert)
    assert "passphrase" in _faults(SslCert=cert, SslKey=str(path))["SslKey"]
    with pytest.raises(OSError):
        Tls(SslMode.REQUIRED, cert=cert, key=str(path)).context()
