"""The unit that `udup init --systemd` writes: systemd takes it, it forbids a lot, and a node does its work under it."""

from __future__ import annotations

import ctypes
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.end_to_end.conftest import run, value, wait_for
from udup.base import service
from udup.base.config import load_settings
from udup.base.errors import Transient
from udup.cli import cli
from udup.sandbox.api import ApiClient, Json, job_document
from udup.sandbox.ports import free_port
from udup.sandbox.server import MysqlServer

CONFINE = Path(__file__).with_name("confine.py")

#: What systemd-analyze says of it at most, of 10.
EXPOSURE = 1.5

_needs_analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here (Debian's package systemd)"
)


@pytest.fixture(scope="module")
def confining() -> None:
    """Skip the test where a process cannot be confined as the unit says: that takes root, and what is looked for."""
    if os.geteuid() != 0 or not all(shutil.which(each) for each in ("systemd-analyze", "setpriv", "unshare")):
        pytest.skip("a process is confined as the unit says by root alone, with systemd-analyze, setpriv and unshare")
    try:
        ctypes.CDLL("libseccomp.so.2")
    except OSError:
        pytest.skip("libseccomp.so.2 is not here")
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, timeout=60).returncode != 0:
        pytest.skip("this root may not make mounts of its own, as in a container")


def _init(*words: str | Path) -> Result:
    return CliRunner().invoke(cli, ["init", "--systemd", *map(str, words)], prog_name="udup")


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """A unit that starts something that is there."""
    assert _init("--dir", tmp_path / "etc", "--executable", "/bin/true").exit_code == 0
    return tmp_path / "etc" / "udup.service"


def test_unit_and_settings_are_written_once_and_the_commands_are_told(tmp_path: Path) -> None:
    told = _init("--dir", tmp_path / "etc", "--executable", "/opt/udup/bin/udup")
    assert "useradd --system" in told.stdout and "systemctl enable --now udup" in told.stdout
    unit, settings = (tmp_path / "etc" / name for name in ("udup.service", "udup.toml"))
    assert f"ExecStart=/opt/udup/bin/udup server --config {settings}\n" in unit.read_text()
    assert "StateDirectory=udup\n" in unit.read_text() and "@" not in unit.read_text().replace(
        "@system-service", ""
    ).replace("~@privileged @resources", "")
    assert settings.stat().st_mode & 0o777 == 0o640
    assert tomllib.loads(settings.read_text())["data_dir"] == "/var/lib/udup"
    assert load_settings(settings).data_dir == "/var/lib/udup"
    before = unit.read_text()
    again = _init("--dir", tmp_path / "etc", "--executable", "/opt/other/udup")
    assert again.exit_code == 1 and "there is already" in again.stderr and "nothing was written" in again.stderr
    assert unit.read_text() == before
    settings.unlink()
    assert _init("--dir", tmp_path / "etc", "--executable", "/opt/udup/bin/udup").exit_code == 1
    assert not settings.exists(), "not one of the two either"


def test_another_data_dir_may_be_written_and_is_made_by_a_command(tmp_path: Path) -> None:
    told = _init("--dir", tmp_path, "--executable", "/opt/udup/bin/udup", "--data-dir", "/srv/udup", "--json")
    assert "install -d -o udup -g udup -m 0700 /srv/udup" in json.loads(told.stdout)["Commands"]
    assert "ReadWritePaths=/srv/udup\n" in (tmp_path / "udup.service").read_text()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--executable", "/home/me/bin/udup"), "is in /home, which the unit hides"),
        (("--executable", "/opt/udup", "--data-dir", "/root/udup"), "is in /root, which the unit hides"),
        (("--executable", "/opt/my programs/udup"), "a character that systemd reads otherwise"),
        (("--job", "subscribe"), "--systemd writes no job"),
    ],
)
def test_what_the_service_could_not_use_is_refused(tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    refused = _init("--dir", tmp_path / "etc", *words)
    assert refused.exit_code in (1, 2) and told in refused.stderr
    assert not (tmp_path / "etc").exists()


@_needs_analyze
def test_systemd_finds_no_fault_in_the_unit(unit: Path) -> None:
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


@_needs_analyze
def test_the_unit_leaves_the_node_little(unit: Path) -> None:
    command = ["systemd-analyze", "security", "--offline=yes", unit]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if "offline" in done.stderr:
        pytest.skip("this systemd-analyze is older than 250 and looks at no file")
    found = re.search(r"exposure level for \S+: ([0-9.]+)", done.stdout)
    assert found is not None, done.stdout + done.stderr
    assert float(found[1]) <= EXPOSURE, done.stdout


def test_nothing_is_said_where_systemd_does_not_listen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for address in ("", "relative", str(tmp_path / "nobody")):
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        service.tell_service_manager(service.READY)


@contextmanager
def _confined(
    unit: Path, folder: Path, environment: dict[str, str], *command: str
) -> Iterator[subprocess.Popen[bytes]]:
    started = [sys.executable, str(CONFINE), str(unit), str(folder), *command]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(started, stdout=log, stderr=log, env={**os.environ, **environment})
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        finally:
            process.kill()
            process.wait()


def _is_taken(api: ApiClient, document: Json) -> bool:
    try:
        api.post_job(document)
    except Transient:
        return False
    return True


@pytest.fixture
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="udup-confined-") as name:
        yield Path(name)


@pytest.mark.usefixtures("confining")
def test_what_the_unit_forbids_is_forbidden(unit: Path, place: Path) -> None:
    """Were it not, the next test would prove nothing."""
    program = (
        "import ctypes, mmap, os\n"
        "def told(what):\n"
        "    try: what()\n"
        "    except OSError as error: return error.errno\n"
        "print(told(lambda: open('/usr/written', 'w')), told(lambda: mmap.mmap(-1, 4096, prot=7)),"
        " told(lambda: os.nice(-5)), told(lambda: os.chroot('/')), told(lambda: open('x', 'w')))\n"
    )
    with _confined(unit, place, {}, "sh", "-c", f'cd {place} && exec "$0" -c "$1"', sys.executable, program) as process:
        process.wait(60)
    refused = (place / "log").read_text().split()
    assert refused == ["30", "13", "1", "1", "None"], "EROFS, EACCES, EPERM, EPERM, and in its own folder nothing"


@pytest.mark.usefixtures("confining")
def test_a_node_under_the_unit_copies_and_follows_and_tells_systemd(
    unit: Path, place: Path, source: MysqlServer, target: MysqlServer, schema: str
) -> None:
    run(source.endpoint, f"CREATE DATABASE {schema}", f"CREATE TABLE {schema}.t (id INT PRIMARY KEY)")
    run(source.endpoint, f"INSERT INTO {schema}.t VALUES (1), (2)")
    port, nats_port = free_port(), free_port()
    settings = place / "udup.toml"
    settings.write_text(f'data_dir = "{place}/data"\n[ports]\nhttp = {port}\nnats = {nats_port}\n')
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(place / "notify"))
        listening.settimeout(60)
        heard: list[bytes] = []
        told = {"NOTIFY_SOCKET": str(place / "notify"), "WATCHDOG_USEC": "60000000"}
        command = (sys.executable, "-m", "udup", "server", "--config", str(settings))
        with _confined(unit, place, told, *command):
            heard.append(listening.recv(4096))
            assert heard[0].startswith(b"READY=1\nSTATUS=API at http://"), (place / "log").read_text()
            api = ApiClient(f"http://127.0.0.1:{port}")
            document = {**job_document(schema, source.endpoint, target.endpoint, [schema]), "ID": schema}
            wait_for(lambda: _is_taken(api, document), lambda: "the job store is there a moment after the API")
            api.wait_stage(schema)
            run(source.endpoint, f"INSERT INTO {schema}.t VALUES (3)")
            wait_for(lambda: value(target.endpoint, f"SELECT COUNT(*) FROM {schema}.t") == 3, lambda: api.job(schema))
            api.delete_job(schema)
            assert listening.recv(4096) == b"WATCHDOG=1"
        end = time.monotonic() + 60
        while heard[-1] != b"STOPPING=1":
            assert time.monotonic() < end
            heard.append(listening.recv(4096))
