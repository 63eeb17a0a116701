"""What the made-up node answers to the wizard: two servers as typed, grants, a validation, a job that is taken.

A password other than `PASSWORD` is denied, a host other than those of `HOSTS` is not reached, as a node would say it.
"""

from __future__ import annotations

from typing import Any

from tests.console.answers import Refusal, Request
from tests.console.made_up import MadeUp

Json = dict[str, Any]

SOURCE, TARGET, PASSWORD = "mysql-o1.test", "mysql-o5.test", "right horse"
HOSTS = {SOURCE: ("MySQL", "8.4.5"), TARGET: ("MariaDB", "11.8.2"), "mysql-b1.prod": ("MySQL", "8.0.42")}

GIB = 1 << 30

#: Schema, tables, bytes, how many of which trouble.
SCHEMAS = (
    ("shop", 8, 98 * GIB, {"no_key": 1, "not_carried": 1}),
    ("crm", 127, 18 * GIB, {"not_transactional": 2}),
    ("hr", 33, 2 * GIB, {}),
    ("wide", 2400, 5 * GIB, {}),
)

#: Table, bytes, rows, key, engine, kind, problem, remedy.
SHOP = (
    (
        "audit_log",
        29 * GIB,
        610_000_000,
        "none",
        "InnoDB",
        "no_key",
        "has no primary or unique key",
        "ALTER TABLE `shop`.`audit_log` ADD PRIMARY KEY (…)",
    ),
    ("basket", 2 * GIB, 6_200_000, "primary", "InnoDB", "", "", ""),
    ("customer", 9 * GIB, 31_000_000, "primary", "InnoDB", "", "", ""),
    ("order", 36 * GIB, 96_000_000, "primary", "InnoDB", "", "", ""),
    ("payment", 18 * GIB, 88_000_000, "unique", "InnoDB", "", "", ""),
    (
        "remote",
        2 * GIB,
        14_000_000,
        "primary",
        "FEDERATED",
        "not_carried",
        "its engine is FEDERATED, whose rows live elsewhere: they are not carried",
        "leave it out (ReplicateIgnoreDb)",
    ),
    ("tmp_import", 1 * GIB, 3_000_000, "primary", "InnoDB", "", "", ""),
    ("voucher", 1 * GIB, 900_000, "primary", "InnoDB", "", "", ""),
)

NAMES = ("Table", "Bytes", "Rows", "Key", "Engine", "Kind", "Problem", "Remedy")

CHECKS = [
    ("Src", "connection", "pass", "connected to MySQL 8.4.5", ""),
    ("Src", "binlog_row_image", "pass", "FULL", ""),
    ("Dest", "privileges", "pass", "enough", ""),
]
WARNING = (
    "Src",
    "binlog_retention",
    "warn",
    "the binary log is kept for 1 h",
    "SET PERSIST binlog_expire_logs_seconds = 259200",
)
FAULT = ("Dest", "privileges", "fail", "the account lacks INSERT on shop.*", "GRANT INSERT ON `shop`.* TO 'udup'@'%'")


def answer_wizard(fake: MadeUp, *checks: tuple[str, str, str, str, str]) -> None:
    """Let the made-up node answer the wizard; `checks` are told beside those that pass."""
    fake.answers["POST", "inspect"] = _inspect
    fake.answers["POST", "grants"] = _grants
    fake.answers["POST", "validate/job"] = lambda _request: validation(*checks)
    fake.answers["POST", "jobs"] = _taken


def validation(*checks: tuple[str, str, str, str, str]) -> Json:
    names = ("Task", "Check", "Result", "Found", "Remedy")
    return {
        "DriverConfigValidated": all(check[2] != "fail" for check in checks),
        "ValidationTasks": [],
        "Error": "",
        "Checks": [dict(zip(names, check, strict=True)) for check in (*CHECKS, *checks)],
    }


def _inspect(request: Request) -> Json:
    asked = request.body()
    connection = asked["ConnectionConfig"]
    host, user = connection["Host"], connection["User"]
    if host not in HOSTS:
        return _unlike(f"{host}:{connection['Port']}: connection refused", "check host, port and firewall")
    if connection.get("Password") not in (PASSWORD, "******"):
        return _unlike(
            f"{host}: Access denied for user '{user}'@'10.0.0.7' (using password: YES)", "check the password"
        )
    found = {"Reachable": True, "Error": "", "Remedy": "", "Milliseconds": 3, "FreeBytes": 1100 * GIB, "Next": ""}
    found |= {"Server": _server(*HOSTS[host], user), "Schemas": [_schema(*each) for each in SCHEMAS], "Tables": []}
    if asked.get("Schema"):
        found |= _tables(asked["Schema"], asked.get("After", ""), asked.get("Q", ""), asked.get("Limit", 1000))
    return found


def _unlike(error: str, remedy: str) -> Json:
    return {
        "Reachable": False,
        "Error": error,
        "Remedy": remedy,
        "Milliseconds": 2,
        "Server": None,
        "FreeBytes": None,
        "Schemas": [],
        "Tables": [],
        "Next": "",
    }


def _server(family: str, version: str, user: str) -> Json:
    return {
        "Family": family,
        "Version": version,
        "Tls": True,
        "TlsVersion": "TLSv1.3",
        "ReadOnly": False,
        "Uuid": "3e11fa47-8c1d-11f0-a1b2-0242ac120002",
        "GtidMode": "ON",
        "ClockOffsetMs": 12,
        "BinlogKeptS": 259_200,
        "User": f"{user}@%",
    }


def _schema(name: str, tables: int, size: int, counts: dict[str, int]) -> Json:
    warnings = [f"{number} tables: {kind}" for kind, number in counts.items()]
    return {"Schema": name, "Tables": tables, "Bytes": size, "Rows": 1, "Warnings": warnings, "Counts": counts}


def _tables(schema: str, after: str, search: str, limit: int) -> Json:
    if schema == "shop":
        rows = [dict(zip(NAMES, each, strict=True)) for each in SHOP]
    else:
        number = next(each[1] for each in SCHEMAS if each[0] == schema)
        plain = (1 << 20, 1000, "primary", "InnoDB", "", "", "")
        rows = [dict(zip(NAMES, (f"t{place:05}", *plain), strict=True)) for place in range(number)]
    rows = [row for row in rows if row["Table"] > after and search.lower() in row["Table"]]
    return {"Tables": rows[:limit], "Next": rows[limit - 1]["Table"] if len(rows) > limit else ""}


def _grants(request: Request) -> Json:
    return {each["Type"]: _granted(each) for each in request.body()["Tasks"] if "ConnectionConfig" in each["Config"]}


def _granted(task: Json) -> Json:
    account = f"'{task['Config']['ConnectionConfig']['User']}'@'%'"
    schemas = [each["TableSchema"] for each in task["Config"].get("ReplicateDoDb", [])]
    on = [f"`{schema}`.*" for schema in schemas] or ["*.*"]
    statements = [f"CREATE USER {account} IDENTIFIED BY '…'", *(f"GRANT SELECT ON {name} TO {account}" for name in on)]
    return {"Account": account, "Statements": statements, "Optional": [], "Version": "8.4.5", "Note": ""}


def _taken(request: Request) -> Json:
    """Take the job into the world, as a node does; one of the same ID is refused unless its index is known."""
    body = request.body()
    document = body["Job"]
    known = request.world.wholes.get(document["ID"])
    if body["JobModifyIndex"] != (known["JobModifyIndex"] if known else 0):
        problem = "job exists with conflicting job modify index: 9" if body["JobModifyIndex"] else "job already exists"
        raise Refusal("409 Conflict", f"Enforcing job modify index {body['JobModifyIndex']}: {problem}")
    pattern = request.world.wholes["billing"]
    whole = {**pattern, **document, "Shown": "pending", "Failure": None, "JobModifyIndex": 9}
    request.world.wholes[document["ID"]] = whole
    request.world.briefs[document["ID"]] = {**request.world.briefs["billing"], "ID": document["ID"], "Shown": "pending"}
    return {"Success": True, "Index": 9, "KnownLeader": False, "LastContact": 0, "EvalID": "e"}
