"""The parts that operations share: parameters, headers of answers, errors, and the body of a registration."""

from __future__ import annotations

import json
from typing import Any

from udup.jobs.document.gtid_text import ONE_GTID
from udup.jobs.estimates import EstimatedAct
from udup.jobs.record_events import Kind
from udup.jobs.series import COARSER
from udup.jobs.table_pages import SEARCH_MAX, TableGroup, TableSort
from udup.jobs.table_states import TableState
from udup.web.openapi.examples import ALLOCATION_ID, JOB_ID
from udup.web.problems import error_body

_STRING: dict[str, Any] = {"type": "string"}
_FLAG: dict[str, Any] = {"type": "string", "enum": ["1", "true", "0", "false"]}


def _query(name: str, schema: dict[str, Any], description: str, *, required: bool = False) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": required, "schema": schema, "description": description}


def _path(name: str, schema: dict[str, Any], description: str, example: object) -> dict[str, Any]:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "schema": schema,
        "description": description,
        "example": example,
    }


#: States of tables and groups of them, a word of both once.
_TABLE_STATES = list(dict.fromkeys([*map(str, TableState), *map(str, TableGroup)]))

PARAMETERS: dict[str, Any] = {
    "job_id": _path("id", {"type": "string", "minLength": 1}, "the job's ID; slashes in it may stay", JOB_ID),
    "uuid": _path("id", {"type": "string", "format": "uuid"}, "a UUID", ALLOCATION_ID),
    "user_name": _path("name", {"type": "string", "minLength": 1}, "the user's name", "reports"),
    "pid": _path("pid", {"type": "integer", "minimum": 1}, "the actor's process", 4711),
    "pretty": _query("pretty", _STRING, "anything but 0, also nothing: four spaces of indent and a line's end"),
    "region": _query("region", _STRING, "this node's region or nothing; any other is refused"),
    "index": _query(
        "index",
        {"type": "integer", "minimum": 0, "maximum": (1 << 64) - 1},
        "block until the answer's X-Udup-Index is greater than this, or the time is up; 0 does not block",
    ),
    "wait": _query(
        "wait",
        {"type": "string", "pattern": "^([0-9]+(\\.[0-9]+)?(ns|us|ms|s|m|h))+$", "maxLength": 40},
        "for how long at most, as 500ms or 1m30s; 5m when absent and at most",
    ),
    "stale": _query(
        "stale", _STRING, "present: what the node knows, also while its cluster has no leader; else 503 then, after 5 s"
    ),
    "brief": _query("brief", _STRING, "present: each job as a JobBrief"),
    "offset": _query(
        "offset",
        {"type": "integer", "minimum": 0, "maximum": 999_999_999},
        "with brief: so many jobs are passed over",
    ),
    "jobs_limit": _query(
        "limit", {"type": "integer", "minimum": 1, "maximum": 999_999_999}, "with brief: jobs of the answer"
    ),
    "q": _query("q", _STRING, "with brief: jobs whose ID, name, servers or reason have this in them, in any case"),
    "points": _query(
        "points",
        {"type": "integer", "enum": list(COARSER)},
        "points of the hour; 360 of a job and 60 of all when absent",
    ),
    "entries_after": _query(
        "after", {"type": "integer", "minimum": 0}, "entries behind this number: Next of the answer before"
    ),
    "entries_limit": _query(
        "limit", {"type": "integer", "minimum": 1, "maximum": 500}, "entries of the answer; 100 when absent"
    ),
    "entry_kind": _query(
        "kind",
        {"type": "string", "pattern": f"^({'|'.join(Kind)})(,({'|'.join(Kind)}))*$"},
        "entries of these kinds alone, by comma",
    ),
    "topics": _query(
        "topics",
        {"type": "string", "pattern": "^(jobs|nodes|(job|tail):[^,]+)(,(jobs|nodes|(job|tail):[^,]+))*$"},
        "jobs, nodes, job:ID, tail:ID, by comma; jobs when absent. A comma or % in an ID is written %2C or %25",
    ),
    "stream_table": _query(
        "table", {"type": "string", "pattern": "^[^.]+[.].+$"}, "of a tail: messages of this table alone"
    ),
    "rate": _query(
        "rate", {"type": "integer", "minimum": 1, "maximum": 100}, "of a tail: messages a second; 20 when absent"
    ),
    "last_event_id": {
        "name": "Last-Event-ID",
        "in": "header",
        "required": False,
        "schema": {"type": "string", "pattern": "^[0-9a-f]+-[0-9]{1,18}j?$"},
        "description": "the id that came last: the stream tells what has changed since",
    },
    "job_prefix": _query("prefix", _STRING, "only jobs whose ID begins so"),
    "uuid_prefix": _query(
        "prefix",
        {"type": "string", "pattern": "^([0-9a-fA-F]{2}){0,16}$"},
        "only IDs that begin so: an even number of hexadecimal digits",
    ),
    "all": _query("all", _FLAG, "also those of an earlier job of the same ID"),
    "purge": _query("purge", _FLAG, "remove the job's checkpoint from the target as well"),
    "check": _query(
        "check",
        _FLAG,
        "false: store a document for a job that is carried out without asking its servers whether it could start",
    ),
    "to": _query(
        "to",
        {"type": "integer", "minimum": 1, "maximum": 999_999_999},
        "the number of an earlier document; absent: the one before the present",
    ),
    "gtid": _query(
        "gtid",
        {"type": "string", "pattern": ONE_GTID, "maxLength": 128},
        "the transaction that the job's StatusDescription names",
        required=True,
    ),
    "wanted_gtid": _query(
        "gtid",
        {"type": "string", "minLength": 1},
        "a GTID set to wait for; without it the source is asked now what it has executed",
    ),
    "level_timeout": _query(
        "timeout",
        {"type": "string", "pattern": "^[0-9]{1,9}([.][0-9]{1,9})?$"},
        "seconds to wait for it; 30 when absent, 300 at most; 0 answers at once",
    ),
    "events_from": _query(
        "from",
        {"type": "string", "pattern": f"^(start|now|{ONE_GTID[1:-1]})$"},
        "where to begin: at the sink's start, with what comes from now on, which is what happens without it, or with a "
        "transaction",
    ),
    "cursor": _query("cursor", _STRING, "the Cursor of the answer before, in place of from"),
    "table_after": _query("after", _STRING, "only tables whose name comes behind this one: `Next` of the page before"),
    "source_version": _query("source_version", _STRING, "the source's version as it says it; without it it is asked"),
    "target_version": _query("target_version", _STRING, "the target's version as it says it; without it it is asked"),
    "row_schema": _query("schema", {"type": "string", "minLength": 1}, "as the ledger has it", required=True),
    "row_table": _query("table", {"type": "string", "minLength": 1}, "as the ledger has it", required=True),
    "row_key": _query("key", _STRING, "Key of the ledger's row", required=True),
    "estimated_act": _query("act", {"type": "string", "enum": [*EstimatedAct]}, "what is to be done", required=True),
    "estimated_tables": _query(
        "table", {"type": "array", "items": {"type": "string"}}, "schema.table, once for each; without it all tables"
    ),
    "table_offset": _query(
        "offset",
        {"type": "integer", "minimum": 0, "maximum": 999_999_999},
        "only tables behind so many of those that match, in the order of sort; not with after",
    ),
    "table_sort": _query(
        "sort",
        {"type": "string", "pattern": f"^-?({'|'.join(TableSort)})$"},
        "name, which is the order without it; or what is most worth a look first: trouble, the largest (size, rows),"
        " the most changed, the last change, what is farthest from being live (lag). With - in front the other way",
    ),
    "table_state": _query(
        "state",
        {
            "type": "array",
            "items": {"type": "string", "enum": _TABLE_STATES},
        },
        "only tables in one of these states or groups, by comma",
    )
    | {"style": "form", "explode": False},
    "table_search": _query(
        "q", {"type": "string", "maxLength": SEARCH_MAX}, "only tables with this in schema.table, in any case"
    ),
    "limit": _query(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": 999_999_999},
        "tables of the page; 1000 when absent, 10000 at most",
    ),
    "difference_after": _query("after", _STRING, "the Next of the answer before; without it the first page"),
    "difference_limit": _query(
        "limit", {"type": "integer", "minimum": 1, "maximum": 1000}, "rows of the answer; 100 when absent"
    ),
    "snapshot_tables": _query(
        "table",
        {"type": "array", "items": {"type": "string", "pattern": "^[^.]+[.].+$"}, "minItems": 1, "maxItems": 100},
        "tables of the job, as the source has them: schema.table; once for each",
        required=True,
    ),
    "table": _query(
        "table", {"type": "string", "pattern": "^[^.]+[.].+$"}, "messages of this table alone: schema.table"
    ),
    "follow": _query("follow", _FLAG, "false: end where the sink ended when the reading began"),
    "events_timeout": _query(
        "timeout",
        {"type": "string", "pattern": "^[0-9]{1,9}([.][0-9]{1,9})?$"},
        "seconds to wait for a message; 20 when absent, 50 at most",
    ),
    "applied": _query("applied", _FLAG, "true: all its rows are on the target; false: none is", required=True),
    "task": _query("task", _STRING, "Src or Dest"),
    "address": _query(
        "address", {"type": "array", "items": {"type": "string", "minLength": 1}}, "host or host:port", required=True
    ),
    "enable": _query("enable", _FLAG, "true: it gives its jobs up; false: it does not", required=True),
    "deadline": _query(
        "deadline",
        {"type": "string", "pattern": "^[0-9]{1,9}([.][0-9]{1,9})?$"},
        "seconds after which jobs in a full copy go too, and begin it again; absent: they end it first",
    ),
    "dry_run": _query("dry_run", _FLAG, "say which, and move none"),
    "job": _query("job", {"type": "string", "minLength": 1}, "the job's ID", required=True),
    "to_node": _query("node", {"type": "string", "minLength": 1}, "the node's ID", required=True),
    "actors_node": _query("node", {"type": "string"}, "another node: its ID, its name, or the ID's first 8 digits"),
    "node": _query("node", {"type": "string", "minLength": 1}, "the member's name", required=True),
}

RESPONSE_HEADERS: dict[str, Any] = {
    "X-Udup-Index": {
        "schema": {"type": "integer"},
        "description": "what the answer stands for; see the parameter index",
    },
    "X-Udup-KnownLeader": {
        "schema": {"type": "string", "enum": ["true", "false"]},
        "description": "whether a coordinator is heard and the store has answered in the last 3 s; true of one node",
    },
    "X-Udup-LastContact": {
        "schema": {"type": "integer"},
        "description": "milliseconds since the answer was all that was stored; 0 of the coordinator and of one node",
    },
    "X-Udup-Total": {
        "schema": {"type": "integer"},
        "description": "with brief: how many jobs there are, also those of other pages",
    },
    "ETag": {"schema": _STRING, "description": "with brief: sent back as If-None-Match, the same list is 304"},
    "X-Udup-Job-Id": {"schema": _STRING, "description": "the job's ID, percent-encoded where a header needs it"},
}

SCHEMAS: dict[str, Any] = {
    "Registration": {
        "description": "A job, or a job wrapped in an object. What the wrapper says overrules what the job says.",
        "anyOf": [
            {"$ref": "#/components/schemas/JobSpec"},
            {
                "type": "object",
                "required": ["Job"],
                "properties": {
                    "Job": {"$ref": "#/components/schemas/JobSpec"},
                    "EnforceIndex": {"type": "boolean", "description": "write only if JobModifyIndex is the job's"},
                    "JobModifyIndex": {"type": "integer", "minimum": 0},
                    "Region": _STRING,
                },
            },
        ],
    },
    "Problem": {
        "description": "An error as RFC 9457 has it, for who names application/problem+json in Accept.",
        "type": "object",
        "required": ["type", "title", "status", "detail", "errors"],
        "properties": {
            "type": {"type": "string", "description": "about:blank: the status says what kind it is"},
            "title": _STRING,
            "status": {"type": "integer"},
            "detail": _STRING,
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["field", "problem", "remedy"],
                    "properties": {"field": _STRING, "problem": _STRING, "remedy": _STRING},
                },
            },
        },
    },
    "Error": {
        "type": "object",
        "required": ["error", "details"],
        "properties": {
            "error": _STRING,
            "details": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["field", "problem"],
                    "properties": {"field": _STRING, "problem": _STRING},
                },
            },
        },
    },
}

_TEXTS = {
    400: ("what was sent cannot be used; every fault at once", "Invalid index"),
    401: ("the server wants its API token", "401 Unauthorized"),
    403: ("from a web page of another origin, or addressed to another host", "403 Forbidden"),
    404: ("there is no such thing", "job not found"),
    405: ("there is no such method here", "Invalid method"),
    409: (
        "an index that does not hold, a document by which a job could not go on, a cut-over in the way, a name taken",
        "Enforcing job modify index 0: job already exists",
    ),
    413: ("the body is too large", "the request's body is larger than 1048576 bytes"),
    500: ("a fault of the server; its log tells more", "internal error; the server's log tells more"),
    503: ("not now: worth another try after the seconds of Retry-After", "the supervisor does not answer now"),
}


def _error(code: int) -> dict[str, Any]:
    description, text = _TEXTS[code]
    schema = {"$ref": "#/components/schemas/Error"}
    return {
        "description": description,
        "content": {
            "text/plain": {"schema": _STRING, "example": text},
            "application/json": {"schema": schema, "example": {"error": text, "details": []}},
            "application/problem+json": {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "example": json.loads(error_body("application/problem+json", code, text)[0]),
            },
        },
    }


_MOVED: dict[str, Any] = {
    "description": "the path is not clean: Location names the one that is",
    "headers": {"Location": {"schema": _STRING}},
    "content": {"text/html": {"schema": _STRING}},
}

RESPONSES: dict[str, Any] = {"301": _MOVED, **{str(code): _error(code) for code in _TEXTS}}
