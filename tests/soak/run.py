"""One soak: rounds of random writing with kills in between, each ending in quiet and a comparison of both servers."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field

from tests.soak import guests, shaped
from tests.soak.alarms import Watch
from tests.soak.changes import Changes
from tests.soak.fixed import FAMILY, WITHOUT_TRANSACTIONS
from tests.soak.leftovers import leftovers
from tests.soak.tables import TABLES, Model
from tests.soak.victims import ACTORS, Victims
from tests.soak.writers import Writers
from tests.soak.xa import told_of_prepared
from udup.base.errors import Transient, UdupError
from udup.drivers.mysql.client.connection import connect, query
from udup.sandbox.api import Json, job_document
from udup.sandbox.node import UdupNode
from udup.sandbox.server import MysqlServer
from udup.verify.compare import compare, wait_level

SCHEMA = JOB = "soak"

#: Seconds for the target to come level after the writers have ended.
LEVEL_SECONDS = 120.0

#: What may be killed.
OF_UDUP = (*ACTORS, "nats-server", "main")
VICTIMS = (*OF_UDUP, "source", "target")


@dataclass(frozen=True)
class Plan:
    """`seconds` in all, in rounds of `round_seconds`; a kill every `kill_seconds` on the average, 0 for none."""

    seed: str
    seconds: float
    round_seconds: float = 20.0
    writers: int = 3
    ddl_seconds: float = 1.0
    kill_seconds: float = 8.0
    copy_seconds: float = 3.0
    #: With tables without transactions, of which a crashed server keeps what its log does not say: none is killed then.
    without_transactions: bool = False
    #: With tables of which some rows or columns are carried; the source logs names then.
    shaped: bool = False
    by_statements: bool = False
    #: Udup compares the tables all the time, and must never tell a difference.
    compared: bool = False
    #: A user changes the job every so many seconds: its tables, its document; 0 for never.
    growth_seconds: float = 0.0

    @property
    def source_options(self) -> dict[str, str | int]:
        return {"binlog-row-metadata": "FULL"} if self.shaped else {}

    def of(self, source: MysqlServer, target: MysqlServer, node: UdupNode, say: Callable[[str], None]) -> Soak:
        return Soak(source, target, node, self, say)


@dataclass
class Soak:
    """`say` hears, line by line, what goes on."""

    source: MysqlServer
    target: MysqlServer
    node: UdupNode
    plan: Plan
    say: Callable[[str], None]
    rounds: int = 0
    kills: list[str] = field(default_factory=list)
    changes: Changes | None = None
    _watch: Watch | None = None

    @property
    def summary(self) -> str:
        return f"equal after every one of {self.rounds} rounds, {len(self.kills)} kills"

    def run(self) -> None:
        """Raises `UdupError` with the seed when the two servers differ or the job ends."""
        plan = self.plan
        self.say(f"seed {plan.seed}: {plan.seconds:.0f} s, {plan.writers} writers")
        dice = random.Random(plan.seed)
        model = self._make_tables(dice)
        if plan.growth_seconds:
            dice_of_changes = random.Random(f"{plan.seed}-changes")
            self.changes = Changes(self.node, self.target.endpoint, self._document(), model, self.say, dice_of_changes)
        end = time.monotonic() + plan.seconds
        while self.rounds == 0 or time.monotonic() < end:
            writers = Writers(
                self.source.endpoint,
                SCHEMA,
                model,
                f"{plan.seed}-{self.rounds}",
                rows=plan.writers,
                ddl_seconds=plan.ddl_seconds,
                without_transactions=plan.without_transactions,
                shaped=plan.shaped,
                guests=bool(plan.growth_seconds),
            )
            writers.start()
            try:
                if self.rounds == 0:
                    time.sleep(plan.copy_seconds)  # rows to copy, and a copy under writing
                    self._post_job()
                if self.rounds == 0 and self.changes is not None:
                    self.node.wait_stage(JOB)  # a job that copies has no tables to load again
                    end = time.monotonic() + plan.seconds
                if self.changes is not None:
                    self.changes.begin(plan.growth_seconds)
                self._kill_meanwhile(dice, min(plan.round_seconds, max(1.0, end - time.monotonic())))
            finally:
                if self.changes is not None:
                    self.changes.end()
                writers.stop()
            self.rounds += 1
            self._compare(writers)

    def _make_tables(self, dice: random.Random) -> Model:
        model = Model(dice)
        with closing(connect(self.source.endpoint)) as connection:
            query(connection, f"CREATE DATABASE {SCHEMA}")
            if self.plan.shaped:
                query(connection, f"CREATE DATABASE {shaped.SCHEMA}")
                for each in shaped.TABLES:
                    query(connection, each.create_sql)
            query(connection, f"USE {SCHEMA}")
            query(connection, "SET SESSION sql_mode = ''")
            of_guests = guests.creation() if self.plan.growth_seconds else ()
            of_myisam = WITHOUT_TRANSACTIONS if self.plan.without_transactions else ()
            for create in (*FAMILY, *of_myisam, *of_guests):
                query(connection, create)
            while len(model.tables) < TABLES:
                table = model.new_table()
                with suppress(Exception):  # some random definitions are too long for a row
                    query(connection, table.create_sql(dice))
                    model.put(table)
        return model

    def _post_job(self) -> None:
        self.node.post_job(self._document())
        if self.plan.compared:
            self._watch = Watch(self.node, JOB)
            self._watch.start()

    def _document(self) -> Json:
        document = {**job_document(JOB, self.source.endpoint, self.target.endpoint, [SCHEMA]), "ID": JOB}
        document["Tasks"][1]["Config"]["MaxRetries"] = 1000
        if self.plan.shaped:
            document["Tasks"][0]["Config"]["ReplicateDoDb"].append(shaped.ENTRY)
        if self.plan.by_statements:
            document["Tasks"][1]["Config"]["ApplyMode"] = "statements"
        if self.plan.compared:
            document["Verify"] = {"Mode": "continuous"}
        if self.plan.growth_seconds:
            document["Tasks"][1]["Config"]["DropTableIfExists"] = True
        return document

    def _kill_meanwhile(self, dice: random.Random, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            pause = dice.expovariate(1 / self.plan.kill_seconds) if self.plan.kill_seconds else seconds
            time.sleep(min(pause, left))
            if self.plan.kill_seconds and time.monotonic() < end:
                self._kill(dice.choice(OF_UDUP if self.plan.without_transactions else VICTIMS))

    def _kill(self, victim: str) -> None:
        self.kills.append(victim)
        self.say(f"kill {victim}")
        Victims(self.source, self.target, self.node).kill(victim)

    def _compare(self, writers: Writers) -> None:
        if writers.problems:
            raise UdupError(f"seed {self.plan.seed}: a writer failed: {writers.problems[0]}")
        if self.changes is not None:
            self._settle(self.changes)
        if not wait_level(self.source.endpoint, self._applied, LEVEL_SECONDS):
            raise UdupError(f"seed {self.plan.seed}: the target does not come level: {self._shown()}")
        schemas = [SCHEMA]
        if self.changes is not None:
            schemas += self.changes.schemas
            self._put_right(self.changes, schemas)
            writers.done.update(self.changes.done)
        comparison = compare(self.source.endpoint, self.target.endpoint, schemas)
        done = ", ".join(f"{count} {what}" for what, count in sorted(writers.done.items()))
        self.say(f"round {self.rounds}: {done}; {comparison.report()}")
        if not comparison.equal:
            raise UdupError(f"seed {self.plan.seed}: the servers differ: {comparison.report()}")
        if self.plan.shaped and (found := shaped.differences(self.source.endpoint, self.target.endpoint)):
            raise UdupError(f"seed {self.plan.seed}: chosen rows and columns differ: {'; '.join(found)}")
        if self._watch is not None:
            self.say(f"compared by Udup: {self._watch}")
            if self._watch.alarms:
                raise UdupError(f"seed {self.plan.seed}: false alarms: {self._watch.alarms[:3]}")

    def _settle(self, changes: Changes) -> None:
        if changes.problems:
            raise UdupError(f"seed {self.plan.seed}: an answer that nobody expects: {changes.problems[0]}")
        try:
            changes.settle()
        except UdupError as error:
            told = told_of_prepared(self.source.endpoint, self.target.endpoint)
            raise UdupError(f"seed {self.plan.seed}: {error}; {told}") from error

    def _put_right(self, changes: Changes, schemas: list[str]) -> None:
        """Have the job find what a hand has changed, and nothing else; and repair that."""
        source, target, seed = self.source.endpoint, self.target.endpoint, self.plan.seed
        if left := leftovers(target, JOB, self.node.data):
            raise UdupError(f"seed {seed}: of what is over is left: {left}")
        if wrong := changes.false_alarms():
            raise UdupError(f"seed {seed}: false alarms of the comparison: {wrong}")
        before = compare(source, target, schemas)
        differing = {".".join(each.table) for each in before.different}
        if before.definitions or differing - guests.CHANGED_BY_HAND:
            raise UdupError(f"seed {seed}: the servers differ: {before.report()}")
        told = changes.compared()
        found = {each["Name"] for each in told["Unlike"] if each["Differences"]}
        if told["State"] != "done" or found != differing:
            raise UdupError(f"seed {seed}: {differing} differ, and the job's comparison says {told}")
        if differing and (told := changes.repaired())["State"] != "done":
            raise UdupError(f"seed {seed}: the repair says {told}")

    def _applied(self) -> str:
        """What the target's checkpoint says. A job that has failed will not come level: say so at once."""
        shown = self._shown()
        if shown.get("Stage") == "failed":
            raise UdupError(f"seed {self.plan.seed}: the job failed: {shown.get('StatusDescription')}")
        with closing(connect(self.target.endpoint)) as connection:
            if not query(connection, "SHOW DATABASES LIKE 'udup'"):
                return ""
            rows = query(connection, "SELECT gtids FROM udup.checkpoint WHERE job = %s AND gtids <> ''", JOB)
        return ",".join(str(row[0]) for row in rows)

    def _shown(self) -> dict[str, object]:
        try:
            return dict(self.node.job(JOB))
        except Transient:
            return {}
