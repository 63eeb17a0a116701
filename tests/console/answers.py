"""What the made-up node answers, route by route; shapes are those of docs/api.md."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.console.streams import Streams
from tests.console.world import Json, World, stamp
from tests.web.conftest import NODE_ID
from udup import __version__


class Refusal(Exception):
    """An answer that is an error."""

    def __init__(self, status: str, text: str, details: list[Json] | None = None) -> None:
        super().__init__(text)
        self.status, self.text, self.details = status, text, details or []


@dataclass
class Request:
    world: World
    streams: Streams
    method: str
    path: str
    query: dict[str, list[str]]
    role: str
    _read: Callable[[], Any]
    _body: Any = None
    _is_read: bool = False

    def word(self, name: str, default: str = "") -> str:
        return self.query.get(name, [default])[0]

    def body(self) -> Any:
        if not self._is_read:
            self._body, self._is_read = self._read(), True
        return self._body


def _jobs(request: Request) -> list[Json]:
    return list(request.world.briefs.values())


def _job(request: Request, job_id: str) -> Json:
    if job_id not in request.world.wholes:
        raise Refusal("404 Not Found", "job not found")
    return request.world.whole(job_id)


def _series(request: Request, job_id: str) -> Json:
    _job(request, job_id)
    points = int(request.word("points", "360"))
    lags = request.world.series(job_id, points)
    rate = request.world.briefs[job_id]["RowsPerSecond"] or 0
    rows = [None if lag is None else rate for lag in lags]
    step = 3600 // points
    end = stamp(time.time() // step * step)
    return {"Step": step, "End": end, "LagMs": lags, "RowsPerSecond": rows, "TransactionsPerSecond": rows}


def _all_series(request: Request) -> Json:
    jobs = {job_id: request.world.series(job_id, 60) for job_id in request.world.briefs}
    return {"Step": 60, "End": stamp(time.time() // 60 * 60), "Jobs": jobs}


def _timeline(request: Request, job_id: str) -> Json:
    _job(request, job_id)
    kinds = ("started", "copy_complete", "caught_up", "definition", "compared", "reconnecting", "connected", "document")
    now = request.world.now
    entries = [
        {
            "Number": number,
            "Time": stamp(now - (len(kinds) - number) * 400),
            "Kind": kind,
            "Text": f"{kind} of {job_id}",
            "Params": {},
            "By": "",
            "Gtid": "",
            "Table": "",
        }
        for number, kind in enumerate(kinds, 1)
    ]
    return {"Entries": entries, "Next": len(entries) + 1, "Oldest": 1}


_STATES = {
    "trouble": ("diverged", "failed"),
    "moving": ("copying", "catching up", "joining", "reloading"),
    "waiting": ("waiting", "copied", "stopped"),
    "live": ("live",),
}


def _tables(request: Request, job_id: str) -> Json:
    _job(request, job_id)
    tables = request.world.listed_tables()
    groups = {name: sum(each["State"] in states for each in tables) for name, states in _STATES.items()}
    wanted, word = request.word("state"), request.word("q").lower()
    states = _STATES.get(wanted, tuple(wanted.split(","))) if wanted else ()
    matching = [each for each in tables if (not states or each["State"] in states) and word in each["Table"].lower()]
    sort = request.word("sort", "name")
    keys: dict[str, Callable[[Json], Any]] = {
        "trouble": lambda each: ([each["State"] in group for group in _STATES.values()].index(True), -each["Bytes"]),
        "size": lambda each: each["Bytes"],
        "rows": lambda each: each["Rows"],
        "changed": lambda each: each["Inserted"] + each["Updated"] + each["Deleted"],
        "last_change": lambda each: each["LastChange"],
    }
    matching.sort(key=keys.get(sort.lstrip("-"), lambda each: each["Table"]), reverse=sort.startswith("-"))
    offset, limit = int(request.word("offset", "0")), int(request.word("limit", "1000"))
    return {
        "Tables": matching[offset : offset + limit],
        "Next": "",
        "Total": len(tables),
        "Matching": len(matching),
        "Offset": offset,
        "Groups": groups,
        "States": {},
        "ChangesSince": stamp(request.world.now - 86_400),
        "ChangesProblem": "",
    }


def _act(request: Request, job_id: str, act: str) -> Json:
    _job(request, job_id)
    became = {"pause": ("paused", "paused"), "resume": ("running", "running")}.get(act)
    if became:
        state, group = became
        now = stamp(time.time())
        request.streams.change(job_id, Shown=state, Group=group, NeedsYou=False, ShownSince=now, Reason="")
    return {"Success": True, "Index": 5001, "EvalID": "", "Warning": "", "Tables": []}


def _delete(request: Request, job_id: str) -> Json:
    if request.world.briefs.pop(job_id, None):
        request.world.wholes.pop(job_id)
        request.streams.tell("jobs", {"Jobs": [], "Gone": [job_id]})
    return {"Success": True, "Index": 5002}


def _self(request: Request) -> Json:
    return {
        "config": {"NodeName": "udup-1", "DataDir": "/var/lib/udup", "Ports": {"HTTP": 8190}},
        "member": {"Name": "udup-1", "Addr": "127.0.0.1", "Port": 8190, "Status": "alive"},
        "stats": {"runtime": {"version": __version__, "python": "3.11.2"}, "udup": {"jobs": str(request.world.jobs)}},
        "Role": request.role,
        "NeedsToken": False,
    }


def _members(_request: Request) -> Json:
    members = [_member("udup-1", 8190, "alive"), _member("udup-2", 8191, "failed"), _member("udup-3", 8192, "alive")]
    return {"ServerName": "udup-1", "ServerRegion": "global", "ServerDC": "dc1", "Members": members}


def _member(name: str, port: int, status: str) -> Json:
    tags = {"role": "manager", "id": f"{port:08}-df9b-1541-9009-83952e7b672a"}
    return {"Name": name, "Addr": "127.0.0.1", "Port": port, "Status": status, "Tags": tags}


def _nodes(_request: Request) -> list[Json]:
    return [_node(NODE_ID, "udup-1", "ready", ""), _node(NODE_ID.replace("1", "2"), "udup-2", "down", "not heard")]


def _node(node_id: str, name: str, status: str, text: str) -> Json:
    return {
        "ID": node_id,
        "Datacenter": "dc1",
        "Name": name,
        "Status": status,
        "StatusDescription": text,
        "Drain": False,
        "CreateIndex": 4,
        "ModifyIndex": 5,
    }


def _one_node(_request: Request, node_id: str) -> Json:
    found = next(each for each in _nodes(_request) if each["ID"] == node_id)
    return {**found, "HTTPAddr": "127.0.0.1:8190", "NatsAddr": "127.0.0.1:8193", "Attributes": {}}


def _allocations(request: Request) -> list[Json]:
    return [
        {
            "ID": f"{number:08}-df9b-1541-9009-83952e7b672a",
            "JobID": job_id,
            "NodeID": NODE_ID,
            "Task": "Src",
            "ClientStatus": "running",
            "ModifyIndex": number,
            "CreateTime": int((request.world.now - 600) * 1e9),
        }
        for number, job_id in enumerate(list(request.world.briefs)[:5])
    ]


def _actors(request: Request) -> list[Json]:
    now = time.time()
    common = [("supervisor", "", 71), ("store", "", 72), ("keeper", "", 73)]
    jobs = list(request.world.briefs)[:6]
    of_jobs = [(role, job_id, 0) for job_id in jobs for role in ("extractor", "applier", "worker", "worker")]
    return [
        {
            "Role": role,
            "JobID": job_id,
            "Pid": pid or 100 + number,
            "Slot": number % 2,
            "State": "running",
            "Started": now - 86_400 + number,
            "Restarts": 3 if number == 8 else 0,
            "Rss": (40 + number * 3) << 20,
        }
        for number, (role, job_id, pid) in enumerate([*common, *of_jobs])
    ]


def _health(_request: Request) -> Json:
    return {"Live": True, "Ready": True, "Problems": [], "Reconnecting": {"target": 2}}


Answer = Callable[..., Any]

_ID = r"job/(.+?)"

ANSWERS: dict[str, list[tuple[str, Answer]]] = {
    "GET": [
        ("jobs", _jobs),
        ("series", _all_series),
        (f"{_ID}/series", _series),
        (f"{_ID}/timeline", _timeline),
        (f"{_ID}/tables", _tables),
        (f"{_ID}/(?:allocations|evaluations)", lambda _request, _job_id: []),
        (r"job/([^/]+)", _job),
        ("self", _self),
        ("members", _members),
        ("nodes", _nodes),
        ("leader", lambda _request: "127.0.0.1:8190"),
        (r"node/([^/]+)", _one_node),
        ("allocations", _allocations),
        ("agent/actors", _actors),
        (r"agent/actor/\d+/stacks", lambda _request: "Thread 71:\n  supervisor.py:120 receive"),
        ("health", _health),
    ],
    "PUT": [
        (r"agent/actor/\d+/kill", lambda _request: None),
        (f"{_ID}/(pause|resume|skip|settle|reload|compare|repair|revert|finish)", _act),
    ],
    "POST": [
        (f"{_ID}/(pause|resume|skip|settle|reload|compare|repair|revert|finish)", _act),
        (r"agent/actor/\d+/kill", lambda _request: None),
    ],
    "DELETE": [(r"job/([^/]+)", _delete)],
}
