"""The target's side of a full copy: tables, rows and objects, all of it only while the base row is this run's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from itertools import count

import msgspec

from udup.base.errors import Divergence, Fault, Refused, Transient
from udup.drivers.fake.changes import Row, Table
from udup.drivers.fake.server import Connection, FakeServer
from udup.pipeline.ownership import TableName
from udup.pipeline.ports import LoadPlan, Piece
from udup.pipeline.records import CopyPlan, CopyTotals, StartRows


class TableDetails(msgspec.Struct, frozen=True):
    """A table as it is made; fields as in `changes.Table`."""

    shape: str
    keyed: bool
    transactional: bool
    computes: bool


class CopyDetails(msgspec.Struct, frozen=True):
    """What a source tells a target of a copy, beside its plan."""

    tables: list[TableDetails]
    objects: dict[str, str]


class Instructions(msgspec.Struct, frozen=True):
    """What a loader goes by: names of tables, and the version of the base row."""

    tables: list[TableName]
    version: int


class CopiedRow(msgspec.Struct, frozen=True, array_like=True):
    key: str
    row: Row


encode_details = msgspec.json.Encoder().encode
_decode_details = msgspec.json.Decoder(CopyDetails).decode
_decode_instructions = msgspec.json.Decoder(Instructions).decode
_decode_row = msgspec.json.Decoder(CopiedRow).decode


def encode_row(key: str, row: Row) -> bytes:
    return encode_details(CopiedRow(key, row)) + b"\n"


def sum_of(table: Table) -> dict[str, str]:
    """Return the sums over what a table computes, as a copy compares them."""
    if not table.computes:
        return {}
    return {"entries": sha256(repr(sorted(table.rows.items())).encode()).hexdigest()}


class FakeCopyWriter:
    def __init__(
        self,
        server: FakeServer,
        job: str,
        version: int,
        plan: CopyPlan,
        *,
        drop_existing: bool,
        recompute: bool,
        fill_existing: bool = False,
        incarnation: str = "",
    ) -> None:
        self._fill_existing, self._incarnation = fill_existing, incarnation
        self._server = server
        self._job, self._version = job, version
        self._plan = plan
        self._names: list[TableName] = [(table.schema, table.name) for table in plan.tables]
        self._details = _decode_details(plan.details)
        self._drop_existing, self._recompute = drop_existing, recompute
        self._warnings: list[str] = []
        self._told: list[str] = []
        self._connections: set[Connection] = set()
        self._aborted = False
        self._numbers = count(1)
        self.indexed: list[TableName] = []

    @property
    def warnings(self) -> Sequence[str]:
        return self._warnings

    @property
    def told(self) -> Sequence[str]:
        return self._told

    def make_tables(self) -> LoadPlan:
        with self._step("make_tables"):
            copied = self._server.jobs.copied.setdefault(self._job, set())
            missing = [name for name in self._names if self._fill_existing and name not in self._server.tables]
            if missing:
                where, remedy = f"Dest {self._server.name}", "make it there, or leave SkipCreateDbTable out"
                raise Refused([Fault(where, f"there is no table {'.'.join(name)}", remedy) for name in missing])
            in_the_way = [name for name in self._names if self._is_in_the_way(name)]
            if in_the_way:
                where, remedy = f"Dest {self._server.name}", "set DropTableIfExists"
                raise Refused([Fault(where, f"table {'.'.join(name)} has rows", remedy) for name in in_the_way])
            if self._fill_existing:
                copied.intersection_update(self._names)  # what is none of the job's any more stays as it is
            whole = self._server.jobs.whole.setdefault(self._job, {})
            kept = {(each.schema, each.name) for each in self._plan.tables if each.whole}
            for name in [name for name in whole if name not in kept]:
                del whole[name]
                if name in copied and name not in self._names and not self._fill_existing:
                    self._server.tables.pop(name, None)  # the source has dropped it since: no log tells of it
            if kept - whole.keys() or kept - self._server.tables.keys():
                raise Transient("what an earlier try has brought is not there any more")
            self.indexed += sorted(kept)
            for name, each in zip(self._names, self._details.tables, strict=True):
                if name in kept:
                    continue
                if self._fill_existing:
                    self._server.tables[name].rows.clear()
                else:
                    self._server.tables[name] = Table(each.shape, each.keyed, each.transactional, each.computes)
                copied.add(name)
            self._server.jobs.filling[self._job] = self._incarnation if self._fill_existing else None
        instructions = Instructions(self._names, self._version)
        return LoadPlan(StartRows("load"), encode_details(instructions))

    def _is_in_the_way(self, name: TableName) -> bool:
        table = self._server.tables.get(name)
        if table is None or self._drop_existing:
            return False
        if any(name == (each.schema, each.name) for each in self._plan.tables if each.whole):
            return False
        own = not self._fill_existing or self._server.jobs.filling.get(self._job) == self._incarnation
        return bool(table.rows) and not (own and name in self._server.jobs.copied[self._job])

    def finish_table(self, table: int, totals: CopyTotals) -> None:
        with self._step("finish_table"):
            name = self._names[table]
            sums = sum_of(self._server.tables[name])
            if sums != totals.sums:
                problem = f"{'.'.join(name)}: the target computes other values than the source"
                if not self._recompute:
                    raise Divergence(problem)
                self._warnings.append(problem)
            self.indexed.append(name)
            if not self._fill_existing:
                self._server.jobs.whole[self._job][name] = self._plan.position, self._details.tables[table].shape

    def finish_tables(self) -> None:
        with self._step("finish_tables"):
            missing = set(self._names) - set(self.indexed)
            if missing:
                raise AssertionError(f"not complete: {sorted(missing)}")

    def make_objects(self) -> None:
        with self._step("make_objects"):
            self._server.objects.update(self._details.objects)
            self._server.jobs.copied_objects[self._job] = set(self._details.objects)

    def abort(self) -> None:
        with self._server.changed:
            self._aborted = True
            for connection in list(self._connections):
                self._server.end_now(connection)
            self._server.changed.notify_all()

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        """A call on a connection of its own, that holds the base row to its version."""
        connection = self._connect()
        try:
            with self._server.call(f"CopyWriter.{name}", connection):
                self._server.jobs.owned(self._job, self._version)
                yield
        finally:
            self._connections.discard(connection)
            self._server.end(connection)

    def _connect(self) -> Connection:
        with self._server.changed:
            if self._aborted:
                raise Transient("the copy was ended")
            place = f"builder{next(self._numbers)}"
        connection = self._server.connect(self._job, place, "CopyWriter.connect")
        self._connections.add(connection)
        return connection


class FakeLoader:
    """Loads a worker's share, one chunk a transaction."""

    def __init__(self, server: FakeServer, job: str, slot: int, instructions: bytes) -> None:
        self._server = server
        self._job = job
        self._instructions = _decode_instructions(instructions)
        self._connection = server.connect(job, f"loader{slot}", "Target.open_loader")
        try:
            with server.changed:
                server.jobs.copying(job, self._instructions.version)
        except BaseException:
            self.abandon()  # nobody else will
            raise

    def load(self, pieces: Iterator[Piece]) -> int:
        """Read all pieces, then load them, as a target does that takes the text of a chunk as one statement."""
        data, table, said = b"", 0, 0
        for piece in pieces:
            data, table, said = data + piece.data, piece.table, piece.rows
        name = self._instructions.tables[table]
        rows = [_decode_row(line) for line in data.splitlines()]
        if len(rows) != said:
            raise Divergence(f"{'.'.join(name)}: {said} rows were read and {len(rows)} have come")
        with self._server.call("RowLoader.load", self._connection):
            self._server.jobs.owned(self._job, self._instructions.version)
            there = self._server.tables[name]
            twice = [each.key for each in rows if each.key in there.rows]
            if twice:
                raise Divergence(f"{'.'.join(name)}: row {twice[0]!r} is there already")
            there.rows.update({each.key: each.row for each in rows})
            self._server.committed()
        return len(rows)

    def abandon(self) -> None:
        self._server.end(self._connection)
