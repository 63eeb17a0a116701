"""What the made-up node answers about comparing and cutting over a job, made by the API's own shapes.

So a test says exactly what the node would: how far a comparison is, which rows differ, at which step a cut-over stands.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.console.answers import Refusal, Request
from tests.console.made_up import MadeUp
from udup.pipeline.cutover.state import Cutover, CutoverState, Options, StepName, StepState
from udup.pipeline.ports.compare import LedgerRow
from udup.pipeline.verify.state import CompareOptions, CompareState, Comparison, UnlikeDefinition, UnlikeTable
from udup.web.schemas.compare import comparison_of, differences_of
from udup.web.schemas.cutover import cutover_of

Json = dict[str, Any]

GTIDS = "3e11fa47-8c1d-11f0-a1b2-0242ac120002:1-901210"

#: What follows /v1/job/ID/ in the paths that are answered here.
PARTS = ("compare", "differences", "row", "repair", "resume", "cutover", "level", "estimate", "snapshot")

_JOB_RESPONSE = {"Index": 12, "KnownLeader": False, "LastContact": 0, "Success": True}


def ago_ms(seconds: float) -> int:
    return int((time.time() - seconds) * 1000)


def ago_ns(seconds: float) -> int:
    return ago_ms(seconds) * 1_000_000


def row(table: str, key: str, kind: str, columns: tuple[str, ...] = (), **more: Any) -> LedgerRow:
    """A row of the ledger, found two minutes ago."""
    fields = {"count": 1, "computed": False, "first_seen": ago_ms(130), "last_seen": ago_ms(120), "position": GTIDS}
    at = f"{table} {key}"
    return LedgerRow(at=at, schema="billing", table=table, key=key, kind=kind, columns=columns, **(fields | more))


def definition(text: str, remedy: str, *, counts: bool = True) -> LedgerRow:
    """A definition of the ledger."""
    return row("invoice", "", "missing", definition=text, remedy=remedy, counts=counts)


LEDGER = [
    definition(
        "billing.invoice: index by_state is not on the target",
        "ALTER TABLE `billing`.`invoice` ADD KEY `by_state` (`state`)",
    ),
    definition("billing.invoice: index for_reports is only on the target", "", counts=False),
    row("invoice", "48213", "missing"),
    row("invoice", "48219", "differs", ("status", "memo", "note")),
    row("invoice", "48240", "extra"),
    row("credit_note", "771", "differs", ("memo",)),
    row("tax_rate", "7, 19", "missing", count=2),
    row("invoice", "48001", "differs", ("total",), repaired=ago_ms(3600)),
]

COLUMNS: list[tuple[str, str, str | None, str | None]] = [
    ("id", "int", "48219", "48219"),
    ("status", "varchar(20)", "paid", "open"),
    ("memo", "text", None, ""),
    ("note", "text", "paid by card  ", "paid by\tcard"),
    ("photo", "blob", "0xffd8ffe000104a46", "0xffd8ffe000104a46"),
    ("story", "text", "a" * 300 + "b" + "c" * 100, "a" * 300 + "d" + "c" * 100),
]


def columns() -> list[Json]:
    more = {"Computed": False, "Cut": False}
    return [
        {"Column": name, "Type": kind, "Source": ours, "Target": theirs, "Equal": ours == theirs, **more}
        for name, kind, ours, theirs in COLUMNS
    ]


def comparison(state: CompareState = CompareState.DONE, **more: Any) -> Comparison:
    """A comparison that has found what is in LEDGER."""
    found: Json = {
        "options": CompareOptions(),
        "tables": 41,
        "rows": 48_200_000,
        "differences": 6,
        "definitions": 1,
        "unlike": (
            UnlikeTable(name="billing.invoice", differences=3),
            UnlikeTable(name="billing.credit_note", differences=1),
            UnlikeTable(name="billing.tax_rate", differences=2),
            UnlikeTable(name="billing.session", problem="its rows are written while they are read (MEMORY)"),
        ),
        "defined": (UnlikeDefinition(text="billing.invoice: index by_state is not on the target"),),
        "since_ns": ago_ns(400),
        "ended_ns": 0 if state is CompareState.RUNNING else ago_ns(120),
        "id": "c1",
    }
    return Comparison(state=state, **(found | more))


def cutover(done: int, state: CutoverState = CutoverState.RUNNING, **more: Any) -> Cutover:
    """A cut-over of which the first `done` steps are done, and the next one is being done."""
    options = more.pop("options", Options(source_read_only=True, enable_events=True, reverse=True))
    made = Cutover.asked(options).with_(since_ns=ago_ns(60), id="cut", way_back="orders-back")
    for place, name in enumerate(StepName):
        if place < done:
            made = made.noted(name, StepState.DONE, f"{name.value} is done")
        elif place == done and state is CutoverState.RUNNING and not options.dry_run:
            made = made.noted(name, StepState.DOING, "")
    switched = ago_ns(5) if done >= 5 else 0
    return made.with_(state=state, switched_ns=more.pop("switched_ns", switched), **more)


#: What a repair does with a row, by how it differs.
_DOES = {"missing": "insert", "extra": "delete", "differs": "replace"}


def plan_of(ledger: list[LedgerRow]) -> Json:
    """Return what a dry run of a repair says."""
    rows = [each for each in ledger if not each.definition and not each.repaired]
    does = [_DOES[each.kind] for each in rows]
    told = [
        {"Schema": each.schema, "Table": each.table, "Key": each.key, "Kind": each.kind, "Does": what}
        for each, what in zip(rows, does, strict=True)
    ]
    counts = {f"{what.capitalize()}s": does.count(what) for what in _DOES.values()}
    return {"DryRun": True, "Total": len(rows), **counts, "Rows": told, "Note": ""}


@dataclass
class Acts:
    """What the node says of one job's acts. `sent` are the changes that were asked for, trials left out.

    `refuse`: part → what it is refused for. `then`: (method, part) → what has come of it at the node.
    """

    comparison: Comparison | None = None
    ledger: list[LedgerRow] = field(default_factory=list)
    cutover: Cutover | None = None
    missing: str = ""
    hidden: bool = False
    sent: list[tuple[str, str, Any]] = field(default_factory=list)
    refuse: dict[str, Refusal] = field(default_factory=dict)
    then: dict[tuple[str, str], Callable[[Any], None]] = field(default_factory=dict)

    def put_in(self, fake: MadeUp, job: str) -> Acts:
        """Answer for this job of the made-up node from here."""
        for part in PARTS:
            for method in ("GET", "POST", "PUT", "DELETE"):
                fake.answers[method, f"job/{job}/{part}"] = partial(self._answer, part)
        fake.world.besides[job] = self._told
        return self

    def _told(self) -> Json:
        """Return what the job itself says of its comparison and its cut-over."""
        compared, cut = self.comparison, self.cutover
        return {
            "Comparison": compared and {"State": compared.state.value, "Equal": compared.equal, "Text": compared.text},
            "Cutover": cut and {"State": cut.state.value, "Text": cut.told},
        }

    def _answer(self, part: str, request: Request) -> Any:
        query = {name: values[0] for name, values in request.query.items()}
        body = request.body()
        if request.method != "GET" and not (part == "repair" and (body or {}).get("DryRun")):
            self.sent.append((request.method, part, body if body is not None else query or None))
            if part in self.refuse:
                raise self.refuse[part]
        if change := self.then.get((request.method, part)):
            change(body)
        found = getattr(self, f"_{part}")(request.method, query, body)
        if found is None:
            raise Refusal("404 Not Found", f"there is no {part} of this job")
        return found

    def _compare(self, method: str, _query: Json, _body: Any) -> Json | None:
        if method != "GET":
            return dict(_JOB_RESPONSE)
        return comparison_of(self.comparison) if self.comparison else None

    def _differences(self, _method: str, query: Json, _body: Any) -> Json:
        limit, after = int(query.get("limit", 100)), query.get("after", "")
        start = next((place + 1 for place, each in enumerate(self.ledger) if each.at == after), 0) if after else 0
        return differences_of(self.ledger[start : start + limit], limit)

    def _row(self, _method: str, query: Json, _body: Any) -> Json:
        kind = next(each.kind for each in self.ledger if (each.table, each.key) == (query["table"], query["key"]))
        there = {"SourceThere": kind != "extra", "TargetThere": kind != "missing"}
        shown = columns()
        for column in shown:
            if kind != "differs":
                column.update({"Equal": False, "Target" if kind == "missing" else "Source": None})
            if self.hidden:
                column.update({"Source": None, "Target": None})
        return {"Columns": shown, "Hidden": self.hidden, "Problem": "", **there}

    def _repair(self, _method: str, _query: Json, body: Any) -> Json:
        if not body.get("DryRun"):
            return dict(_JOB_RESPONSE)
        wanted = None if body.get("All") else body["Tables"]
        return plan_of([each for each in self.ledger if wanted is None or f"{each.schema}.{each.table}" in wanted])

    def _resume(self, _method: str, _query: Json, _body: Any) -> Json:
        return dict(_JOB_RESPONSE)

    def _snapshot(self, _method: str, query: Json, _body: Any) -> Json:
        return {**_JOB_RESPONSE, "Tables": [query["table"]]}

    def _cutover(self, method: str, _query: Json, _body: Any) -> Json | None:
        if method != "GET":
            return {**_JOB_RESPONSE, "Warning": ""}
        return cutover_of(self.cutover) if self.cutover else None

    def _level(self, _method: str, _query: Json, _body: Any) -> Json:
        asked = {"Wanted": GTIDS, "Applied": GTIDS, "Stage": "running", "Why": ""}
        return {"Level": not self.missing, "Missing": self.missing, **asked}

    def _estimate(self, _method: str, _query: Json, _body: Any) -> Json:
        return {"Seconds": 56, "Rows": 61_000_000, "Bytes": 9 << 30, "Why": ""}
