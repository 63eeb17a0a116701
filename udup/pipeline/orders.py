"""What travels over NATS between DestApplier and its workers: orders, and what is reported of them."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from udup.base.errors import Failure
from udup.pipeline.records import Wire


class Group(Wire, tag="group", frozen=True):
    """So many transactions to commit as one; the worker may commit it together with the groups that follow.

    `version` is the checkpoint row's before it (one more after it), `gtids` that row's new value, `label` names the
    transactions for people, `create` is the Query event to run first. `context` is the SET of the session that the
    rows need, empty if they need none.
    """

    number: int
    count: int
    version: int
    gtids: str
    events: list[bytes]
    label: str
    create: bytes = b""
    context: bytes = b""


class GroupPart(Wire, tag="gpart", frozen=True):
    """A piece of one large transaction, on one worker and in one open transaction until the last.

    `xid`, on the last: the pieces were kept as those of a prepared transaction, and are to be applied now. `context`
    as in `Group`. `marked` names tables that undo nothing: the transaction is applied between two marks.
    """

    number: int
    version: int
    gtids: str
    index: int
    last: bool
    events: bytes
    label: str
    create: bytes = b""
    xid: str = ""
    context: bytes = b""
    marked: str = ""


class MarkedGroup(Wire, tag="marked", frozen=True):
    """Transactions that change nothing but `tables`, which undo nothing: applied one by one between two marks.

    `gtids` is the checkpoint row's new value, `items` are the transactions' GTIDs and events, `context` as in `Group`.
    """

    number: int
    version: int
    gtids: str
    items: list[tuple[str, bytes]]
    tables: str
    context: bytes = b""


class SetFormat(Wire, tag="setfde", frozen=True):
    """The FORMAT_DESCRIPTION for the groups that follow."""

    event: bytes


class ExpectCopy(Wire, tag="copy", frozen=True):
    """A full copy begins: pieces of its tables will come, to be loaded as the driver's instructions say."""

    instructions: bytes


class Ask(Wire, tag="ask", frozen=True):
    """Say what you have to do: of orders that are out nothing has been heard for a while."""

    number: int


class Opened(Wire, tag="opened", frozen=True):
    """A worker has its session and listens. `number` is its own (`apply/crew.py`)."""

    slot: int
    number: int


Order: TypeAlias = Group | GroupPart | MarkedGroup | SetFormat | ExpectCopy | Ask


class Done(Wire, tag="done", frozen=True):
    """An order is carried out; for a part of a transaction `index` says which."""

    slot: int
    number: int
    index: int = -1


class Failed(Wire, tag="failed", frozen=True):
    """An order failed and nothing of it is in the target."""

    slot: int
    failure: Failure


class ChunkLoaded(Wire, tag="chunk", frozen=True):
    slot: int
    table: int
    chunk: int
    rows: int


class RowCount(Wire, tag="rows", frozen=True):
    """Rows written by a worker's session since it began; `worker` is the worker's own number."""

    slot: int
    worker: int
    inserted: int
    updated: int
    deleted: int


class Answer(Wire, tag="answer", frozen=True):
    """The answer to `Ask` of this number, at once: so many groups and parts have come and are not done."""

    slot: int
    number: int
    in_hand: int


Report: TypeAlias = Opened | Done | Failed | ChunkLoaded | RowCount | Answer

decode_order = msgspec.msgpack.Decoder(Order).decode
decode_report = msgspec.msgpack.Decoder(Report).decode
