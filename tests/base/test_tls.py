"""Connections as the job says: with TLS or without, verified or not, and clear words where a server says no."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.certificates import make_certificates
from udup.base.endpoint import Endpoint
from udup.base.errors import Refused, Transient, UdupError
from udup.base.tls import SslMode, Tls
from udup.drivers.mysql.client.connection import connect, query, scalar
from udup.drivers.mysql.client.raw import raw_socket, shut_down
from udup.jobs import accept
from udup.sandbox.server import MysqlServer

CIPHER = "SELECT VARIABLE_VALUE FROM performance_schema.session_status WHERE VARIABLE_NAME = 'Ssl_cipher'"
REQUIRED = Tls(SslMode.REQUIRED)

MakeAccount = Callable[..., Endpoint]


@pytest.fixture
def account(source: MysqlServer) -> Iterator[MakeAccount]:
    """Makes accounts with these options; nobody has logged in there, so that the server has no password cached."""
    made = []

    def make(options: str = "", tls: Tls = REQUIRED) -> Endpoint:
        name = f"u{uuid.uuid4().hex[:12]}"
        made.append(name)
        _as_root(source, f"CREATE USER {name}@'%' IDENTIFIED WITH caching_sha2_password BY 'right' {options}")
        return Endpoint(source.endpoint.host, source.endpoint.port, name, "right", tls)

    yield make
    for name in made:
        _as_root(source, f"DROP USER {name}@'%'")


def _as_root(server: MysqlServer, statement: str) -> None:
    with closing(connect(server.endpoint)) as connection:
        query(connection, "SET SESSION sql_log_bin = 0")
        query(connection, statement)


def _cipher(endpoint: Endpoint) -> str:
    with closing(connect(endpoint)) as connection:
        return str(scalar(connection, CIPHER))


def _refusal(endpoint: Endpoint) -> str:
    with pytest.raises(UdupError) as caught:
        connect(endpoint).close()
    assert not isinstance(caught.value, Transient), "another try would end in the same way"
    assert str(endpoint) in str(caught.value) and "wrong password" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("mode", [mode for mode in SslMode if mode != SslMode.VERIFY_IDENTITY])
def test_a_first_login_works_in_every_mode_and_is_encrypted_in_those_that_say_so(
    account: MakeAccount, source: MysqlServer, mode: SslMode
) -> None:
    ca = str(source.data / "ca.pem") if mode == SslMode.VERIFY_CA else ""
    cipher = _cipher(account(tls=Tls(mode, ca)))
    assert bool(cipher) == (mode in (SslMode.REQUIRED, SslMode.VERIFY_CA)), "PREFERRED means none on loopback"


def test_a_server_that_is_not_who_it_should_be_is_refused(
    account: MakeAccount, source: MysqlServer, tmp_path: Path
) -> None:
    wrong, right = str(make_certificates(tmp_path).ca), str(source.data / "ca.pem")
    endpoint = account()
    for tls in (Tls(SslMode.VERIFY_CA, wrong), Tls(SslMode.VERIFY_CA), Tls(SslMode.VERIFY_IDENTITY, right)):
        told = _refusal(replace(endpoint, tls=tls))
        assert "certificate verify failed" in told and f"SslMode {tls.mode}" in told and "SslCa" in told


def test_accounts_that_want_tls_or_a_certificate_get_it(account: MakeAccount, source: MysqlServer) -> None:
    endpoint = account("REQUIRE SSL")
    assert "Access denied" in _refusal(replace(endpoint, tls=Tls(SslMode.DISABLED)))
    assert _cipher(endpoint)
    certified = account("REQUIRE X509")
    assert "Access denied" in _refusal(certified)
    files = (str(source.data / name) for name in ("ca.pem", "client-cert.pem", "client-key.pem"))
    assert _cipher(replace(certified, tls=Tls(SslMode.VERIFY_CA, *files)))


@pytest.mark.parametrize("mode", [SslMode.REQUIRED, SslMode.DISABLED])
@pytest.mark.parametrize(
    ("options", "password", "told"),
    [
        ("", "wrong password", "Access denied"),
        ("", "", "Access denied"),
        ("ACCOUNT LOCK", "right", "locked"),
        ("PASSWORD EXPIRE", "right", "expired"),
    ],
)
def test_an_account_that_cannot_be_used_is_told_as_such(
    account: MakeAccount, mode: SslMode, options: str, password: str, told: str
) -> None:
    assert told in _refusal(replace(account(options, Tls(mode)), password=password))


def test_an_encrypted_connection_that_is_ended_from_outside_yields_nothing_more(source: MysqlServer) -> None:
    """Bytes that have come already must not be taken for decrypted ones."""
    connection = connect(replace(source.endpoint, tls=REQUIRED))
    try:
        sock = raw_socket(connection)
        connection._execute_command(3, b"SELECT REPEAT('x', 100000)")  # type: ignore[attr-defined]
        sock.recv(1)
        shut_down(connection)
        got = b""
        try:
            while piece := sock.recv(65536):
                got += piece
        except OSError:
            pass  # the end came without TLS's own farewell
        assert b"\x17\x03\x03" not in got, "the head of a record of TLS"
    finally:
        connection.close()


def test_what_contradicts_itself_or_is_not_there_is_a_fault_of_its_key(tmp_path: Path) -> None:
    there = tmp_path / "there.pem"
    there.write_text("not a certificate")
    missing = str(tmp_path / "missing.pem")

    def faults(**connection: object) -> dict[str, str]:
        with pytest.raises(Refused) as caught:
            accept(_document(connection))
        path = "Tasks[1].Config.ConnectionConfig."
        return {fault.where.removeprefix(path): fault.problem for fault in caught.value.faults}

    assert missing in faults(SslCa=missing)["SslCa"]
    assert set(faults(SslCa=missing, SslCert=missing, SslKey=missing)) == {"SslCa", "SslCert", "SslKey"}
    assert "not looked at with SslMode REQUIRED" in faults(SslMode="required", SslCa=str(there))["SslCa"]
    assert "SslCert" in faults(SslMode="DISABLED", SslCert=str(there))
    assert "SslKey" in faults(SslKey=str(there))
    assert "must be one of DISABLED" in faults(SslMode="yes")["SslMode"]
    assert "'latin1' is not supported" in faults(Charset="latin1")["Charset"]
    spec, _ = accept(_document({"SslMode": "verify-identity", "SslCa": str(there), "Charset": "UTF8MB4"}))
    assert spec.target_endpoint().tls == Tls(SslMode.VERIFY_IDENTITY, str(there))
    assert accept(_document({"SslCa": str(there)}))[0].target_endpoint().tls.mode == SslMode.VERIFY_CA
    assert accept(_document({"SslCert": str(there)}))[0].target_endpoint().tls.mode == SslMode.REQUIRED
    with pytest.raises(Refused, match=r"there\.pem.* do not fit"):
        connect(Endpoint("127.0.0.1", 1, "u", "", Tls(SslMode.VERIFY_CA, str(there))))


def _document(target: dict[str, object]) -> dict[str, object]:
    def task(kind: str, port: int, more: dict[str, object]) -> dict[str, object]:
        connection = {"Host": "127.0.0.1", "Port": port, "User": "u", "Password": "", **more}
        return {"Type": kind, "Config": {"ConnectionConfig": connection}}

    return {"Name": "j", "Tasks": [task("Src", 1, {}), task("Dest", 2, target)]}
