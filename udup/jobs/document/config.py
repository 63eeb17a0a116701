"""A task's Config: the settings of a MySQL end. One model for Src and Dest; each reads the fields that concern it.

Other keys are refused when a document is posted (`unknown.py`), but for some that are harmless. A size of 0 stands for
its default, since clients whose language has no "absent" send 0. The text under a field is its description in the
API's document.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, Field

from udup.base.endpoint import Endpoint
from udup.base.secrets import SEALED
from udup.base.tls import SslMode, Tls
from udup.jobs.document import values
from udup.jobs.document.gtid_text import gtid_set
from udup.jobs.document.model import Model
from udup.jobs.document.oracle import OracleConfig
from udup.jobs.document.replicate import ReplicateDoDb, filter_word
from udup.pipeline.ports import ApplyMode
from udup.pipeline.selection.sqlfilter import FilterWord

#: More appliers than this only wait for each other's locks and for the target's cores.
MAX_PARALLEL_WORKERS = 64

#: Transactions that may wait in memory between the stages of one end.
MAX_CHANNEL_SIZE = 1_000_000

#: Bytes; a message is held whole in memory at both ends and in NATS.
MAX_MESSAGE_BYTES = 64 << 20

#: Rows of one chunk of a table's copy.
MAX_CHUNK_ROWS = 10_000_000

#: Runs that may fail in a row.
MAX_RETRIES = 1_000_000

_INT64_MAX = (1 << 63) - 1

#: The character set of connections: the one that can carry all others.
CHARSET = "utf8mb4"


def _ssl_mode(value: object) -> SslMode | None:
    """In any case, with `-` for `_`, as MySQL's clients take it; empty means none is given."""
    text = values.weak_text(value)
    name = text.upper().replace("-", "_")
    if name and name not in set(SslMode):
        raise values.fault(f"must be one of {', '.join(SslMode)}, got {values.shown(text)}")
    return SslMode(name) if name else None


def kept_password(value: object) -> str:
    """Return a password or a reference to one; one that could not be opened is a fault."""
    text = values.password(value)
    if text.startswith(SEALED):
        raise values.fault(
            "is sealed: what the job store holds could not be opened, since it is damaged or of another job",
            "post the job again with its password",
        )
    return text


def _engine(value: object) -> str:
    """In any case; empty means none is given."""
    text = values.weak_text(value)
    if text and text.lower() != "innodb":
        remedy = "write InnoDB, or leave it out: tables keep the source's engine"
        raise values.fault(f"{values.shown(text)} is not supported", remedy)
    return "InnoDB" if text else ""


def _charset(value: object) -> str:
    text = values.weak_text(value).lower()
    if text not in ("", CHARSET):
        raise values.fault(
            f"{values.shown(text)} is not supported",
            f"write {CHARSET} or leave it out: data of every charset come exactly",
        )
    return CHARSET


class GeneratedColumns(StrEnum):
    """What a copy makes of generated columns that the target computes otherwise than the source has them."""

    COMPARE = "compare"
    RECOMPUTE = "recompute"


def _generated_columns(value: object) -> str:
    text = values.weak_text(value).lower() or GeneratedColumns.COMPARE
    if text not in set(GeneratedColumns):
        raise values.fault(f"must be {' or '.join(GeneratedColumns)}, got {values.shown(text)}")
    return text


def _one_gtid(value: object) -> str:
    """Without white space. What is no text is told when it is posted (`starts.py`): stored documents may hold it."""
    return re.sub(r"\s+", "", value) if isinstance(value, str) else ""


def _apply_mode(value: object) -> str:
    text = values.weak_text(value).lower()
    if text not in set(ApplyMode) - {ApplyMode.CONVERTED}:
        raise values.fault(
            f"must be events or statements, got {values.shown(text)}", "leave it out to go by what the account may do"
        )
    return text


Text = Annotated[str, BeforeValidator(values.weak_text)]
Truth = Annotated[bool, BeforeValidator(values.weak_truth)]
AnySize = Annotated[int, BeforeValidator(values.within(0, _INT64_MAX))]


class ConnectionConfig(Model):
    """A MySQL server and the account there."""

    host: Annotated[str, BeforeValidator(values.host)]
    """A name or an address."""
    port: Annotated[int, BeforeValidator(values.within(1, 65535))]
    """1 to 65535."""
    user: Annotated[str, BeforeValidator(values.user)]
    """The account that Udup logs in as."""
    password: Annotated[str, BeforeValidator(kept_password)] = Field(default="", repr=False)
    """Itself, or a reference to it: `env:UDUP_SECRET_NAME`, `file:NAME`. Answers show `******`."""
    ssl_mode: Annotated[SslMode | None, BeforeValidator(_ssl_mode)] = None
    """Absent: TLS when the server offers it, but not on loopback."""
    ssl_ca: Text = ""
    """PEM file of the authorities to trust, on the node that runs the task; absent: those of the system."""
    ssl_cert: Text = ""
    """PEM file of a certificate of ours, where the account wants one."""
    ssl_key: Text = ""
    """PEM file of that certificate's key."""
    charset: Annotated[str, BeforeValidator(_charset)] = CHARSET
    """`utf8mb4`; data of every character set are carried exactly."""

    def endpoint(self) -> Endpoint:
        return Endpoint(self.host, self.port, self.user, self.password, self.tls())

    def tls(self) -> Tls:
        return Tls.of(self.ssl_mode, self.ssl_ca, self.ssl_cert, self.ssl_key)


class Config(Model):
    """A MySQL end's settings."""

    connection_config: ConnectionConfig
    """Where the server is, and the account there."""
    oracle_config: OracleConfig | None = None
    """Src with Driver Oracle."""
    gtid: Annotated[str, BeforeValidator(gtid_set)] = ""
    """Src: the GTID set that the target already has, to start after; empty: a full copy first."""
    auto_gtid: Truth = False
    """Src: no copy; begin with what the source commits after the job is posted."""
    gtid_start: Annotated[str, BeforeValidator(_one_gtid)] = ""
    """Src: no copy; begin with this transaction, a GTID."""
    binlog_file: Text = ""
    """Src: no copy; begin in this file of the source's binary log."""
    binlog_pos: AnySize = 0
    """Src: where in `BinlogFile` to begin: the offset of a transaction, or of a file's end; 0: with the file."""
    skip_incremental_copy: Truth = False
    """Src: a copy alone; the job is complete when it is on the target."""
    nats_addr: Annotated[str, BeforeValidator(values.nats_address)] = ""
    """host:port of the NATS server that carries the data; empty: the node's own."""
    replicate_do_db: list[ReplicateDoDb] = []
    """Src: what to replicate; empty: every schema but the server's own."""
    replicate_ignore_db: list[ReplicateDoDb] = []
    """Src: what of that is left out; without new names."""
    sql_filter: list[Annotated[FilterWord, BeforeValidator(filter_word)]] = []
    """Src: kinds of changes that are left out of the log on purpose; in any case."""
    expand_syntax_support: Truth = False
    """Src: users, roles and grants too, in a job without ReplicateDoDb."""
    # Absent was 1 where parallel appliers could get DDL and rows out of order; here the order of commits is kept.
    parallel_workers: Annotated[int, BeforeValidator(values.within(0, MAX_PARALLEL_WORKERS))] = 0
    """Dest: connections that apply, 64 at most; 0: 4."""
    repl_chan_buffer_size: Annotated[int, BeforeValidator(values.within(0, MAX_CHANNEL_SIZE))] = 0
    """Src: messages of the log under way at most; 0: 600."""
    msg_bytes_limit: Annotated[int, BeforeValidator(values.within(0, MAX_MESSAGE_BYTES))] = 0
    """Src: bytes to which small transactions are packed together; 0: 20480."""
    max_retries: Annotated[int, BeforeValidator(values.within(0, MAX_RETRIES))] | None = None
    """Runs that may fail in a row before the job does; absent: the server's setting retry.attempts."""
    engine: Annotated[str, BeforeValidator(_engine)] = ""
    """Dest: `InnoDB` makes tables without transactions (MyISAM, MEMORY, …) InnoDB tables; empty: as on the source."""
    drop_table_if_exists: Truth = False
    """Dest: drop tables of the same name that hold rows before the copy makes them; without it they are a fault."""
    generated_columns: Annotated[GeneratedColumns, BeforeValidator(_generated_columns)] = GeneratedColumns.COMPARE
    """Dest: `compare`: a copied table whose generated columns come out otherwise than on the source stops the job;
    `recompute`: the target's values are taken, and the job's warnings say so."""
    skip_create_db_table: Truth = False
    """Dest: the copy fills tables that are on the target, empty, and makes neither schemas nor tables."""
    approve_heterogeneous: Truth = False
    """Dest: tables of the target may have other columns and wider types; rows are carried by value and by name."""
    apply_mode: Annotated[ApplyMode, BeforeValidator(_apply_mode)] = ApplyMode.BY_PRIVILEGE
    """Dest: `events`: rows are applied as the source logged them, by BINLOG; `statements`: by INSERT, UPDATE and
    DELETE; empty: by events if the account may run BINLOG, else by statements."""
    chunk_size: Annotated[int, BeforeValidator(values.within(0, MAX_CHUNK_ROWS))] = 0
    """Src: rows of one chunk of the copy; 0: chosen by the size of the rows."""
    msgs_limit: AnySize = 0
    """Accepted, without effect."""
    bytes_limit: AnySize = 0
    """Accepted, without effect."""
