"""Messages of a sink as they pass, for people who look at them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

#: Where reading begins, beside a GTID.
START, NOW = "start", "now"


@dataclass(frozen=True, slots=True)
class Seen:
    """One message as a reader of the sink sees it. `value` None is a tombstone. `ms`: when it was stored.

    `partition`: of a sink that has some. `headers`: as texts.
    """

    subject: str
    key: bytes | None
    value: bytes | None
    id: str
    operation: str = ""
    ms: int = 0
    partition: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TailRequest:
    """Where reading begins: at `cursor`, else as `since` says: `start`, `now`, or the GTID of a transaction.

    `table` (schema, name): of this table alone. Without `follow` it ends where the sink ended when reading began.
    """

    since: str = NOW
    cursor: str = ""
    table: tuple[str, str] | None = None
    follow: bool = True


class Tail(Protocol):
    """Reads the messages of a sink in one thread.

    `Refused` for what is not there, `Unavailable` for a sink that is away.
    """

    @property
    def at_end(self) -> bool:
        """Return whether nothing more was there when it was read last; without `follow`: whether it has ended."""
        ...

    @property
    def cursor(self) -> str:
        """Return where another reader goes on, behind what was read; a text of the sink's own."""
        ...

    def read(self) -> list[Seen]:
        """Return some messages; none if none has come within a moment, or while a transaction is looked for."""
        ...

    def close(self) -> None: ...
