"""Puts the OpenAPI document together: paths from the operations, schemas from the models, examples beside them."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema

from udup import __version__
from udup.jobs import JobSpec
from udup.web.openapi.components import PARAMETERS, RESPONSE_HEADERS, RESPONSES, SCHEMAS
from udup.web.openapi.examples import by_schema
from udup.web.openapi.operations import COMMON_ERRORS, OPERATIONS, Operation
from udup.web.openapi.progress import HOLDERS, REFERENCE, progress_schemas
from udup.web.schemas import (
    agent,
    allocations,
    compare,
    cutover,
    grants,
    inspect,
    jobs,
    live,
    moves,
    nats,
    nodes,
    rows,
    tables,
    versions,
)

_ABOUT = (
    "Jobs that replicate MySQL databases. Errors are told as bare text, or as JSON to a client whose Accept names "
    "application/json. Keys of a posted job match in any case; unknown keys are refused."
)

_BODIES: tuple[type[BaseModel], ...] = (
    JobSpec,
    cutover.CutoverRequest,
    compare.CompareRequest,
    compare.RepairRequest,
    inspect.InspectRequest,
    nats.NatsUserRequest,
)

#: Other answers to a posted job.
_OF_A_POST = ("EvaluatedJobResponse", "WarnedJobResponse", "WarnedEvaluatedJobResponse")

_ANSWERS: tuple[type[BaseModel], ...] = (
    jobs.Job,
    jobs.JobStub,
    jobs.JobResponse,
    jobs.EvaluatedJobResponse,
    jobs.WarnedEvaluatedJobResponse,
    jobs.LevelAnswer,
    jobs.Events,
    jobs.WarnedJobResponse,
    jobs.ReloadResponse,
    jobs.SnapshotResponse,
    jobs.Validation,
    live.JobBrief,
    live.JobSeries,
    live.AllSeries,
    live.JobTimeline,
    inspect.Inspected,
    grants.JobGrants,
    rows.LedgerRowNow,
    rows.RepairPlan,
    rows.ActEstimate,
    tables.JobTable,
    tables.JobTables,
    versions.JobDocument,
    cutover.Cutover,
    compare.Comparison,
    compare.Differences,
    allocations.AllocationStub,
    allocations.Allocation,
    allocations.Evaluation,
    nodes.NodeStub,
    nodes.Node,
    nodes.NodeUpdateResponse,
    moves.NodeDrain,
    moves.Moves,
    agent.Members,
    agent.Self,
    agent.Joined,
    agent.Actor,
    agent.AllocationStatistics,
    agent.Health,
    nats.NatsUser,
    nats.NatsCredentials,
    agent.Live,
)

_JSON, _TEXT, _METRICS = "application/json", "text/plain", "application/openmetrics-text"
_STREAM = "text/event-stream"


class _Untitled(GenerateJsonSchema):
    """Without a title for each field, which would say its name again in another case."""

    def field_title_should_be_set(self, _schema: object) -> bool:
        return False


@cache
def openapi() -> dict[str, Any]:
    """The whole document; the same for every node of this version."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Udup REST API", "version": __version__, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "security": [{}, {"token": []}],
        "tags": [{"name": tag} for tag in dict.fromkeys(operation.tag for operation in OPERATIONS)],
        "paths": _paths(),
        "components": {
            "schemas": {**_schemas(), **SCHEMAS},
            "parameters": PARAMETERS,
            "headers": RESPONSE_HEADERS,
            "responses": RESPONSES,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "the server's setting api.token"}
            },
        },
    }


def _schemas() -> dict[str, Any]:
    wanted: list[tuple[type[BaseModel], JsonSchemaMode]] = [(model, "validation") for model in _BODIES]
    wanted += [(model, "serialization") for model in _ANSWERS]
    _, found = models_json_schema(wanted, ref_template="#/components/schemas/{model}", schema_generator=_Untitled)
    schemas: dict[str, Any] = {**found["$defs"], **progress_schemas(_Untitled)}
    for holder in HOLDERS:
        schemas[holder]["properties"]["Progress"] = REFERENCE
    return schemas


def _paths() -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _described(operation)
    return paths


def _described(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in operation.parameters],
        "responses": _responses(operation),
    }
    if operation.description:
        described["description"] = operation.description
    if operation.body:
        content = {"schema": {"$ref": f"#/components/schemas/{operation.body}"}}
        described["requestBody"] = {"required": True, "content": {_JSON: content | _examples(operation.body)}}
    return described


def _responses(operation: Operation) -> dict[str, Any]:
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in operation.headers}
    ok: dict[str, Any] = {"description": operation.summary}
    if operation.answer:
        ok["content"] = _content(operation)
    if headers:
        ok["headers"] = headers
    responses = {"200": ok}
    for code in sorted({*COMMON_ERRORS, *operation.errors}):
        responses[str(code)] = {"$ref": f"#/components/responses/{code}"}
    if operation.name == "listJobs":
        responses["304"] = {"description": "with brief: the list is what the client has", "headers": headers}
    if operation.answer == "Health":
        responses["503"] = ok | {"description": "the node cannot work now; why, is in Problems"}
    return responses


def _content(operation: Operation) -> dict[str, Any]:
    if operation.answer == "text":
        return {_TEXT: {"schema": {"type": "string"}} | _examples("text")}
    if operation.answer == "metrics":
        return {kind: {"schema": {"type": "string"}} for kind in (_TEXT, _METRICS)}
    if operation.answer == "stream":
        return {_STREAM: {"schema": {}}}  # what reads it may take it for a text, or event by event
    if operation.answer in ("string", "object"):
        return {_JSON: {"schema": {"type": operation.answer}} | _examples(operation.answer)}
    name = operation.answer.strip("[]")
    one = {"type": "string"} if name == "string" else {"$ref": f"#/components/schemas/{name}"}
    if operation.name == "listJobs":
        brief = {"type": "array", "items": {"$ref": "#/components/schemas/JobBrief"}}
        return {_JSON: {"schema": {"anyOf": [{"type": "array", "items": one}, brief]}} | _examples(name, in_list=True)}
    if operation.answer != name:
        return {_JSON: {"schema": {"type": "array", "items": one}} | _examples(name, in_list=True)}
    if operation.body and name == "JobResponse":
        named = (*_OF_A_POST, *(("RepairPlan",) if operation.body == "RepairRequest" else ()))
        others = [{"$ref": f"#/components/schemas/{each}"} for each in named]
        return {_JSON: {"schema": {"anyOf": [one, *others]}} | _examples(name)}
    return {_JSON: {"schema": one} | _examples(name)}


def _examples(name: str, *, in_list: bool = False) -> dict[str, Any]:
    example = by_schema().get(name)
    if example is None:
        return {}
    return {"examples": {name: {"value": [example] if in_list else example}}}
