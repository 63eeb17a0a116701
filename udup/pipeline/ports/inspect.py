"""A server as it is found before there is a job on it: what it is, and what it holds. Nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from udup.pipeline.selection.selection import Selection

#: Tables of one answer, when nobody says how many, and at most.
TABLES, TABLES_MAX = 1000, 5000


@dataclass(frozen=True)
class InspectWish:
    """Whether the tables of a schema are asked for too ("" for none): `limit` behind a name, with a part of it.

    `task`: as whose server it is looked at (`Src`, `Dest`).
    """

    task: str
    schema: str = ""
    after: str = ""
    limit: int = TABLES
    search: str = ""


@dataclass(frozen=True)
class ServerFound:
    """`clock_offset_ms`: its clock less this machine's. `log_kept_s`: None for one that has no log, or keeps it."""

    family: str
    version: str
    tls: bool
    tls_version: str
    read_only: bool
    uuid: str
    gtid_mode: str
    clock_offset_ms: int
    log_kept_s: int | None
    user: str


class TableProblem(StrEnum):
    """What is to be known of a table before it is replicated; `not_carried`: it cannot be."""

    NONE = ""
    NO_KEY = "no_key"
    NOT_TRANSACTIONAL = "not_transactional"
    NOT_CARRIED = "not_carried"


@dataclass(frozen=True)
class SchemaFound:
    """`rows` and `bytes` are the server's estimates, None where it did not say in time.

    `counts`: how many tables have which problem, of those that are there.
    """

    schema: str
    tables: int
    rows: int | None = None
    bytes: int | None = None
    warnings: tuple[str, ...] = ()
    counts: tuple[tuple[TableProblem, int], ...] = ()


@dataclass(frozen=True)
class TableFound:
    """`key` is `primary`, `unique` or `none`; `problem` (`kind`) is what is to be known before it is replicated."""

    table: str
    rows: int | None
    bytes: int | None
    key: str
    engine: str
    problem: str = ""
    remedy: str = ""
    kind: TableProblem = TableProblem.NONE


@dataclass(frozen=True)
class Inspected:
    """`error` says why nothing more is known, with what to do; `server` is None then. `next`: `after` of the next."""

    error: str = ""
    remedy: str = ""
    server: ServerFound | None = None
    free_bytes: int | None = None
    schemas: tuple[SchemaFound, ...] = ()
    tables: tuple[TableFound, ...] = ()
    next: str = ""


@dataclass(frozen=True)
class TableSize:
    """About how large a table of the source is, by the server's estimates; None where it does not say."""

    schema: str
    table: str
    rows: int | None
    bytes: int | None
    key: str = ""


@dataclass(frozen=True)
class OptionalGrant:
    """A statement that only some jobs need, and which."""

    statement: str
    use: str


@dataclass(frozen=True)
class Grants:
    """The statements that make the account of one end, for just its job. `note` is what is to be known of them.

    `version` is the server's that they are for. No statements for an end that has no accounts of a database.
    """

    account: str = ""
    statements: tuple[str, ...] = ()
    optional: tuple[OptionalGrant, ...] = ()
    version: str = ""
    note: str = ""


class Inspector(Protocol):
    """Looks at one server. Holds no connection; each method may wait for the server."""

    def look(self, wish: InspectWish) -> Inspected:
        """Return what the server is; that it cannot be reached, or is no such server, is an answer."""
        ...

    def sizes(self, selection: Selection) -> Sequence[TableSize]:
        """Return about how large the tables of a job are; nothing where the server does not say in time."""
        ...
