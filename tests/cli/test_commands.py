"""The command line without a server: help, flags, files, exit codes, and what it loads."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from udup.base import row_library
from udup.cli import cli
from udup.cli.commands import ExitCode
from udup.jobs import parse_job
from udup.sandbox.ports import free_port

REPOSITORY = Path(__file__).parent.parent.parent

Udup = Callable[..., Result]


@pytest.fixture
def udup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Udup:
    """The command in an empty folder, with an address where nobody listens."""
    monkeypatch.chdir(tmp_path)
    base = {"HOME": str(tmp_path), "UDUP_ADDR": f"http://127.0.0.1:{free_port()}"}
    cleared = dict.fromkeys(
        ("UDUP_TOKEN", "UDUP_API_TOKEN", "UDUP_CONFIG", "UDUP_REGION", "UDUP_HTTP_AUTH", "UDUP_CA_FILE")
    )

    def run(*words: str, given: str | bytes | None = None) -> Result:
        return CliRunner().invoke(cli, words, env={**cleared, **base}, input=given, prog_name="udup")

    return run


def _every_command(group: click.Group = cli, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    with click.Context(group) as context:
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None, name
            if isinstance(command, click.Group):
                yield from _every_command(command, (*path, name))
            else:
                yield (*path, name)


def test_every_command_has_help_with_an_example(udup: Udup) -> None:
    commands = list(_every_command())
    assert len(commands) > 20
    for words in commands:
        result = udup(*words, "-help")
        assert result.exit_code == ExitCode.OK, words
        assert "Example" in result.stdout and f"udup {' '.join(words)}".replace("job-status", "status") in result.stdout


@pytest.mark.parametrize("words", [["-version"], ["--version"], ["-v"], ["version"]])
def test_the_version_is_told(udup: Udup, words: list[str]) -> None:
    told = udup(*words).stdout
    assert told.startswith("Udup v")
    version = told.splitlines()[0].removeprefix("Udup v")
    assert json.loads(udup("version", "--json").stdout) == {"Version": version, "Decoder": row_library.kind()}


def test_the_version_says_what_reads_rows_and_what_to_do(udup: Udup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_library, "libraries", lambda: iter([Path(__file__)]))
    assert "Reader of rows for subscriptions: python (slow: install a C++ compiler" in udup("version").stdout
    monkeypatch.setattr(row_library, "load", lambda path: None)
    assert udup("version").stdout.splitlines()[1] == "Reader of rows for subscriptions: compiled"


def _printed(program: str) -> str:
    """Return what a program prints in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=True
    ).stdout


def test_the_version_needs_no_library_that_is_slow_to_load() -> None:
    program = (
        "import sys; from click.testing import CliRunner; from udup.cli import cli;"
        "assert CliRunner().invoke(cli, ['version']).exit_code == 0;"
        "print({'httpx', 'pydantic', 'rich', 'thespian', 'falcon', 'pymysql'} & set(sys.modules))"
    )
    assert _printed(program).strip() == "set()"


def test_the_client_of_nats_loads_no_websocket_library() -> None:
    program = (
        "import sys; from contextlib import suppress; from udup import cli; sys.argv = ['udup', 'version'];\n"
        "with suppress(SystemExit): cli.main()\n"
        "import nats.aio.transport; print(nats.aio.transport.aiohttp)"
    )
    assert _printed(program).splitlines()[-1] == "None"


@pytest.mark.parametrize("words", [["job", "list", "--help"], ["members", "--help"], ["--help"]])
def test_a_command_loads_no_validation_library_and_no_database(words: list[str]) -> None:
    program = (
        "import sys; from click.testing import CliRunner; from udup.cli import cli;"
        f"assert CliRunner().invoke(cli, {words!r}).exit_code == 0;"
        "print({'pydantic', 'thespian', 'falcon', 'pymysql'} & set(sys.modules))"
    )
    assert _printed(program).strip() == "set()"


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["nonsense"],
        ["job"],
        ["job", "nonsense"],
        ["job", "run"],
        ["job", "run", "-check-index", "1", "a", "b"],
        ["job", "pause"],
        ["job", "resume", "--all", "a"],
        ["job", "stop"],
        ["job", "revert", "a", "0"],
        ["job", "list", "-nonsense"],
        ["job", "list", "--timeout", "x"],
        ["job", "run", "-check-index", "x", "-"],
        ["node", "status"],
        ["node", "status", "--self", "abcd"],
        ["agent-config"],
        ["agent-config", "-servers", "-update-servers", "a"],
        ["agent-config", "-update-servers"],
        ["demo", "--rows", "many"],
    ],
)
def test_wrong_usage_exits_with_2_and_says_so_on_stderr(udup: Udup, words: list[str]) -> None:
    result = udup(*words)
    assert result.exit_code == ExitCode.USAGE
    assert "Usage: udup" in result.stderr and not result.stdout


@pytest.mark.parametrize(
    "words",
    [
        ["job", "list"],
        ["job", "status", "x", "--json"],
        ["status", "-short", "x"],
        ["node", "list"],
        ["node-status", "-self"],
        ["members"],
        ["metrics"],
        ["admin", "tree"],
        ["admin", "kill", "1", "--yes"],
        ["agent-config", "-servers"],
    ],
)
def test_a_server_that_is_not_there_is_told_with_what_to_do(udup: Udup, words: list[str]) -> None:
    result = udup(*words)
    assert result.exit_code == ExitCode.UNREACHABLE
    assert "no Udup server answers at http://127.0.0.1:" in result.stderr and "from UDUP_ADDR" in result.stderr
    assert "udup server" in result.stderr and not result.stdout


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "is empty"),
        (b" \n ", "is empty"),
        (b'{"Name": "a",\n  oops}', "line 2, column 3"),
        (b'{"Name": "secret-word\n"}', "line 1, column 22"),
        (b"[1]", "this is a list"),
        (b"7", "this is a number"),
        (b"null", "this is null"),
        (b'{"Port": NaN}', "NaN is not a JSON number"),
        (b'{"Name": "\xff"}', "line 1: not UTF-8 (byte 0xff)"),
        (b"[" * 200_000, "nested too deeply"),
    ],
)
def test_a_job_file_that_is_no_json_object_is_told_by_its_place(udup: Udup, text: bytes, said: str) -> None:
    Path("job.json").write_bytes(text)
    for words in (["job", "run"], ["validate"], ["start"]):
        for file, given in (("job.json", None), ("-", text)):
            result = udup(*words, file, given=given)
            assert result.exit_code == ExitCode.FAILED
            assert said in result.stderr and "secret-word" not in result.stderr
            assert ("job.json" in result.stderr) == (file != "-")


def test_a_job_file_that_cannot_be_read_is_told(udup: Udup) -> None:
    Path("folder").mkdir()
    for file, said in (("nowhere.json", "No such file"), ("folder", "Is a directory")):
        result = udup("job", "run", file)
        assert result.exit_code == ExitCode.FAILED
        assert f"cannot read the job file {file}: {said}" in result.stderr


def test_a_document_is_validated_without_a_server(udup: Udup) -> None:
    assert udup("init").exit_code == ExitCode.OK
    assert udup("validate", "--offline", "job.json").exit_code == ExitCode.OK
    assert json.loads(udup("validate", "--offline", "--json", "job.json").stdout)["DriverConfigValidated"] is True
    result = udup("validate", "-offline", "-", given='{"Job": {"Type": "other", "Tasks": [1]}}')
    assert result.exit_code == ExitCode.FAILED
    lines = result.stderr.splitlines()
    assert lines[0] == "udup: refused, 5 faults:" and len(lines) == 6
    assert lines[1].startswith("  Name: ")


def test_init_writes_settings_and_a_job_and_never_overwrites(udup: Udup) -> None:
    result = udup("init", "-dir", "new", "--json")
    assert result.exit_code == ExitCode.OK
    assert json.loads(result.stdout) == {"Written": ["new/udup.toml", "new/job.json"]}
    assert Path("new/udup.toml").read_text() == (REPOSITORY / "config" / "udup.toml").read_text()
    assert parse_job(json.loads(Path("new/job.json").read_text())).id == "shop-to-replica"
    assert Path("new/job.json").stat().st_mode & 0o077 == 0
    Path("new/udup.toml").unlink()
    Path("new/job.json").write_text("mine")
    again = udup("init", "--dir", "new")
    assert again.exit_code == ExitCode.FAILED
    assert "there is already new/job.json" in again.stderr
    assert Path("new/job.json").read_text() == "mine" and not Path("new/udup.toml").exists()


def test_init_writes_a_subscription_that_is_right(udup: Udup) -> None:
    assert udup("init").exit_code == ExitCode.OK
    result = udup("init", "--job", "subscribe")
    assert result.exit_code == ExitCode.OK and "udup validate subscribe.json" in result.stdout
    assert udup("validate", "--offline", "subscribe.json").exit_code == ExitCode.OK
    assert json.loads(Path("subscribe.json").read_text())["Type"] == "subscribe"
    assert Path("subscribe.json").stat().st_mode & 0o077 == 0
    assert udup("init", "--job", "subscribe").exit_code == ExitCode.FAILED
    assert udup("init", "--job", "synchronous", "--dir", "other", "--json").stdout.split() == [
        "{",
        '"Written":',
        "[",
        '"other/job.json"',
        "]",
        "}",
    ]


def test_what_would_be_sent_is_shown_without_passwords(udup: Udup) -> None:
    udup("init")
    result = udup("start", "-output", "-check-index=7", "job.json")
    assert result.exit_code == ExitCode.OK
    body = json.loads(result.stdout)
    assert body["EnforceIndex"] is True and body["JobModifyIndex"] == 7
    assert body["Job"]["Name"] == "shop-to-replica"
    assert "******" in result.stdout and "the source's" not in result.stdout


@pytest.mark.parametrize(
    "address", ["ftp://h:1", "http://", "http://u:p@h:1", "http://h:1/v1", "http://h:99999", "h:x"]
)
def test_an_address_that_is_none_is_refused_with_its_origin(udup: Udup, address: str) -> None:
    result = udup("job", "list", "--address", address)
    assert result.exit_code == ExitCode.FAILED
    assert "--address: the address must be http://host:port" in result.stderr
