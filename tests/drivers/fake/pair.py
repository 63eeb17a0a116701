"""Two servers in memory for the contract's tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from tests.drivers.contract.pair import Pair
from udup.drivers.fake.changes import Table
from udup.drivers.fake.server import FakeServer, Settings
from udup.drivers.fake.source import FakeSource
from udup.drivers.fake.source_log import Writing
from udup.drivers.fake.target import FakeTarget


class FakePair(Pair):
    schema = "s"
    large_rows = 30

    def __init__(self) -> None:
        self.from_, self.to = FakeServer("alpha", Settings(part_bytes=500, beat_s=0.05)), FakeServer("omega")
        self.source, self.target = FakeSource(self.from_), FakeTarget(self.to)

    def create(self, name: str) -> None:
        self.from_.log.create(self.table(name))

    def write(self, name: str, *, insert: Sequence[str] = (), update: Sequence[str] = ()) -> str:
        def fill(writing: Writing) -> None:
            for key in insert:
                writing.insert(self.table(name), key)
            for key in update:
                writing.update(self.table(name), key)

        return f"{self.from_.uuid}:{self.from_.log.write(fill)}"

    def prepare(self, xid: str, name: str, insert: Sequence[str]) -> None:
        def fill(writing: Writing) -> None:
            for key in insert:
                writing.insert(self.table(name), key)

        self.from_.log.prepare(xid, fill)

    def end(self, xid: str, *, commit: bool) -> None:
        self.from_.log.end(xid, commit=commit)

    def executed(self) -> str:
        return str(self.from_.log.executed)

    def place(self) -> tuple[str, int]:
        return "log", len(self.from_.log.entries)

    def source_rows(self, name: str) -> dict[str, Any]:
        return self.from_.rows(self.table(name))

    def target_rows(self, name: str) -> dict[str, Any] | None:
        return self.to.all_rows().get(self.table(name))

    def copy_table(self, name: str) -> None:
        self.to.tables[self.table(name)] = Table(self.from_.tables[self.table(name)].shape)

    def put_on_target(self, name: str, key: str) -> None:
        self.to.tables[self.table(name)].rows[key] = ("theirs",)

    def take_from_target(self, name: str, key: str) -> None:
        del self.to.tables[self.table(name)].rows[key]

    def locked_on_target(self, name: str, key: str) -> AbstractContextManager[None]:
        return self.to.locked_row(self.table(name), key)

    @contextmanager
    def read_only_target(self) -> Iterator[None]:
        self.to.settings.read_only = True
        try:
            yield
        finally:
            self.to.settings.read_only = False
