"""The API's description is complete and true: every route is in it, and every example fits it."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema_rs
from falcon.testing import simulate_get, simulate_post
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.jobs.subscriptions import to_kafka, to_nats
from tests.web.shown_app import app_with_a_job
from udup.web.openapi.document import openapi as document
from udup.web.openapi.examples import by_schema, job_document
from udup.web.resources.console import is_file

METHODS = {"get", "put", "post", "delete"}

#: What a path of the application holds in the description: the parts behind an ID are routes of their own there.
PARAMETER = re.compile(r"{[^}]*}")

#: A route that reads whatever the method is; described once.
ANY_METHOD = {(method, "/v1/agent/allocation/{path:path}") for method in ("put", "post", "delete")}

APP = app_with_a_job()


def test_every_node_of_a_version_describes_the_same_whenever_it_is_asked() -> None:
    told = [json.dumps(document())]
    document.cache_clear()
    by_schema.cache_clear()
    told.append(json.dumps(document()))
    assert told[0] == told[1]


def test_every_route_is_described_and_nothing_else() -> None:
    """The description's paths without their parts and parameters are the routes of the application, files aside."""
    routes = {(method.lower(), path) for method, path in _routes() if not is_file(path)}
    described = {(method, path) for path, methods in document()["paths"].items() for method in methods}
    for method, path in described:
        assert any(_matches(route, path) and method == its for its, route in routes), f"{method} {path} is not there"
    for method, route in routes - ANY_METHOD:
        assert any(_matches(route, path) and method == its for its, path in described), f"{route} is not described"


def _routes() -> list[tuple[str, str]]:
    found = []

    def walk(nodes: list[Any], path: str) -> None:
        for node in nodes:
            here = f"{path}/{node.raw_segment}"
            for method, responder in (node.method_map or {}).items():
                if method.lower() in METHODS and "on_" in getattr(responder, "__qualname__", ""):
                    found.append((method, here))
            walk(node.children, here)

    walk(APP._router._roots, "")  # falcon has no list of its routes
    return found


def _matches(route: str, path: str) -> bool:
    pattern = "".join(
        (".+" if ":path" in part else "[^/]+") if PARAMETER.fullmatch(part) else re.escape(part)
        for part in re.split(f"({PARAMETER.pattern})", route)
    )
    return re.fullmatch(pattern, path) is not None


def test_every_example_fits_its_schema() -> None:
    whole = document()
    seen = 0
    for methods in whole["paths"].values():
        for operation in methods.values():
            bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
            for content in (content for body in bodies for content in body.get("content", {}).values()):
                for example in content.get("examples", {}).values():
                    schema = {**content["schema"], "components": whole["components"]}
                    jsonschema_rs.validator_for(schema).validate(example["value"])
                    seen += 1
    assert seen > 35


def test_every_key_of_a_jobs_document_says_what_it_is() -> None:
    """Forms are made from this description; a key without help leaves its reader alone."""
    schemas = document()["components"]["schemas"]
    seen: set[str] = set()

    def walk(name: str) -> None:
        seen.add(name)
        for key, schema in schemas[name].get("properties", {}).items():
            assert schema.get("description"), f"{name}.{key}"
        for other in re.findall(r"#/components/schemas/(\w+)", json.dumps(schemas[name])):
            if other not in seen:
                walk(other)

    walk("JobSpec")
    assert {"ConnectionConfig", "ReplicatedTable", "NatsConfig", "KafkaConfig", "Verify"} <= seen


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(max_size=10), inside, max_size=4),
    max_leaves=12,
)


@st.composite
def spoilt_jobs(draw: st.DrawFn) -> Any:
    """A good job with one or two of its values, anywhere, replaced by anything."""
    job: Any = json.loads(json.dumps(draw(st.sampled_from([job_document(), to_nats({}, Options={}), to_kafka()]))))
    for _ in range(draw(st.integers(1, 2))):
        at: Any = job
        while True:
            keys = list(at) if isinstance(at, dict) else list(range(len(at)))
            key = draw(st.sampled_from(keys))
            if isinstance(at[key], (dict, list)) and at[key] and draw(st.booleans()):
                at = at[key]
                continue
            at[key] = draw(ANY_JSON)
            break
    return draw(st.sampled_from([job, {"Job": job}]))


@given(body=ANY_JSON | spoilt_jobs())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_json_is_a_reason_for_a_fault_of_ours(body: Any) -> None:
    for path in ("/v1/jobs", "/v1/validate/job"):
        answer = simulate_post(APP, path, json=body, host="localhost")
        assert answer.status_code in (200, 400), (body, answer.text)
    assert simulate_get(APP, "/v1/jobs", host="localhost").status_code == 200
    assert simulate_get(APP, "/v1/allocations", host="localhost").status_code == 200
