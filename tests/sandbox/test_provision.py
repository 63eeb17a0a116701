"""Where the MySQL server comes from, and what is said when there is none."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from udup.base.errors import UdupError
from udup.sandbox import provision as provision_module
from udup.sandbox.cache import cache_folder, made_once, silent
from udup.sandbox.debian import debian_programs
from udup.sandbox.mirror import DEFAULT_MIRROR, debian_mirrors
from udup.sandbox.programs import CLIENTS, MysqlPrograms, installed_programs, parse_version
from udup.sandbox.provision import provision
from udup.sandbox.server import MysqlServer


def script(path: Path, text: str) -> Path:
    """A program that answers any call with a line."""
    path.write_text(f"#!/bin/sh\necho '{text}'\n")
    path.chmod(0o755)
    return path


def test_a_mysqld_that_is_not_there_is_refused_with_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UDUP_MYSQLD", "/nowhere/mysqld")
    with pytest.raises(UdupError, match="UDUP_MYSQLD=/nowhere/mysqld: there is no such file"):
        provision()


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("mysqld  Ver 10.11.6-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64 (Debian 12)", "is MariaDB"),
        ("/usr/sbin/mysqld  Ver 5.7.44 for Linux on x86_64", "8.0 or newer is needed"),
        ("hello", "does not look like a MySQL server"),
    ],
)
def test_a_program_that_is_no_mysql_8_is_refused_with_the_variable(
    line: str, complaint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("UDUP_MYSQLD", str(script(tmp_path / "mysqld", line)))
    with pytest.raises(UdupError, match=f"UDUP_MYSQLD=.*{complaint}"):
        provision()


def test_an_installed_mariadb_is_passed_over_aloud(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    script(tmp_path / "a/mysqld", "mysqld  Ver 10.11.6-MariaDB-0+deb12u1 for debian-linux-gnu")
    fit = script(tmp_path / "b/mysqld", "/usr/sbin/mysqld  Ver 8.0.36 for Linux on x86_64")
    monkeypatch.delenv("UDUP_MYSQLD", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}/a:{tmp_path}/b:{os.environ['PATH']}")
    said: list[str] = []
    assert provision(said.append).paths["mysqld"] == fit
    assert "MariaDB" in said[0]


def test_clients_beside_the_server_are_found_and_mariadbs_are_not(tmp_path: Path) -> None:
    server = script(tmp_path / "mysqld", "/x/mysqld  Ver 8.4.2 for Linux on x86_64")
    script(tmp_path / "mysqldump", "mysqldump  Ver 8.4.2 for Linux on x86_64")
    script(tmp_path / "mysql", "mysql  Ver 15.1 Distrib 10.11.6-MariaDB")
    found = installed_programs(server)
    assert found.version == (8, 4, 2)
    assert found.command("mysqldump") == [str(tmp_path / "mysqldump"), "--no-defaults"]
    assert found.paths.get("mysql") != tmp_path / "mysql"


def test_a_distributors_version_is_read() -> None:
    line = "/usr/sbin/mysqld  Ver 8.0.35-27 for Linux on x86_64 (Percona Server (GPL), Release 27)"
    assert parse_version(line, Path("mysqld")) == (8, 0, 35)


def test_the_clients_talk_to_a_server(programs: MysqlPrograms, source: MysqlServer) -> None:
    where = [f"--host={source.endpoint.host}", f"--port={source.endpoint.port}", "--protocol=TCP", "--user=root"]
    for client in CLIENTS:
        if programs.has(client):
            extra = ["ping"] if client == "mysqladmin" else ["--version"] if client == "mysqlbinlog" else []
            extra = {"mysql": ["--execute=SELECT 1"], "mysqldump": ["--databases", "sys"]}.get(client, extra)
            subprocess.run(
                [*programs.command(client), *where, *extra],
                env={**os.environ, "MYSQL_PWD": source.endpoint.password},
                check=True,
                capture_output=True,
            )


def test_a_missing_client_is_named(tmp_path: Path) -> None:
    bare = MysqlPrograms((9, 0, 0), "", {"mysqld": tmp_path / "mysqld"})
    with pytest.raises(UdupError, match="mysqldump was not found"):
        bare.command("mysqldump")


def test_a_system_without_apt_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("UDUP_MYSQLD", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(provision_module, "USUAL_FOLDERS", ())
    with pytest.raises(UdupError, match=r"no apt-get.*install a MySQL server.*UDUP_MYSQLD"):
        provision()


def test_what_is_made_in_the_cache_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "thing"

    def make(fail: bool) -> bool:
        with made_once(target, silent) as folder:
            if folder is None:
                return False
            (folder / "half").touch()
            if fail:
                raise KeyboardInterrupt
        return True

    with pytest.raises(KeyboardInterrupt):
        make(fail=True)
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]
    (tmp_path / "partial-of-a-killed-maker").mkdir()
    assert make(fail=False)
    assert not make(fail=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lock", "thing"]


def test_a_cache_folder_that_cannot_be_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nobody")
    with pytest.raises(UdupError, match="set XDG_CACHE_HOME"):
        cache_folder()


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "sources.list.d/debian.sources",
            "Types: deb\n# a comment\nURIs: http://ftp.example.org/debian/\nSuites: trixie\n\n"
            "Types: deb\nURIs: http://security.example.org/debian-security\nSuites: trixie-security\n",
            ["http://ftp.example.org/debian", DEFAULT_MIRROR],
        ),
        (
            "sources.list.d/off.sources",
            "Enabled: no\nTypes: deb\nURIs: http://off.example.org/debian\n",
            [DEFAULT_MIRROR],
        ),
        (
            "sources.list",
            "# deb http://old.example.org/debian sid main\n"
            "deb [arch=amd64 signed-by=/k] https://mirror.example.org/debian trixie main\n"
            "deb http://archive.ubuntu.com/ubuntu noble main\n",
            ["https://mirror.example.org/debian", DEFAULT_MIRROR],
        ),
        ("sources.list.d/none.list", "", [DEFAULT_MIRROR]),
    ],
)
def test_the_mirror_is_the_machines_own(name: str, text: str, expected: list[str], tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / name).write_text(text)
    assert debian_mirrors(tmp_path) == expected


@pytest.mark.skipif("UDUP_TEST_DOWNLOAD" not in os.environ, reason="downloads 56 MB; UDUP_TEST_DOWNLOAD=1 runs it")
def test_debians_mysql_is_fetched_into_an_empty_cache_and_runs(
    monkeypatch: pytest.MonkeyPatch, server_folder: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(server_folder / "cache"))  # half a gigabyte, gone after the run
    said: list[str] = []
    fetched = debian_programs(said.append)
    assert any("downloading MySQL" in line for line in said)
    assert {"mysqld", *CLIENTS} <= set(fetched.paths)
    with MysqlServer(fetched, server_folder / "of-debian") as server:
        assert server.running
    said.clear()
    assert debian_programs(said.append) == fetched
    assert said == []
