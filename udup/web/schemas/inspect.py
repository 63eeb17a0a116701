"""A server as it was found before there is a job."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pydantic import Field

from udup.jobs.document.config import ConnectionConfig
from udup.jobs.document.model import Model
from udup.pipeline.ports.inspect import TABLES, TABLES_MAX, SchemaFound, ServerFound
from udup.pipeline.ports.inspect import Inspected as Found
from udup.web.schemas.shape import Shape


class InspectRequest(Model):
    """A server as it is typed, and what is asked about it. Nothing of it is kept."""

    driver: str = "MySQL"
    """MySQL; no other server is looked at before there is a job."""
    side: str = "Src"
    """As what it is looked at: Src or Dest."""
    connection_config: ConnectionConfig
    schema_: str = Field(default="", alias="Schema")
    """Tables of this schema are told too; empty: of none."""
    after: str = ""
    """Only tables whose name comes behind this one: `Next` of the answer before."""
    limit: int = Field(default=TABLES, ge=0, le=1 << 31, description=f"tables of the answer; {TABLES_MAX} at most")
    q: str = ""
    """Only tables with this in their name, in any case."""
    job: str = ""
    """A job's ID: a masked password is the stored one of its task, while Host, Port and User are the same."""


class InspectedServer(Shape):
    """What a server is."""

    family: str = Field(description="MySQL, MariaDB, a fork, or a service")
    version: str
    tls: bool = Field(description="the connection went over TLS")
    tls_version: str
    read_only: bool
    uuid: str
    gtid_mode: str
    clock_offset_ms: int = Field(description="its clock less this node's, in milliseconds")
    binlog_kept_s: int | None = Field(description="seconds for which it keeps its log; null for ever, or without a log")
    user: str = Field(description="the account that the server took the user for")


class InspectedSchema(Shape):
    """Rows and bytes are the server's estimates, null where it does not say."""

    Schema: str
    tables: int
    bytes: int | None
    rows: int | None
    warnings: list[str]
    counts: dict[str, int] = Field(description="of how many tables is what to be known: by their Kind, as no_key")


class InspectedTable(Shape):
    """Rows and bytes are the server's estimates, null where it does not say."""

    table: str
    rows: int | None
    bytes: int | None
    key: str = Field(description="primary, unique, none")
    engine: str
    problem: str = Field(description="what is to be known before it is replicated; empty for nothing")
    remedy: str
    kind: str = Field(
        description="of the problem: no_key, not_transactional, not_carried (cannot be replicated); empty"
    )


class Inspected(Shape):
    """A server as it was found; with `Reachable` false `Error` says why nothing is known, and `Remedy` what to do."""

    reachable: bool
    error: str
    remedy: str
    milliseconds: int = Field(description="how long it took")
    server: InspectedServer | None
    free_bytes: int | None = Field(description="room where its data are; null where it does not say, as MySQL does not")
    schemas: list[InspectedSchema]
    tables: list[InspectedTable] = Field(description="of the schema that was asked for, in the order of their names")
    next: str = Field(description="`After` of the next page; empty with the last")


def inspected_of(found: Found, milliseconds: int) -> dict[str, Any]:
    """Return the answer's object."""
    return Inspected(
        reachable=found.server is not None,
        error=found.error,
        remedy=found.remedy,
        milliseconds=milliseconds,
        server=None if found.server is None else _server(found.server),
        free_bytes=found.free_bytes,
        schemas=[_schema(each) for each in found.schemas],
        tables=[InspectedTable(**asdict(each)) for each in found.tables],
        next=found.next,
    ).to_json()


def _server(server: ServerFound) -> InspectedServer:
    told = asdict(server)
    kept = told.pop("log_kept_s")
    return InspectedServer(**told, binlog_kept_s=kept)


def _schema(schema: SchemaFound) -> InspectedSchema:
    return InspectedSchema(
        Schema=schema.schema,
        tables=schema.tables,
        bytes=schema.bytes,
        rows=schema.rows,
        warnings=list(schema.warnings),
        counts={kind.value: number for kind, number in schema.counts},
    )
