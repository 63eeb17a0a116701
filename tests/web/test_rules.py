"""Rules of paths, methods, origins and compression."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from falcon.testing import TestClient


@pytest.mark.parametrize(
    "path",
    ["/", "/v1", "/v1/", "/v1/jobs/", "/v2/jobs", "/V1/jobs", "/v1/health/", "/v1/regions", "/v1/agent/actor/x/stacks"],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_unknown_paths_are_not_found(client: TestClient, path: str, method: str) -> None:
    answer = client.simulate_request(method, path)
    assert (answer.status_code, answer.text) == (404, "404 page not found\n")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_unknown_paths_are_json_to_a_client_that_accepts_it(client: TestClient) -> None:
    answer = client.simulate_get("/v1/regions", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json) == (404, {"error": "404 page not found", "details": []})
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PATCH", "TRACE"])
@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/job/one", "/v1/health"])
def test_other_methods_are_invalid(client: TestClient, path: str, method: str) -> None:
    answer = client.simulate_request(method, path)
    assert answer.status_code == 405
    assert method == "HEAD" or answer.text == "Invalid method"
    assert "allow" not in answer.headers


@pytest.mark.parametrize(("method", "path"), [("DELETE", "/v1/jobs"), ("POST", "/v1/health")])
def test_methods_that_a_path_has_not_are_invalid(client: TestClient, method: str, path: str) -> None:
    answer = client.simulate_request(method, path)
    assert (answer.status_code, answer.text) == (405, "Invalid method")


@pytest.mark.parametrize(
    ("path", "clean"),
    [
        ("//v1/jobs", "/v1/jobs"),
        ("/v1//jobs", "/v1/jobs"),
        ("/v1/./jobs", "/v1/jobs"),
        ("/v1/x/../jobs", "/v1/jobs"),
        ("/../v1/jobs", "/v1/jobs"),
        ("/v1/job", "/v1/job/"),
        ("/v1/node", "/v1/node/"),
        ("/v1/allocation", "/v1/allocation/"),
        ("/v1/evaluation", "/v1/evaluation/"),
        ("/v1/agent/allocation", "/v1/agent/allocation/"),
        ("/v1/job//", "/v1/job/"),
        ("//evil.example/..", "/"),
        ("/v1/job/a%3Cb//", "/v1/job/a%3Cb/"),
    ],
)
def test_paths_are_cleaned_by_a_redirect(client: TestClient, path: str, clean: str) -> None:
    answer = client.simulate_get(path, query_string="pretty=1")
    assert (answer.status_code, answer.headers["location"]) == (301, f"{clean}?pretty=1")
    assert answer.text == f'<a href="{clean}?pretty=1">Moved Permanently</a>.\n\n'
    assert client.simulate_post(path).text == ""


def test_bodies_of_512_bytes_and_more_are_compressed_for_who_takes_it(
    client: TestClient, document: dict[str, Any]
) -> None:
    client.simulate_post("/v1/jobs", json=document)
    plain = client.simulate_get("/v1/job/one")
    assert "content-encoding" not in plain.headers
    assert plain.headers["vary"] == "Accept-Encoding"
    assert len(plain.content) >= 512
    for accepted in ("gzip", "deflate, gzip;q=0.1", "*", "GZIP"):
        answer = client.simulate_get("/v1/job/one", headers={"Accept-Encoding": accepted})
        assert answer.headers["content-encoding"] == "gzip"
        assert gzip.decompress(answer.content) == plain.content
        assert int(answer.headers["content-length"]) == len(answer.content) < len(plain.content)
    for accepted in ("gzip;q=0", "gzip;q=0.0, *", "deflate", "br", "*;q=0"):
        answer = client.simulate_get("/v1/job/one", headers={"Accept-Encoding": accepted})
        assert "content-encoding" not in answer.headers


def test_short_bodies_are_not_compressed(client: TestClient) -> None:
    answer = client.simulate_get("/v1/jobs", headers={"Accept-Encoding": "gzip"})
    assert (answer.text, answer.headers.get("content-encoding")) == ("[]", None)
    assert client.simulate_get("/nowhere").headers["vary"] == "Accept-Encoding"


def test_a_web_page_of_another_origin_may_not_write(client: TestClient, document: dict[str, Any]) -> None:
    evil = {"Origin": "http://evil.example"}
    assert client.simulate_post("/v1/jobs", json=document, headers=evil).status_code == 403
    assert client.simulate_delete("/v1/job/one", headers={"Origin": "null"}).status_code == 403
    assert client.simulate_get("/v1/jobs", headers=evil).status_code == 200
    own = {"Origin": "http://127.0.0.1:8190", "Host": "127.0.0.1:8190"}
    assert client.simulate_post("/v1/jobs", json=document, headers=own).status_code == 200


def test_a_page_behind_a_proxy_that_changes_the_host_writes_where_its_browser_says_so(client: TestClient) -> None:
    page = {"Origin": "https://udup.example.com", "Host": "127.0.0.1:8190"}
    refused = client.simulate_delete("/v1/job/one", headers=page)
    assert refused.status_code == 403 and "proxy_set_header Host $http_host" in refused.text
    assert client.simulate_delete("/v1/job/one", headers={**page, "Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.simulate_delete("/v1/job/one", headers={**page, "Sec-Fetch-Site": "same-site"}).status_code == 403
    assert client.simulate_delete("/v1/job/one", headers={**page, "Sec-Fetch-Site": "same-origin"}).status_code == 200
    for nonsense in ("http://[", "[", "://", "http://a:b@127.0.0.1:8190:1"):
        assert client.simulate_delete("/v1/job/one", headers={"Origin": nonsense}).status_code == 403, nonsense
