"""Each remedy of each failure does as a button what it does as a command: both send the same request."""

from __future__ import annotations

import json
import shlex
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from click.testing import CliRunner

from tests.jobs.documents import seed
from tests.jobs.stopped_jobs import GTID, stopped_job
from udup.base.causes import Cause
from udup.cli import cli
from udup.jobs import JobRecord, to_api, to_stub
from udup.jobs.failing.acts import DOCUMENT_FILE, Act, compare
from udup.jobs.versions import EarlierDocument

#: Method, path, query and body of a write.
Request = tuple[str, str, list[tuple[str, str]], Any]

_DOCUMENT = {"ID": "shop", "Name": "amended"}
_JOB = "shop/eu-1"
_DONE = {"ID": "c", "State": "done", "Unlike": [], "Equal": True, "RowsCompared": 3, "Differences": 0, "Text": ""}


class Recording:
    """A server that knows one job, answers every write with a success, and remembers it."""

    def __init__(self, record: JobRecord) -> None:
        self.writes: list[Request] = []
        outer, job = self, to_api(record)

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = urlsplit(self.path).path
                if path.endswith("/compare"):
                    self._give(_DONE)
                elif path.endswith("/history"):
                    self._give([{"Number": 1, "Present": True, "How": "posted", "Changes": [], "MoreChanges": 0}])
                elif path.endswith("/allocations"):
                    self._give([])
                else:
                    self._give([to_stub(record)] if path == "/v1/jobs" else job)

            def _write(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.writes.append(_request(self.command, self.path, json.loads(body) if body else None))
                self._give({"Index": 1, "Success": True, "Warning": "", "Tables": []})

            do_PUT = do_POST = do_DELETE = _write  # noqa: N815 - http.server's names

            def _give(self, value: Any) -> None:
                body = json.dumps(value).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.send_header("X-Udup-Job-Id", "shop")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _request(method: str, target: str, body: Any) -> Request:
    parts = urlsplit(target)
    return method, parts.path, sorted(parse_qsl(parts.query)), body


def _remedies() -> Iterator[Any]:
    for cause in Cause:
        record = stopped_job(cause, seed(), _JOB)
        record = record.model_copy(update={"documents": (EarlierDocument(document=seed()),)})
        failure = to_api(record)["Failure"]
        assert failure["Kind"] == cause
        for number, remedy in enumerate(failure["Remedies"]):
            yield pytest.param(record, remedy, id=f"{cause}-{number}-{remedy['Act']}")


@pytest.fixture
def recording(request: pytest.FixtureRequest) -> Iterator[Recording]:
    server = Recording(request.getfixturevalue("record"))
    yield server
    server.close()


def _sent_by(command: str, recording: Recording, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Request]:
    """Run a command as it is typed, answering its question with yes."""
    monkeypatch.chdir(folder)
    (folder / DOCUMENT_FILE).write_text(json.dumps(_DOCUMENT))
    program, *words = shlex.split(command)
    assert program == "udup"
    environment = {"HOME": str(folder), "UDUP_ADDR": recording.url, "UDUP_TOKEN": "", "UDUP_CONFIG": ""}
    result = CliRunner().invoke(cli, words, env=environment, input="y\n", prog_name="udup")
    assert result.exit_code == 0, result.output
    return recording.writes


@pytest.mark.parametrize(("record", "remedy"), list(_remedies()))
def test_a_button_sends_what_the_command_sends(
    record: JobRecord, remedy: dict[str, Any], recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if remedy["Act"] == Act.STATEMENT:
        assert not remedy["Method"]
        assert remedy["Command"]
        return
    body = _DOCUMENT if remedy["Act"] == Act.UPDATE else remedy["Body"]
    button = _request(remedy["Method"], remedy["Path"], body)
    query = {name: value for name, value in remedy["Args"].items() if remedy["Body"] is None}
    assert dict(button[2]) == {key: each[0] if isinstance(each, list) else each for key, each in query.items()}
    assert _sent_by(remedy["Command"], recording, tmp_path, monkeypatch) == [button]


@pytest.mark.parametrize("record", [JobRecord(id=_JOB, document=seed())])
def test_a_comparison_as_a_button_is_that_of_the_command(
    record: JobRecord, recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = compare(record.id, ["shop.orders"]).to_api()
    with suppress(AssertionError):  # what it prints afterwards is not looked at here
        _sent_by(told["Command"], recording, tmp_path, monkeypatch)
    assert recording.writes == [_request(told["Method"], told["Path"], told["Body"])]


def test_every_act_is_somewhere_a_remedy() -> None:
    acts = {each.values[1]["Act"] for each in _remedies()}
    assert acts == set(Act) - {Act.COMPARE}


@pytest.mark.parametrize("record", [stopped_job(Cause.ROW_MISSING, seed(), _JOB)])
def test_the_status_lists_what_can_be_done_and_the_list_says_the_word(
    record: JobRecord, recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {"HOME": str(tmp_path), "UDUP_ADDR": recording.url, "UDUP_TOKEN": "", "UDUP_CONFIG": ""}
    monkeypatch.chdir(tmp_path)
    told = CliRunner().invoke(cli, ["job", "status", _JOB], env=environment, prog_name="udup").output
    assert f"  1. udup job repair {_JOB} shop.orders (recommended)\n" in told
    assert f"  3. udup job skip {_JOB} --gtid {GTID}\n" in told
    assert "2023-11-14T22:13:20.123Z" in told
    listed = CliRunner().invoke(cli, ["job", "list"], env=environment, prog_name="udup").output
    assert "diverged" in listed
