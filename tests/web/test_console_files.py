"""The console's files over HTTP: who gets them, and with which headers."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
from falcon import testing

from tests.web.conftest import NODE_ID
from udup.base.config import load_settings
from udup.web.app import create_app
from udup.web.resources import console

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def test_a_browser_is_led_to_the_console_and_nobody_else(client: testing.TestClient) -> None:
    answer = client.simulate_get("/", headers=BROWSER)
    assert (answer.status_code, answer.headers["Location"]) == (302, "console/")
    for accept in ("*/*", "application/json", "application/json, text/html"):
        assert client.simulate_get("/", headers={"Accept": accept}).status_code == 404
    assert client.simulate_post("/", headers=BROWSER).status_code == 404
    assert client.simulate_get("/console").headers["Location"] == "console/"


def test_a_page_comes_with_a_strict_policy(client: testing.TestClient) -> None:
    answer = client.simulate_get("/console/")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert "unsafe" not in policy
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_a_file_is_packed_once_and_not_sent_again(client: testing.TestClient) -> None:
    answer = client.simulate_get("/console/vendor/preact.js", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.content) == (console.CONSOLE / "vendor" / "preact.js").read_bytes()
    refused = client.simulate_get("/console/vendor/preact.js", headers={"Accept-Encoding": "gzip;q=0, identity"})
    assert "Content-Encoding" not in refused.headers and refused.content == gzip.decompress(answer.content)
    again = client.simulate_get("/console/vendor/preact.js", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "name", ["nothing.js", "../app.py", "%2e%2e/app.py", "vendor", "..%2fapp.py", "vendor/../../app.py"]
)
def test_only_names_of_the_list_are_served(client: testing.TestClient, name: str) -> None:
    assert client.simulate_get(f"/console/{name}").status_code in (301, 404)


def test_files_need_no_token_and_data_do(memory: Any) -> None:
    settings = load_settings(flags={"ports.http": 0, "api.token": "a-token-of-16-characters"})
    client = testing.TestClient(create_app(memory, memory, settings, NODE_ID))
    assert client.simulate_get("/console/app.js").status_code == 200
    assert client.simulate_get("/", headers=BROWSER).status_code == 302
    assert client.simulate_get("/v1/jobs").status_code == 401
    assert client.simulate_get("/console/../v1/jobs").status_code == 301  # to where the token is asked for


def test_another_host_name_gets_the_page_that_explains_and_no_data(memory: Any) -> None:
    settings = load_settings(flags={"ports.http": 0})
    client = testing.TestClient(create_app(memory, memory, settings, NODE_ID))
    assert client.simulate_get("/console/", headers={"Host": "evil.example"}).status_code == 200
    assert client.simulate_get("/v1/self", headers={"Host": "evil.example"}).status_code == 403


def test_documentation_that_is_not_built_says_how(memory: Any, monkeypatch: Any, tmp_path: Path) -> None:
    monkeypatch.setattr(console, "SITE", tmp_path)
    client = testing.TestClient(create_app(memory, memory, load_settings(flags={"ports.http": 0}), NODE_ID))
    answer = client.simulate_get("/docs/")
    assert (answer.status_code, "make docs" in answer.text) == (404, True)


def test_a_page_names_all_that_it_needs_at_once(client: testing.TestClient) -> None:
    text = client.simulate_get("/console/").text
    for name in ("start.js", "core/live.js", "pages/jobs/row.js", "vendor/preact.js"):
        assert f'<link rel="modulepreload" href="{name}">' in text
    assert text.count('rel="stylesheet"') == 1
    styles = client.simulate_get("/console/style.css").text
    assert styles.index("--ground:") < styles.index(".frame {") < styles.index(".jobs .name")
    later = client.simulate_get("/console/graph.json").json
    assert "pages/job/head.js" in later["pages/job.js"]
    assert "core/html.js" not in later["pages/job.js"]
    words = client.simulate_get("/console/words/zh.js").text
    assert words.count("export default") == 1
    assert "'nav.jobs': '任务'" in words
    assert "'jobs.title': '任务'" in words
