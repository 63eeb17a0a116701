"""What the contract's tests need of a driver beside its ports: a source to write to, a target to look at."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from udup.pipeline.ownership import TableName
from udup.pipeline.ports import Scope, Source, Target
from udup.pipeline.selection.selection import Selection


class Pair(ABC):
    """A source and a target. Everything happens in a schema of the test's own.

    Rows are a key and a value that says how often they were updated; they are looked at as `{key: value}`.
    """

    source: Source
    target: Target
    schema: str

    #: Bytes that a transaction has at least if it comes in parts, as rows of `write`.
    large_rows: int

    #: What the events that a job has read last are written by; sessions that are opened later are told.
    format: bytes = b""

    @property
    def scope(self) -> Scope:
        return Scope(Selection.of([(self.schema, [])]))

    def table(self, name: str) -> TableName:
        return self.schema, name

    # ---- On the source ----

    @abstractmethod
    def create(self, name: str) -> None:
        """Make a table, by a definition that is logged."""

    @abstractmethod
    def write(self, name: str, *, insert: Sequence[str] = (), update: Sequence[str] = ()) -> str:
        """Commit a transaction; return its GTID."""

    @abstractmethod
    def prepare(self, xid: str, name: str, insert: Sequence[str]) -> None:
        """Prepare a XA transaction."""

    @abstractmethod
    def end(self, xid: str, *, commit: bool) -> None:
        """End it."""

    @abstractmethod
    def executed(self) -> str:
        """Return what the source has executed."""

    @abstractmethod
    def place(self) -> tuple[str, int]:
        """Return the file of the source's log that is written, and where it ends."""

    @abstractmethod
    def source_rows(self, name: str) -> dict[str, Any]: ...

    # ---- On the target ----

    @abstractmethod
    def target_rows(self, name: str) -> dict[str, Any] | None:
        """Return a table's rows, None if there is no such table."""

    @abstractmethod
    def copy_table(self, name: str) -> None:
        """Make the table on the target as it is on the source, without its rows, by no job."""

    @abstractmethod
    def put_on_target(self, name: str, key: str) -> None:
        """Insert a row there, by no job."""

    @abstractmethod
    def take_from_target(self, name: str, key: str) -> None: ...

    @abstractmethod
    def locked_on_target(self, name: str, key: str) -> AbstractContextManager[None]:
        """Hold a row's lock there."""

    @abstractmethod
    def read_only_target(self) -> AbstractContextManager[None]:
        """Have the target take no changes meanwhile."""
