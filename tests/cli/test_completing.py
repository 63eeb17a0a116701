"""Completion of commands and of the IDs of jobs, in real shells where they are installed."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.cli.conftest import Asking
from tests.web.conftest import MemoryJobs
from udup.base.config import load_settings
from udup.cli import cli
from udup.jobs import JobRecord
from udup.sandbox.ports import free_port
from udup.web.app import create_app
from udup.web.serve import WebServer

REPOSITORY = Path(__file__).parent.parent.parent


@pytest.fixture
def shop(jobs: MemoryJobs) -> MemoryJobs:
    for job in ("shop-orders", "shop-users", "crm"):
        jobs.records[job] = JobRecord(id=job, document={"ID": job, "Name": job})
    return jobs


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A PATH on which `udup` is this one."""
    program = tmp_path / "bin" / "udup"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{REPOSITORY}" exec "{sys.executable}" -m udup "$@"\n')
    program.chmod(0o755)
    return f"{program.parent}:/usr/bin:/bin"


def _proposed(line: str, address: str, **environment: str) -> Result:
    """What bash would be told for a line that ends in the word to complete."""
    words = {"_UDUP_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)}
    cleared = dict.fromkeys(("UDUP_TOKEN", "UDUP_API_TOKEN", "UDUP_CONFIG", "UDUP_REGION", "UDUP_CA_FILE"))
    return CliRunner().invoke(cli, [], prog_name="udup", env={**cleared, "UDUP_ADDR": address, **words, **environment})


def _values(result: Result) -> list[str]:
    return [line.partition(",")[2] for line in result.stdout.splitlines() if line]


def test_the_ids_of_jobs_are_completed_wherever_a_job_is_named(address: str, shop: MemoryJobs) -> None:
    assert _values(_proposed("udup job status sho", address)) == ["shop-orders", "shop-users"]
    for words in ("job pause", "job list", "job export", "job cutover", "job wait", "job move", "status", "stop"):
        assert _values(_proposed(f"udup {words} crm", address)) == ["crm"], words
    assert _values(_proposed("udup job pause shop-orders sho", address)) == ["shop-users"], "not the same twice"
    assert _values(_proposed("udup node status sho", address)) == [], "a node is no job"
    assert "job" in _values(_proposed("udup j", address)) and "export" in _values(_proposed("udup job exp", address))


def test_a_server_that_is_away_or_hangs_or_says_no_is_passed_over_in_silence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        ports = (free_port(), hanging.getsockname()[1])
        for port in ports:
            began = time.monotonic()
            found = _proposed("udup job status sho", f"http://127.0.0.1:{port}")
            assert (found.stdout.strip(), found.stderr, found.exit_code) == ("", "", 0)
            assert time.monotonic() - began < 10
    bad = tmp_path / "cli.toml"
    bad.write_text("no toml")
    found = _proposed(f"udup job status --config {bad} sho", "")
    assert (found.stdout.strip(), found.stderr) == ("", "")


def test_a_server_that_sends_its_answer_drop_by_drop_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            with suppress(OSError), listener.accept()[0] as client:
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n[")
                while True:
                    time.sleep(0.2)
                    client.sendall(b" ")

        threading.Thread(target=drip, daemon=True).start()
        began = time.monotonic()
        found = _proposed("udup job status sho", f"http://127.0.0.1:{listener.getsockname()[1]}")
        assert (found.stdout.strip(), found.stderr, found.exit_code) == ("", "", 0)
        assert time.monotonic() - began < 10


def test_an_id_that_a_shell_would_act_on_is_not_proposed(address: str, jobs: MemoryJobs) -> None:
    plain = ["100%", "_a.b-c:d,e", "a/b", "emoji🎉", "订单"]
    for job in [
        *plain,
        "$(reboot)",
        "`reboot`",
        ";reboot",
        "a&b",
        "*",
        "a?b",
        "-rf",
        "=ls",
        "~root",
        "a'b",
        'a"b',
        "a\\b",
        "{a,b}",
    ]:
        jobs.records[job] = JobRecord(id=job, document={"ID": job, "Name": job})
    assert sorted(_values(_proposed("udup job status ", address))) == plain


def test_the_token_is_sent(tmp_path: Path, jobs: MemoryJobs, shop: MemoryJobs) -> None:
    token = "a-token-of-the-tests"
    settings = load_settings(flags={"ports.http": 0, "api.token": token})
    web = WebServer(create_app(jobs, jobs, settings, "a-node"), settings)
    web.start()
    try:
        (tmp_path / "token").write_text(token)
        for line, environment in (
            ("udup job status sho", {"UDUP_TOKEN": token}),
            (f"udup job status --token-file {tmp_path / 'token'} sho", {}),
        ):
            assert len(_values(_proposed(line, web.url, **environment))) == 2, line
        assert _proposed("udup job status sho", web.url).stdout.strip() == "", "without it the answer is no"
    finally:
        web.stop()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_reads_its_script(asking: Asking, shell: str, tmp_path: Path) -> None:
    script = asking("completion", shell).stdout
    assert "_UDUP_COMPLETE" in script
    if (program := shutil.which(shell)) is None:
        pytest.skip(f"{shell} is not installed: its script is not read")
    (tmp_path / "script").write_text(script)
    done = subprocess.run([program, "-n", tmp_path / "script"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_bash_completes_a_job(address: str, shop: MemoryJobs, path: str, tmp_path: Path) -> None:
    lines = [
        "set -eu",
        'eval "$(udup completion bash)"',
        "COMP_WORDS=(udup job status shop-o) COMP_CWORD=3 COMPREPLY=()",
        "_udup_completion udup",
        'echo "${COMPREPLY[@]}"',
    ]
    environment = {"PATH": path, "HOME": str(tmp_path), "UDUP_ADDR": address}
    done = subprocess.run(["bash", "-c", "\n".join(lines)], env=environment, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("shop-orders\n", "")


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
def test_fish_completes_a_job(address: str, shop: MemoryJobs, path: str, tmp_path: Path) -> None:
    environment = {"PATH": path, "HOME": str(tmp_path), "UDUP_ADDR": address}
    line = 'udup completion fish | source; complete -C "udup job status shop-o"'
    done = subprocess.run(["fish", "-c", line], env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout.split()[0] == "shop-orders", done.stderr
