"""The proof: a job is compared all the time while it is written to and its processes are killed; then its target is
changed behind its back, and everything that was changed must be found, repaired and found equal.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field

from tests.soak.alarms import POLL_SECONDS, Watch, ask
from tests.soak.proof.changes import Changes, Expected
from tests.soak.proof.load import Load
from tests.soak.proof.tables import CHOSEN, make_all
from tests.soak.victims import ACTORS, Victims
from udup.base.errors import UdupError
from udup.drivers.mysql.client.connection import connect
from udup.sandbox.api import Json, job_document
from udup.sandbox.node import UdupNode
from udup.sandbox.server import MysqlServer

JOB = "proof"

#: Seconds for a round of a comparison to end, with what has been killed coming back before it.
ROUND_SECONDS = 180.0


@dataclass(frozen=True)
class Plan:
    """`rate` transactions a second, for `seconds` with a kill about every `kill_seconds` of one of `victims`, in turn;
    then at least `changes` changes. Rounds that the kills leave time for must be `rounds`.
    """

    seed: str
    seconds: float = 600.0
    rate: float = 300.0
    kill_seconds: float = 8.0
    victims: tuple[str, ...] = (
        *ACTORS,
        "verifier",
        "nats-server",
        "main",
        "source connections",
        "target connections",
        "source",
        "target",
    )
    changes: int = 200
    rounds: int = 3

    @property
    def source_options(self) -> dict[str, str | int]:
        return {"binlog-row-metadata": "FULL"}

    def of(self, source: MysqlServer, target: MysqlServer, node: UdupNode, say: Callable[[str], None]) -> Proof:
        return Proof(source, target, node, self, say)


@dataclass
class Proof:
    """`say` hears, line by line, what goes on."""

    source: MysqlServer
    target: MysqlServer
    node: UdupNode
    plan: Plan
    say: Callable[[str], None]
    kills: list[str] = field(default_factory=list)
    summary: str = ""

    def run(self) -> None:
        """Raises `UdupError` with the seed when a comparison says what is not so, or does not say what is."""
        plan, dice = self.plan, random.Random(self.plan.seed)
        self.say(f"seed {plan.seed}: {plan.rate:g} tx/s for {plan.seconds:.0f} s")
        with closing(connect(self.source.endpoint)) as connection:
            make_all(connection, dice)
        self.say("the tables are made")
        load = Load(self.source.endpoint, plan.rate, plan.seed)
        load.start()
        began = time.monotonic()
        try:
            self._post()
            self._is_quiet(dice)
            self._finds(dice)
        except UdupError as error:
            raise UdupError(f"seed {plan.seed}: {error}") from error
        finally:
            load.stop()
        rate = load.done / (time.monotonic() - began)
        self.summary = f"{load.done} transactions, {rate:.0f} a second; killed: {dict(Counter(self.kills))}"
        if load.problems:
            raise UdupError(f"seed {plan.seed}: a writer failed: {load.problems[0]}")

    def _post(self) -> None:
        document = {**job_document(JOB, self.source.endpoint, self.target.endpoint, []), "ID": JOB}
        document["Tasks"][0]["Config"]["ReplicateDoDb"] = CHOSEN
        document["Tasks"][1]["Config"]["MaxRetries"] = 1000
        document["Verify"] = {"Mode": "continuous"}
        self.node.post_job(document)
        self.node.wait_stage(JOB, deadline=ROUND_SECONDS)

    def _is_quiet(self, dice: random.Random) -> None:
        """Kill and look at every answer: nothing differs, and rounds come to their end."""
        watch = Watch(self.node, JOB)
        watch.start()
        victims = Victims(self.source, self.target, self.node)
        end, number = time.monotonic() + self.plan.seconds, 0
        try:
            while (left := end - time.monotonic()) > 0:
                time.sleep(min(left, self.plan.kill_seconds * dice.uniform(0.5, 1.5)))
                if time.monotonic() < end:
                    victim = self.plan.victims[number % len(self.plan.victims)]
                    number += 1
                    self.say(f"kill {victim} (rounds {watch.rounds}, {watch.said})")
                    self.kills.append(victim)
                    victims.kill(victim)
            self._wait(lambda: watch.rounds >= self.plan.rounds, f"{self.plan.rounds} rounds")
        finally:
            watch.stop()
        self.say(str(watch))
        if watch.alarms:
            raise UdupError(f"false alarms: {watch.alarms[:5]}")

    def _finds(self, dice: random.Random) -> None:
        """Change the target, and have all of it found, repaired, and found equal."""
        with closing(connect(self.target.endpoint)) as connection:
            changes = Changes(connection, dice)
            changes.make(self.plan.changes)
        self.say(f"{sum(changes.made.values())} changes: {dict(changes.made)}")
        began = self._compared()["Round"]
        everything = Counter(changes.expected)
        self._wait(
            lambda: self._told() == everything or self._compared()["Round"] >= began + 2,
            "a round that began behind the changes",
        )
        missed, more = everything - self._told(), self._told() - everything
        if missed or more:
            raise UdupError(f"{len(missed)} not found: {sorted(missed)[:20]}; {len(more)} false: {sorted(more)[:20]}")
        self._ask("POST", "/repair", json={"All": True})
        self._wait(lambda: not self._compared()["Repair"], "the repair's end")
        self._wait(lambda: self._compared()["Round"] >= 2, "the round behind the repair")
        shown = self._compared()
        if shown["LastRoundDifferences"] or shown["Unlike"]:
            raise UdupError(f"not equal behind the repair: {shown}")
        left = [row for row in self._ledger() if row["Repaired"].startswith("0001")]
        if left:
            raise UdupError(f"the ledger still has: {left[:5]}")
        self.say("all were found, repaired, and are equal")

    def _told(self) -> Counter[Expected]:
        rows = self._ledger()
        return Counter((f"{row['Schema']}.{row['Table']}", row["Key"], row["Kind"], row["Count"]) for row in rows)

    def _ledger(self) -> list[Json]:
        found: list[Json] = []
        after = ""
        while True:
            page = self._ask("GET", f"/differences?limit=100&after={after}")
            found += page["Rows"]
            if not (after := page["Next"]):
                return found

    def _compared(self) -> Json:
        return self._ask("GET", "/compare")

    def _ask(self, method: str, path: str, **arguments: object) -> Json:
        return ask(self.node, JOB, method, path, **arguments)

    def _wait(self, is_so: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + ROUND_SECONDS
        while not is_so():
            shown = self._compared()
            if shown["State"] == "failed":
                raise UdupError(f"the comparison failed: {shown['Text']}")
            if (job := self.node.job(JOB))["Stage"] == "failed":
                raise UdupError(f"the job failed: {job.get('StatusDescription')}")
            if time.monotonic() > end:
                raise UdupError(f"{what} did not come in {ROUND_SECONDS:.0f} s: {shown}")
            time.sleep(POLL_SECONDS)
