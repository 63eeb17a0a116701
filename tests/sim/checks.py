"""What must always hold, looked at whenever something changes on the target, and whenever a message is sent.

One invariant carries most: after each commit the target's rows are the source's rows at the checkpoint's position.
Exactly once, in order, nothing torn, nothing lost, no second owner: each is a case of it. A machine that heals itself
hides its faults, so a run that ends must have had a fault of the scenario as its cause.
"""

from __future__ import annotations

import json
import re
from typing import Any

from tests.sim.install import ddl_number
from tests.sim.mysql import LOOSE_ROWS, ROWS, Connection, Key, Server
from tests.sim.scenario import Entry, Scenario
from tests.sim.source import BEGINNING, UUID, Source, gtids
from tests.sim.world import S, World
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.pipeline.records import Credit, Definition, Part, Transaction, XaEnd, decode_batch, decode_upstream

#: Ends of runs that one fault may cause.
_ENDS_OF_A_FAULT = 4

#: Bits of a version that count within one take-over.
_RUN_BITS = 40

_LONG_FAULTS = ("down", "lock", "freeze", "nats")


class Checks:
    """`violation` is the first that was found, empty if none was. It begins with its kind."""

    def __init__(self, world: World, scenario: Scenario, source: Source, target: Server) -> None:
        self._world, self._scenario, self._source, self._target = world, scenario, source, target
        self.violation = ""
        self.is_over = False  # the job has stopped for good, as it is meant to
        self.ended: dict[str, int] = {}  # runs, by the kind of their end
        self.ddl_done: list[int] = []
        #: What the first table has beyond the checkpoint.
        self._ahead = GtidSet.parse(gtids(range(1, scenario.ahead + 1)))
        self.ddl_done += [number for number in source.ddl if number <= scenario.ahead]
        self._sent: dict[str, dict[int, list[int]]] = {}  # by run: message -> transactions
        target.on_commit, target.on_ddl = self._committed, self._ran_ddl

    def fail(self, what: str) -> None:
        if not self.violation:
            self.violation = what
            self._world.note("CHECKER", what)

    def executed(self) -> GtidSet:
        """What the checkpoint says."""
        found = GtidSet()
        for key in self._target.find("checkpoint"):
            found.update(GtidSet.parse(self._target.rows[key][0]))
        return found

    # ---- On the target ----

    def _committed(self, connection: Connection, changed: dict[Key, Any]) -> None:
        rows = self._target.rows
        for key in changed:
            if key[0] == "part" and rows[key] != rows["parts", *key[1:]]:
                self.fail(f"torn: {key[1]} was committed with {rows[key]} of {rows['parts', *key[1:]]} parts")
        if any(key[0] == "changed" for key in changed):
            self._check_counts()
        if any(key[0] in ("checkpoint", ROWS) for key in changed):
            self._compare(f"{connection.process.name}: {connection.what}")

    def _compare(self, after: str) -> None:
        target = self._target
        points = target.find("checkpoint")
        if not points or any(target.rows[key][3] == "copying" for key in points):
            return  # before a copy has ended nothing is claimed
        if len(runs := {key[3] >> _RUN_BITS for key in points}) > 1:
            self.fail(f"owners: checkpoint rows of {len(runs)} take-overs, after {after}")
        executed = self.executed()
        wanted = self._source.rows_at(executed | self._ahead)
        have = {key[1]: target.rows[key] for key in target.find(ROWS)}
        if wanted != have:
            keys = sorted(key for key in {*wanted, *have} if wanted.get(key) != have.get(key))
            at = shown(executed)
            text = "; ".join(f"{key} is {have.get(key)}, at {at} it was {wanted.get(key)}" for key in keys[:2])
            self.fail(f"rows: after {after}: {text}")
        self._compare_loose(after, executed)
        for number in self._source.ddl:
            if executed.contains(UUID, number) and number not in self.ddl_done:
                self.fail(f"ddl: the checkpoint says {number}, which has not run")

    def _check_counts(self) -> None:
        """No event of rows is counted twice, and none before it is executed. Here no event has rows to be counted."""
        executed = self.executed()
        for key in self._target.find("changed"):
            counted, is_loose = self._target.rows[key][3], key[3] == "loose"
            events = [each for each in self._source.log if executed.contains(UUID, each["number"])]
            wanted = sum(_events_of(each) for each in events if (each["kind"] == "loose") == is_loose)
            if counted > wanted:
                self.fail(f"counted: {counted} events of {key[3]}, and {wanted} are executed at {shown(executed)}")

    def _compare_loose(self, after: str, executed: GtidSet) -> None:
        """Rows that nothing undoes: where no note says that they are being applied."""
        target = self._target
        if any(target.rows[key]["gtids"] for key in target.find("unsure")):
            return
        wanted = self._source.rows_at(executed, loose=True)
        have = {key[1]: target.rows[key] for key in target.find(LOOSE_ROWS)}
        if wanted != have:
            self.fail(f"loose rows: after {after}, at {shown(executed)}: {have}, should be {wanted}")

    def _ran_ddl(self, connection: Connection, sql: bytes) -> None:
        number = ddl_number(sql)
        self._world.note(connection.process.name, sql.decode()[:60].replace("\n", " "))
        if number is None:
            if sql.startswith(b"CREATE") and (found := re.search(rb"COMMENT '(\[.*?\])'", sql)):
                self.ddl_done = json.loads(found[1])
            self._compare(f"{connection.process.name}: {sql[:6].decode()}")
            return
        if number in self.ddl_done:
            self.fail(f"ddl: {number} has run twice")
        executed = self.executed() | self._ahead  # what is left out is noted when there is time
        wrong = [each for each in self._source.written if (each < number) != executed.contains(UUID, each)]
        if wrong:
            self.fail(f"barrier: DDL {number} ran with {wrong} on the wrong side of it")
        self.ddl_done.append(number)

    # ---- On the way ----

    def sent(self, node: str, subject: str, data: bytes) -> None:
        """Nothing is credited before it is in the target; no more is under way than the window allows."""
        run = f"{subject.rsplit('.', 1)[0]} {node}"
        if subject.endswith(".log"):
            batch = decode_batch(data)
            numbers = [
                record.id.number
                for record in batch.records
                if isinstance(record, (Transaction, Definition, XaEnd)) or (isinstance(record, Part) and record.last)
            ]
            under_way = self._sent.setdefault(run, {})
            under_way[batch.number] = numbers
            if len(under_way) > self._scenario.window:
                self.fail(f"window: {len(under_way)} messages are under way, {self._scenario.window} may be")
        elif subject.endswith(".up"):
            credit = decode_upstream(data)
            if isinstance(credit, Credit) and credit.channel == "log":
                self._credited(run, credit.number)

    def _credited(self, run: str, number: int) -> None:
        under_way, executed = self._sent.get(run, {}), self.executed()
        for message in [each for each in under_way if each <= number]:
            for transaction in under_way.pop(message):
                if not executed.contains(UUID, transaction) and transaction not in self.ddl_done:
                    self.fail(f"credit: message {message} is credited, and {transaction} is not in the target")

    # ---- At the end of runs ----

    def run_ended(self, kind: str, text: str) -> None:
        self.ended[kind] = self.ended.get(kind, 0) + 1
        if kind == "Conflict":
            self.fail(f"conflict: source and target agree, and yet: {text}")
        faults = [fault for fault in self._scenario.faults if fault["kind"] != "pause"]
        seconds = sum(fault.get("for", 0) // S for fault in faults if fault["kind"] in _LONG_FAULTS)
        allowed = _ENDS_OF_A_FAULT * len(faults) + seconds
        if self._scenario.second is None and sum(self.ended.values()) > allowed:
            self.fail(f"restarts: {sum(self.ended.values())} runs ended by {len(faults)} faults, the last: {text}")

    def heard(self, process: str, event: str, values: dict[str, Any]) -> None:
        """An event of the product's log."""
        if event == "run_ended":
            self.run_ended(str(values.get("kind")), str(values.get("error")))
        elif event == "job_failed":
            self.fail(f"failed: {process}: {values.get('kind')}: {values.get('error')}")
        elif event in ("message_failed", "engine_failed", "store_engine_ended"):
            self.fail(f"exception: {process}: {event} {values}")

    def at_the_end(self) -> None:
        if left := self._target.find("prepared"):
            self.fail(f"left: prepared transactions {left}")
        for key, wanted in self._source.history.items():
            have = self._target.rows.get((LOOSE_ROWS if key[0] == "m" else ROWS, key))
            if have != wanted:
                self.fail(f"rows: at the end {key} is {have}, and should be {wanted}")


def shown(executed: GtidSet) -> str:
    """Numbers alone."""
    return str(executed).replace(BEGINNING, "").replace(UUID, "").strip(",:")


def _events_of(entry: Entry) -> int:
    """Return how many rows events an entry of the log brings, itself or as the end of what was prepared."""
    if entry["kind"] == "large":
        return int(entry["parts"])
    return int(entry["kind"] in ("tx", "loose", "xa commit"))
