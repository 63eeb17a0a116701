"""One run: random writers, definitions and kills, then a consumer's tables compared with the source's."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field

import nats
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from tests.frozen import frozen
from tests.soak.fixed import FAMILY
from tests.soak.tables import Model
from tests.soak.writers import Writers
from tests.subscriptions.rebuilt import extra
from tests.subscriptions.rebuilt.consumer import Consumer, Rows, Unlikely
from tests.subscriptions.rebuilt.typed import Source, of_messages
from tests.subscriptions.world import DEADLINE, Event, Subscribed, _event
from udup.base.errors import Transient
from udup.drivers.mysql.client.connection import connect, query, scalar
from udup.sandbox.api import Json

#: What is killed; actors are found by their role, the rest by its name.
ACTORS = ("applier", "extractor", "supervisor")
VICTIMS = (*ACTORS, "nats-server", "main", "source")

#: Debezium's options: truncated tables are told, and years are not bent.
OPTIONS = {"skipped.operations": "none", "enable.time.adjuster": "false"}

#: Subjects of positions that no message carries.
POSITIONS = "__udup-position."

LEVEL_SECONDS = 120.0


@dataclass(frozen=True)
class Plan:
    """`seconds` in all, in rounds of `round_seconds`; `copy_kills` kills while the rows that were there are read."""

    seed: str
    seconds: float
    round_seconds: float = 20.0
    writers: int = 2
    ddl_seconds: float = 0.7
    kill_seconds: float = 4.0
    victims: tuple[str, ...] = VICTIMS
    copy_kills: int = 0
    freeze_seconds: float = 0.0  # every other victim is stopped for up to so long, and goes on
    copy_ddl: bool = False  # definitions change from the first moment on, which has a copy begin again


@dataclass
class Rebuilding:
    """`say` hears, line by line, what goes on."""

    world: Subscribed
    plan: Plan
    say: Callable[[str], None]
    consumer: Consumer = field(default_factory=Consumer)
    kills: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    _read: int = 0

    def run(self) -> None:
        """Fail with the seed at the first thing that is wrong."""
        plan = self.plan
        self.say(f"seed {plan.seed}")
        dice = random.Random(plan.seed)
        model = self._make_tables(dice)
        end = time.monotonic() + plan.seconds
        number = 0
        while number == 0 or time.monotonic() < end:
            self._round(number, model, dice, min(plan.round_seconds, max(2.0, end - time.monotonic())))
            number += 1

    def _round(self, number: int, model: Model, dice: random.Random, seconds: float) -> None:
        plan, endpoint, name = self.plan, self.world.source.endpoint, self.world.name
        seed = f"{plan.seed}-{number}"
        rows = Writers(endpoint, name, model, seed, rows=plan.writers, ddl_seconds=0)
        definitions = Writers(endpoint, name, model, f"{seed}-ddl", rows=0, ddl_seconds=plan.ddl_seconds)
        more = extra.ExtraWriter(endpoint, name, f"{seed}-extra")
        writing = [rows, more, definitions] if number or plan.copy_ddl else [rows, more]
        for each in writing:
            each.start()
        try:
            if number == 0:
                time.sleep(1.5)  # rows to read, while others are written
                self.post()
            if definitions not in writing:
                writing.append(definitions)
                definitions.start()
            self._kill_meanwhile(dice, seconds)
        finally:
            for each in writing:
                each.stop()
        self.done += sum((each.done for each in writing), Counter())
        problems = [problem for each in writing for problem in each.problems]
        assert not problems, f"seed {seed}: {problems}"
        self.compare()

    def post(self) -> None:
        world = self.world
        world.node.post_job(self.document())
        world.posted.append(world.name)
        for _ in range(self.plan.copy_kills):
            time.sleep(0.3)
            self._kill(random.Random(f"{self.plan.seed}-copy").choice(ACTORS))
        world.node.wait_stage(world.name)

    def document(self) -> Json:
        return self.world.document(dest={"Options": OPTIONS, "MaxRetries": 1000})

    def _make_tables(self, dice: random.Random) -> Model:
        model = Model(dice)
        with closing(connect(self.world.source.endpoint, database=self.world.name)) as connection:
            query(connection, "SET SESSION sql_mode = ''")
            for create in (*FAMILY, *extra.TABLES):
                query(connection, create)
            while len(model.tables) < 8:
                table = model.new_table()
                with suppress(Exception):  # some random definitions are too long for a row
                    query(connection, table.create_sql(dice))
                    model.put(table)
        return model

    # ---- Kills ----

    def _kill_meanwhile(self, dice: random.Random, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(dice.uniform(0.3, 1.7) * self.plan.kill_seconds, left))
            if time.monotonic() >= end:
                return
            victim = dice.choice(self.plan.victims)
            if self.plan.freeze_seconds and dice.random() < 0.5:
                self._freeze(victim, dice.uniform(1, self.plan.freeze_seconds))
            else:
                self._kill(victim)

    def _kill(self, victim: str) -> None:
        node = self.world.node
        if victim == "main":
            node.kill()
            node.start()
        elif victim == "source":
            self.world.source.kill()
            self.world.source.start()
        elif pid := self._pid(victim):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        else:
            return
        self.kills[victim] += 1
        self.say(f"killed {victim}")

    def _freeze(self, victim: str, seconds: float) -> None:
        """Have a process hang for some time; others may have taken its place when it goes on."""
        own = {"main": lambda: self.world.node.pid, "source": lambda: self.world.source.pid}
        pid = own[victim]() if victim in own else self._pid(victim)
        if not pid:
            return
        self.kills[f"{victim} frozen"] += 1
        self.say(f"{victim} is frozen for {seconds:.0f} s")
        with suppress(ProcessLookupError), frozen(pid):
            time.sleep(seconds)

    def _pid(self, victim: str) -> int:
        if victim == "nats-server":
            return next((pid for pid, title in self.world.node.pids().items() if victim in title), 0)
        with suppress(Transient):
            return next((int(actor["Pid"]) for actor in self.world.node.api.actors() if actor["Role"] == victim), 0)
        return 0

    # ---- What is there at the end ----

    def compare(self) -> None:
        self._level()
        source = Source(self.world.source.endpoint, self.world.name)
        end = time.monotonic() + LEVEL_SECONDS
        # Tables may join still: of a snapshot that definitions have cut, the log brings the rest part by part.
        while differing := self._differing(source):
            assert time.monotonic() < end, f"seed {self.plan.seed}: " + "\n".join(each[:2000] for each in differing)
            time.sleep(0.5)
        self.say(f"equal: {dict(self.consumer.operations)}; wrote {dict(self.done)}; killed {dict(self.kills)}")

    def _differing(self, source: Source) -> list[str]:
        """Take what is new, and return how the tables differ from the source's."""
        try:
            self.consumer.take(self.new_events())
        except Unlikely as error:
            self.say("\n".join(self.consumer.statements[-30:]))
            raise AssertionError(f"seed {self.plan.seed}: {error}") from error
        return differences(self.consumer, source)

    def _level(self) -> None:
        world = self.world
        wanted = world.executed()

        def has_all() -> bool:
            try:
                shown = world.node.job(world.name)
            except Transient:
                return False
            assert shown["Stage"] != "failed", f"seed {self.plan.seed}: {shown['StatusDescription']}"
            applied = shown["Progress"].get("applied_gtid") or ""
            with closing(connect(world.source.endpoint)) as connection:
                return bool(scalar(connection, "SELECT GTID_SUBSET(%s, %s)", wanted, applied))

        world.wait_for(has_all, lambda: f"seed {self.plan.seed}: {world.node.job(world.name)}", LEVEL_SECONDS)

    def new_events(self) -> list[Event]:
        """Return what the whole stream has that was not read before."""
        return asyncio.run(self._new_events())

    async def _new_events(self) -> list[Event]:
        client = await nats.connect(self.world.nats_url)
        try:
            stream = client.jetstream()
            last = (await stream.stream_info(self.world.stream)).state.last_seq
            found: list[Event] = []
            if last <= self._read:
                return found
            config = ConsumerConfig(
                deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
                opt_start_seq=self._read + 1,
                ack_policy=AckPolicy.NONE,
                mem_storage=True,
            )
            pulled = await stream.pull_subscribe("", stream=self.world.stream, config=config)
            while self._read < last:
                for message in await pulled.fetch(500, timeout=DEADLINE):
                    self._read = message.metadata.sequence.stream
                    if message.subject.startswith(POSITIONS):
                        continue
                    found.append(_event(message.subject, message.data, message.headers or {}))
            await pulled.unsubscribe()
            return found
        finally:
            await client.close()


def differences(consumer: Consumer, source: Source) -> list[str]:
    """Return how the consumer's tables differ from the server's."""
    found = []
    columns = source.columns()
    for table, named in columns.items():
        wanted = source.rows(table, named)
        there = of_messages(consumer.tables.get(table, Rows()).all(), named)
        if wanted != there:
            found.append(
                f"{table}: {wanted.total()} rows wanted, {there.total()} there; "
                f"missing {list((wanted - there).elements())[:2]}, more {list((there - wanted).elements())[:2]}"
            )
    found += [f"{table} is not there" for table, rows in consumer.tables.items() if table not in columns and rows.all()]
    return found
