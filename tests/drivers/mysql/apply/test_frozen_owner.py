"""An owner that freezes in the middle of anything on the target: its successor goes on, and it changes nothing more.

The owner's line to the target freezes (`freezing.py`), which is to the target what a client is that hangs, or whose
machine is gone. The successor comes from another line, at once. Then the line thaws, and the owner goes on.
"""

from __future__ import annotations

import asyncio
import copy
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, closing, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.drivers.contract.job import OUT, SOURCE, Job, read_all
from tests.drivers.mysql.pair import MySQLPair
from tests.freezing import FreezingLine, When
from udup.base.errors import Divergence
from udup.drivers.mysql.apply import unsure, unsure_lock
from udup.drivers.mysql.client.connection import connect, query
from udup.drivers.mysql.target import MySQLTarget
from udup.pipeline.orders import MarkedGroup
from udup.pipeline.ports import ApplyMode
from udup.pipeline.records import Definition, Transaction, XaEnd
from udup.sandbox.server import MysqlServer

#: Seconds in which a successor has the job, on a busy machine; and for whatever else is waited for.
SOON, DEADLINE = 8.0, 60.0

#: What an owner does that is to freeze; it has prepared all else.
Act = Callable[[], Awaitable[Any]]

BOTH = (ApplyMode.EVENTS, ApplyMode.STATEMENTS)


@dataclass(frozen=True)
class Moment:
    """The owner freezes at the `word`, which differs between the ways that rows take.

    `waits`: what it has sent waits on the target, for somebody who has the table `t`. `asked`: by statements nobody
    knows what is there of rows that nothing undoes, and the successor is told so.
    """

    prepare: Callable[[Job], Coroutine[Any, Any, Act]]
    words: tuple[bytes, bytes]
    when: When
    waits: bool = False
    asked: bool = False
    both: bool = True  # rows go either way in it

    def word(self, mode: ApplyMode) -> bytes:
        return self.words[BOTH.index(mode)]


# ---- What is done ----


async def _following(job: Job, engine: str = "InnoDB") -> None:
    job.pair.create("t")
    job.pair.copy_table("t")
    for server in (job.pair._from, job.pair._to):  # type: ignore[attr-defined]
        _run(server, f"ALTER TABLE {_schema(job)}.t ENGINE = {engine}")
    await job.follow()


def _schema(job: Job) -> str:
    return str(job.pair.schema)


def _run(endpoint: Any, *statements: str) -> None:
    with closing(connect(endpoint)) as connection:
        for statement in statements:
            query(connection, statement)


async def _written(job: Job, key: str = "a") -> Transaction:
    job.pair.write("t", insert=[key])
    [record] = await job.read()
    assert isinstance(record, Transaction)
    return record


async def _group(job: Job) -> Act:
    await _following(job)
    order = await job.group(await _written(job))
    return lambda: asyncio.to_thread(job.session().apply, [order])


async def _inline(job: Job) -> Act:
    await _following(job)
    record = await _written(job)
    await job.group(record)
    inline, claim = await job.inline(), job.claim(record, 3)
    return lambda: asyncio.to_thread(inline.apply, claim, [record.events], b"")


async def _part(job: Job) -> Act:
    await _following(job)
    job.pair.write("t", insert=[f"k{number}" for number in range(job.pair.large_rows)])
    orders = await job.parts(await job.read())  # type: ignore[arg-type]
    for order in orders[:-1]:
        job.session().apply_part(order)
    return lambda: asyncio.to_thread(job.session().apply_part, orders[-1])


async def _marked(job: Job) -> Act:
    await _following(job, "MyISAM")
    while _uptime(job) <= unsure._BOOT_MARGIN + 1:  # a younger server may be another one than the note's
        await asyncio.sleep(0.1)
    record = await _written(job)
    await job.group(record)
    claim = job.claim(record)
    items = [(record.id.gtid, record.events)]
    order = MarkedGroup(1, claim.version, claim.gtids, items, f"{_schema(job)}.t")
    return lambda: asyncio.to_thread(job.session().apply_marked, order)


def _uptime(job: Job) -> int:
    with closing(connect(job.pair._to)) as connection:  # type: ignore[attr-defined]
        return int(query(connection, "SHOW GLOBAL STATUS LIKE 'Uptime'")[0][1])


async def _definition(job: Job) -> Act:
    await _following(job)
    _run(job.pair._from, f"ALTER TABLE {_schema(job)}.t ADD later INT")  # type: ignore[attr-defined]
    [record] = await job.read()
    assert isinstance(record, Definition)
    return lambda: job.define(record)


async def _created(job: Job) -> Act:
    await _following(job)
    await job.commit(await _written(job))
    _run(job.pair._from, f"CREATE TABLE {_schema(job)}.made AS SELECT * FROM {_schema(job)}.t")  # type: ignore[attr-defined]
    [record] = await job.read()
    assert isinstance(record, Transaction) and record.create
    await job.control.claim_created(record.id.gtid, record.create)
    order = await job.group(record)
    return lambda: asyncio.to_thread(job.session().apply, [order])


async def _xa_end(job: Job) -> Act:
    await _following(job)
    job.pair.prepare(job.name, "t", ["a"])
    [prepared] = await job.read()
    assert isinstance(prepared, Transaction)
    await job.commit(prepared)
    job.pair.end(job.name, commit=True)
    end = (await job.read())[-1]
    assert isinstance(end, XaEnd)
    return lambda: job.control.end_prepared(job.claim(end, slot=3), end)


async def _flush(job: Job) -> Act:
    await _following(job)
    record = await _written(job)
    await job.commit(record)
    return lambda: job.control.advance(job.pair.executed(), 0, "", "")


async def _take_over(job: Job) -> Act:
    await _following(job)
    again = Job(job.pair, job.name, "one again")

    async def begin() -> None:
        try:
            await again.begin()
        finally:
            again.close()

    return begin


async def _first(job: Job) -> Act:
    """A first checkpoint."""
    position = job.pair.executed()
    state = await job.take_over(position)
    assert state is not None and not state.written
    return lambda: job.control.begin(position, SOURCE)


async def _purge(job: Job) -> Act:
    await _following(job)
    return lambda: asyncio.to_thread(job.pair.target.purge, job.name)


async def _copy(job: Job, steps: int) -> Act:
    """A copy of which so many steps are done."""
    job.pair.create("t")
    _run(job.pair._from, f"ALTER TABLE {_schema(job)}.t ADD KEY (n)")  # type: ignore[attr-defined]
    job.pair.write("t", insert=[f"k{number}" for number in range(20)])
    source = job.open_copy()
    assert await job.begin() is None
    await job.control.claim_tables(job.pair.source.tables(job.pair.scope, source))
    writer = job.control.open_copy(source.plan, workers=1, drop_existing=False, recompute=False)
    made: list[Any] = []

    def make() -> None:
        made.append(writer.make_tables())

    def load() -> None:
        chunks, totals = read_all(source, made[0].start)
        source.close()
        made.append(totals)
        loader = job.pair.target.open_loader(job.name, 1, made[0].instructions)
        try:
            for pieces in chunks.values():
                loader.load(iter(pieces))
        finally:
            loader.abandon()

    def finish() -> None:
        for table, each in made[1].items():
            writer.finish_table(table, each)
        writer.finish_tables()
        writer.make_objects()

    todo = [make, load, finish]
    for step in todo[:steps]:
        step()
    if steps == len(todo):
        return lambda: job.control.finish_copy(source.plan.position, SOURCE)
    return lambda: asyncio.to_thread(todo[steps])


def _copying(steps: int) -> Callable[[Job], Coroutine[Any, Any, Act]]:
    return lambda job: _copy(job, steps)


#: Every kind of thing that an owner does on its target, each frozen where it matters.
_BINLOG = (b"BINLOG", b"UPDATE udup.checkpoint")
_COMMIT = (b"COMMIT", b"COMMIT")


def _same(word: bytes) -> tuple[bytes, bytes]:
    return word, word


MOMENTS = {
    "a group, half sent": Moment(_group, _BINLOG, When.HALF),
    "a group, sent": Moment(_group, (b"BINLOG", b"INSERT INTO"), When.AFTER, both=False),
    "a group that waits for a row": Moment(_group, (b"BINLOG", b"INSERT INTO"), When.AFTER, waits=True),
    "a group, before its commit": Moment(_group, (b"BINLOG", b"COMMIT"), When.BEFORE),
    "inline, half sent": Moment(_inline, _BINLOG, When.HALF),
    "inline, before its commit": Moment(_inline, (b"BINLOG", b"COMMIT"), When.BEFORE),
    "a part of a large transaction": Moment(_part, (b"BINLOG", b"SAVEPOINT"), When.BEFORE),
    "a large transaction's commit": Moment(_part, _COMMIT, When.BEFORE),
    "between marks": Moment(_marked, (b"gtid_next", b"INSERT INTO"), When.BEFORE, asked=True),
    "a note that is not committed": Moment(_marked, _same(b"SELECT mark, number"), When.BEFORE, both=False),
    "a definition without a place": Moment(_definition, _same(b":ddl', 10)"), When.BEFORE),
    "a definition, not sent": Moment(_definition, _same(b"ALTER TABLE"), When.BEFORE, both=False),
    "a definition that waits": Moment(_definition, _same(b"ALTER TABLE"), When.AFTER, waits=True, both=False),
    "CREATE … SELECT, before its rows": Moment(_created, _BINLOG, When.BEFORE),
    "CREATE … SELECT, before its commit": Moment(_created, _COMMIT, When.BEFORE),
    "XA COMMIT, before its commit": Moment(_xa_end, _COMMIT, When.BEFORE),
    "a flush of the base row": Moment(
        _flush, _same(b"UPDATE udup.checkpoint SET version = version"), When.BEFORE, both=False
    ),
    "a take-over, in its transaction": Moment(
        _take_over, _same(b"INSERT INTO udup.checkpoint"), When.AFTER, both=False
    ),
    "a first checkpoint": Moment(_first, _same(b"INSERT INTO udup.checkpoint"), When.AFTER, both=False),
    "a purge": Moment(_purge, _same(b"DELETE FROM udup.claim"), When.AFTER, both=False),
    "the making of tables": Moment(_copying(0), _same(b"CREATE TABLE `"), When.BEFORE, both=False),
    "a chunk, half sent": Moment(_copying(1), _same(b"k1"), When.HALF, both=False),
    "the building of indexes": Moment(_copying(2), _same(b"ALTER TABLE"), When.AFTER, waits=True, both=False),
    "a copy's end": Moment(_copying(3), _same(b"INSERT INTO udup.checkpoint"), When.AFTER, both=False),
}


# ---- What comes of it ----


def _everything(job: Job) -> dict[str, Any]:
    """All that is on the target of the job: tables, their rows, and what Udup keeps."""
    schema = _schema(job)
    found: dict[str, Any] = {}
    with closing(connect(job.pair._to)) as connection:  # type: ignore[attr-defined]
        for (name,) in query(connection, f"SHOW TABLES FROM {schema}"):
            found[f"{name}: made"] = query(connection, f"SHOW CREATE TABLE {schema}.{name}")
            found[f"{name}: rows"] = sorted(map(str, query(connection, f"SELECT * FROM {schema}.{name}")))
        for (name,) in query(connection, "SHOW TABLES FROM udup"):
            found[f"udup.{name}"] = query(connection, f"SELECT * FROM udup.{name} WHERE job = %s", job.name)
    return found


@asynccontextmanager
async def _owners(source: MysqlServer, target: MysqlServer, schema: str, mode: ApplyMode) -> AsyncIterator[Any]:
    """The line of the owner, the owner, and its successor, which comes by another one."""
    pair = MySQLPair(source.endpoint, target.endpoint, schema)
    pair.target = MySQLTarget(target.endpoint, mode)
    _run(target.endpoint, "DROP TABLE IF EXISTS udup.intent")  # on most targets nobody has needed it
    with FreezingLine(target.endpoint.port) as line:
        slow = copy.copy(pair)
        slow.target = MySQLTarget(replace(target.endpoint, port=line.port), mode)
        one = Job(slow)
        two = Job(pair, one.name, "two")
        try:
            yield line, one, two
        finally:
            line.thaw()
            for each in (one, two):
                if hasattr(each, "control"):
                    each.close()
            _run(
                target.endpoint,
                *(f"DELETE FROM udup.{name} WHERE job = '{one.name}'" for name in ("checkpoint", "claim")),
            )


_CASES = [(name, mode) for name, moment in MOMENTS.items() for mode in (BOTH if moment.both else BOTH[:1])]


@pytest.mark.parametrize(("moment", "mode"), _CASES, ids=lambda each: each if isinstance(each, str) else each.value)
def test_who_is_frozen_holds_nobody_up_and_changes_nothing_when_it_thaws(
    source: MysqlServer,
    target: MysqlServer,
    schema: str,
    moment: str,
    mode: ApplyMode,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unsure_lock, "_IDLE_SECONDS", 1)
    asyncio.run(_frozen(source, target, schema, MOMENTS[moment], mode))


async def _frozen(source: MysqlServer, target: MysqlServer, schema: str, moment: Moment, mode: ApplyMode) -> None:
    async with _owners(source, target, schema, mode) as (line, one, two):
        act = await moment.prepare(one)
        line.freeze_at(moment.word(mode), moment.when)
        with one.pair.locked_on_target("t", "a") if moment.waits else nullcontext():
            acting = asyncio.ensure_future(act())
            assert await asyncio.to_thread(line.is_frozen.wait, DEADLINE), "the word has not come"
            await _succeed(two, moment, mode)
        before = _everything(two)
        line.thaw()
        async with asyncio.timeout(DEADLINE):
            try:
                await acting
            except OUT:
                pass
            else:
                assert moment.when is When.AFTER, "it was done before the successor came"
        assert _everything(two) == before


async def _succeed(two: Job, moment: Moment, mode: ApplyMode) -> None:
    """Have the successor begin."""
    begun = time.monotonic()
    if moment.asked and mode is ApplyMode.STATEMENTS:
        with pytest.raises(Divergence, match="udup job settle"):
            await two.begin()
    else:
        await two.begin()
    assert time.monotonic() - begun < SOON
