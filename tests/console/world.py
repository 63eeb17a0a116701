"""Jobs that are made up, of every state that there is, so that pages can be looked at without any server.

The same number gives the same world: nothing is left to chance.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

UUID = "3e11fa47-8c1d-11f0-a1b2-0242ac120002"

#: name, state, seconds in it, what is going on, lag in ms, rows a second, further keys of the brief.
_KINDS: tuple[tuple[str, str, int, str, int | None, float | None, Json], ...] = (
    (
        "Billing",
        "diverged",
        420,
        "billing.invoice (id=48213): the source updated a row that the target lacks",
        420_000,
        None,
        {"FailureKind": "row_missing"},
    ),
    (
        "Ledger EU",
        "failed",
        5160,
        "ledger.entry: column memo is VARCHAR(64) on the target, VARCHAR(255) on the source",
        5_160_000,
        None,
        {"FailureKind": "definition"},
    ),
    (
        "CRM legacy",
        "failed",
        93_600,
        f"the source has purged binary logs that this job needs ({UUID}:812334-812901)",
        93_600_000,
        None,
        {"FailureKind": "source_purged"},
    ),
    ("HR", "not_heard", 24, "no report for 24 s; node udup-2 holds this job", 24_000, None, {"Node": "udup-2"}),
    (
        "Warehouse",
        "reconnecting",
        70,
        "mysql-w3.dr:3306 refuses connections (2003)",
        72_000,
        None,
        {"Waits": ("target", "mysql-w3.dr:3306", "refused", "refuses connections (2003)", 8, 6)},
    ),
    (
        "Search feed",
        "reconnecting",
        1260,
        "mysql-s2.idx:3306 is read-only (1290)",
        1_260_000,
        None,
        {"Waits": ("target", "mysql-s2.idx:3306", "read_only", "is read-only (1290)", 30, 42)},
    ),
    ("Events 2026", "lagging", 1860, "the target is slow: the window is full", 372_000, 18_240, {}),
    (
        "Catalog",
        "lagging",
        300,
        "a transaction waits for a row lock in catalog.price",
        41_200,
        6120,
        {"Waits": ("lock", "mysql-k2.dr:3306", "row_lock", "a row lock in catalog.price", 0, 0)},
    ),
    ("Loyalty", "differs", 7380, "a comparison found 3 rows that differ in 1 table", 210, 310, {}),
    ("Orders EU", "cutting_over", 48, "step 3 of 6: waiting until the target is level", 2600, 3120, {}),
    ("Media", "copying", 360, "", None, 9800, {"Percent": 5.1, "EtaS": 5880}),
    ("CRM migration", "copying", 4020, "", None, 41_200, {"Percent": 62.4, "EtaS": 2460}),
    ("Analytics", "catching_up", 540, "", 1_920_000, 24_100, {"EtaS": 240}),
    ("Inventory", "reloading", 95, "stock.move is loaded again", 130, 820, {"Percent": 36.0}),
    ("Archive", "pending", 12, "waits for its source", None, None, {}),
    ("Shop orders to DR", "running", 1_990_800, "", 120, 2840, {}),
    ("Payments", "running", 864_000, "", 0, 640, {}),
    ("Reports", "paused", 10_800, "paused", None, None, {}),
    ("Old shop", "completed", 172_800, "", None, None, {"Type": "migration"}),
)

_GROUPS = {
    "diverged": "needs_you",
    "failed": "needs_you",
    "reconnecting": "healing",
    "not_heard": "healing",
    "lagging": "behind",
    "differs": "behind",
    "running": "running",
    "paused": "paused",
    "completed": "ended",
}
_STAGES = {"paused": "running", "copying": "copying", "catching_up": "catching_up", "pending": "pending"}
_STATUS = {"failed": "failed", "diverged": "failed", "paused": "paused", "completed": "complete", "pending": "pending"}


def stamp(seconds: float) -> str:
    """Return RFC 3339 of a moment."""
    moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


@dataclass
class World:
    """What a made-up node knows. `events` are what a stream will tell; `now` is the moment at which it was made."""

    jobs: int = 40
    tables: int = 300
    now: float = 0.0
    briefs: dict[str, Json] = field(default_factory=dict)
    wholes: dict[str, Json] = field(default_factory=dict)
    #: What is told of a job besides, by its ID.
    besides: dict[str, Callable[[], Json]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for number in range(self.jobs):
            brief = self._brief(number)
            self.briefs[brief["ID"]] = brief
            self.wholes[brief["ID"]] = self._whole(brief)

    def _brief(self, number: int) -> Json:
        kind = number if number < len(_KINDS) else len(_KINDS) - 4
        name, state, seconds, reason, lag, rate, more = _KINDS[kind]
        serial = number - len(_KINDS) + 1
        if serial > 0:  # further ones are running jobs, one in twenty of them another kind
            kind = serial % len(_KINDS) if serial % 20 == 0 else len(_KINDS) - 4
            name, state, seconds, reason, lag, rate, more = _KINDS[kind]
            name = f"{name} {serial + 1}"
            lag = None if lag is None else lag + serial % 7 * 40
        job_id = name.lower().replace(" ", "-")
        ends = f"mysql-{job_id[:1]}{number + 1}"
        brief: Json = {
            "ID": job_id,
            "Name": name,
            "Type": "synchronous",
            "Stage": _STAGES.get(state, "failed" if _GROUPS.get(state) == "needs_you" else "running"),
            "Status": _STATUS.get(state, "running"),
            "Shown": state,
            "ShownSince": stamp(self.now - seconds - number),
            "Group": _GROUPS.get(state, "under_way"),
            "NeedsYou": _GROUPS.get(state) == "needs_you",
            "Reason": reason,
            "FailureKind": "",
            "FailureParams": {},
            "Waits": None,
            "Source": f"{ends}.prod:3306",
            "Target": f"{ends}.dr:3306",
            "LagMs": lag,
            "RowsPerSecond": rate,
            "TransactionsPerSecond": None if rate is None else round(rate / 7, 1),
            "Percent": None,
            "EtaS": None,
            "CopiedRows": 0,
            "TotalRows": 0,
            "TablesCopied": self.tables,
            "Tables": self.tables,
            "Position": f"{UUID}:1-{901_121 + number}",
            "Node": "udup-1",
            "SourceKeepsUntil": stamp(self.now + 183_600) if state in ("diverged", "failed") else "",
            "CreateIndex": 10 + number,
            "ModifyIndex": 5000 + number,
            "JobModifyIndex": 10 + number,
        }
        brief.update(more)
        if brief["FailureKind"]:
            table, _, rest = reason.partition(" (" if "(id" in reason else ":")
            brief["FailureParams"] = {"table": table, **({"key": rest.split(")")[0]} if "id=" in rest else {})}
        if brief["Waits"]:
            brief["Waits"] = self._waits(*brief["Waits"], seconds)
        if brief["Percent"] is not None and state == "copying":
            brief["TotalRows"] = 61_000_000
            brief["CopiedRows"] = int(61_000_000 * brief["Percent"] / 100)
            brief["TablesCopied"] = int(self.tables * brief["Percent"] / 100)
        return brief

    def _waits(self, what: str, to: str, kind: str, why: str, next_s: int, attempts: int, since: int) -> Json:
        return {
            "For": what,
            "To": to,
            "Since": stamp(self.now - since),
            "Why": why,
            "NextTry": stamp(self.now + next_s) if next_s else "",
            "Attempts": attempts,
            "Kind": kind,
            "Session": "8812" if what == "lock" else "",
            "Statement": "",
            "Table": "catalog.price" if what == "lock" else "",
            "Hint": "",
        }

    def whole(self, job_id: str) -> Json:
        """Return a job as it is told now; KeyError for none."""
        more = self.besides.get(job_id)
        return self.wholes[job_id] | (more() if more else {})

    def _whole(self, brief: Json) -> Json:
        job_id = brief["ID"]
        ends = {"Src": brief["Source"], "Dest": brief["Target"]}
        tasks = [
            {
                "Type": side,
                "NodeId": "1eda45f8-df9b-1541-9009-83952e7b672a",
                "NodeName": brief["Node"],
                "Driver": "MySQL",
                "Config": {
                    "ConnectionConfig": {
                        "Host": end.partition(":")[0],
                        "Port": 3306,
                        "User": "udup",
                        "Password": "******",
                    },
                    **({"ReplicateDoDb": [{"TableSchema": "shop"}]} if side == "Src" else {"ParallelWorkers": 4}),
                },
                "Leader": side == "Dest",
                "Constraints": None,
            }
            for side, end in ends.items()
        ]
        return {
            "Region": "global",
            "ID": job_id,
            "Name": brief["Name"],
            "Type": brief["Type"],
            "Datacenters": ["dc1"],
            "Constraints": None,
            "Tasks": tasks,
            "Status": brief["Status"],
            "StatusDescription": brief["Reason"],
            "EnforceIndex": False,
            "CreateIndex": brief["CreateIndex"],
            "ModifyIndex": brief["ModifyIndex"],
            "JobModifyIndex": brief["JobModifyIndex"],
            "EndWhen": "",
            "Failover": False,
            "Compression": "",
            "Verify": None,
            "Stage": brief["Stage"],
            "Start": None,
            "Cutover": None,
            "Comparison": None,
            "Growing": None,
            "Skipped": [],
            "Progress": self._progress(brief),
            "Shown": brief["Shown"],
            "ShownSince": brief["ShownSince"],
            "NeedsYou": brief["NeedsYou"],
            "Group": brief["Group"],
            "Waits": brief["Waits"],
            "Failure": self._failure(brief),
        }

    def _progress(self, brief: Json) -> Json:
        return {
            "lag_ms": brief["LagMs"],
            "level": brief["LagMs"] == 0,
            "rows_per_s": brief["RowsPerSecond"],
            "transactions_per_s": brief["TransactionsPerSecond"],
            "waiting": 6,
            "buffer_fill": 0.02,
            "applied_gtid": brief["Position"],
            "copied_rows": brief["CopiedRows"],
            "copy_total_rows": brief["TotalRows"],
            "copy_percent": brief["Percent"],
            "copy_tables": brief["Tables"],
            "copy_tables_complete": brief["TablesCopied"],
            "eta_s": brief["EtaS"],
            "copy_seconds": 6720,
            "waiting_for": None,
        }

    def _failure(self, brief: Json) -> Json | None:
        kind = brief["FailureKind"]
        if not kind:
            return None
        job, table, gtid = brief["ID"], "billing.invoice", f"{UUID}:901122"
        return {
            "Kind": kind,
            "Params": {"table": table, "gtid": gtid, "server": brief["Target"], "key": "id=48213"},
            "Text": brief["Reason"],
            "At": brief["ShownSince"],
            "Tries": 1,
            "Gtid": gtid,
            "Table": table,
            "Key": "id=48213",
            "Statement": "UPDATE, 3 rows",
            "Position": "binlog.004417:88120331",
            "SourceKeepsUntil": brief["SourceKeepsUntil"],
            "Remedies": [
                remedy(
                    "compare",
                    {"Tables": [table]},
                    f"udup job compare {job} {table}",
                    f"Compare {table} of source and target while the job runs.",
                    best=True,
                ),
                remedy(
                    "reload",
                    {"table": [table]},
                    f"udup job reload {job} {table}",
                    f"Load {table} again, while the job goes on for all other tables.",
                    table,
                    "loses",
                ),
                remedy(
                    "skip",
                    {"gtid": gtid},
                    f"udup job skip {job} --gtid {gtid}",
                    f"Pass over {gtid}: nothing of it is applied, so both sides differ until the tables are repaired.",
                    "901122",
                    "loses",
                ),
                remedy(
                    "resume",
                    {},
                    f"udup job resume {job}",
                    "Carry the job on at this transaction, when the target is as the source was.",
                ),
            ],
        }

    def series(self, job_id: str, points: int) -> list[float | None]:
        """Return the lag of the last hour, the oldest first."""
        brief = self.briefs[job_id]
        last, seed = brief["LagMs"], sum(job_id.encode())
        if last is None:
            return [None] * points
        if brief["Group"] in ("needs_you", "healing"):
            begun = max(0.05, 1 - (last / 3_600_000))
            return [max(0.0, last * (i / points - begun) / (1 - begun)) if begun < 1 else last for i in range(points)]
        return [max(0.0, last * (1 + 0.3 * math.sin(i * 0.7 + seed) + 0.1 * math.sin(i * 2.3))) for i in range(points)]

    def listed_tables(self) -> list[Json]:
        """Return the tables of a job, in the order of their names."""
        states = ("live",) * 40 + ("diverged", "catching up", "reloading")
        return [self._table(number, states[number % len(states)]) for number in range(self.tables)]

    def _table(self, number: int, state: str) -> Json:
        rows = 40_000_000 // (number + 1)
        return {
            "Table": f"shop.order_line_{number:05}",
            "State": state,
            "Reload": state == "reloading",
            "Percent": 36.0 if state == "reloading" else None,
            "Rows": rows,
            "Total": rows,
            "Position": f"{UUID}:1-901121",
            "Differences": 3 if state == "diverged" else 0,
            "Problem": "",
            "Inserted": number * 3,
            "Updated": number * 2,
            "Deleted": number % 5,
            "Uncounted": 0,
            "LastChange": stamp(self.now - number * 7),
            "LastGtid": f"{UUID}:{901_121 - number}",
            "Bytes": rows * 140,
            "EstimatedRows": rows,
            "Compared": stamp(self.now - 1800 - number),
            "Equal": state != "diverged",
            "Key": "primary",
        }


def remedy(
    act: str, args: Json, command: str, text: str, type_: str = "", danger: str = "none", *, best: bool = False
) -> Json:
    """Return a remedy as the API tells it."""
    return {
        "Act": act,
        "Args": args,
        "Danger": danger,
        "Command": command,
        "Text": text,
        "Recommended": best,
        "Confirm": type_,
        "Seconds": 40 if act == "compare" else None,
    }
