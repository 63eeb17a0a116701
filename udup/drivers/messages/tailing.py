"""What readers of all sinks have in common: which messages are meant, and cursors."""

from __future__ import annotations

import json
from typing import Any

from udup.base.errors import Fault, Refused
from udup.drivers.messages.ids import table_id
from udup.pipeline.ports.tail import NOW, START, Seen, TailRequest


class Wanted:
    """Which messages a reader is asked for. `gtid`: that of the transaction to begin at, "" for another beginning."""

    def __init__(self, request: TailRequest) -> None:
        self.request = request
        self.gtid = "" if request.since in (START, NOW) else request.since
        self._table = f":{table_id(*request.table)}:" if request.table is not None else ""

    def takes(self, seen: Seen) -> bool:
        """Return whether a message is of the table, if one is asked for."""
        return self._table in seen.id

    def begins(self, message_id: str) -> bool:
        """Return whether a message is of the transaction to begin at."""
        return message_id.startswith(f"{self.gtid}:")

    def not_found(self) -> Refused:
        """Return the error for a transaction of which the sink has no message."""
        return Refused(
            [
                Fault(
                    "from",
                    f"there is no message of the transaction {self.gtid}: it holds nothing that the job delivers, "
                    "is not delivered yet, or its messages were removed",
                    "begin at start or now",
                )
            ]
        )


def read_cursor(text: str) -> dict[str, Any]:
    """Return what a cursor says; `Refused` for what is none."""
    try:
        said = json.loads(text)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise bad_cursor()
    return said


def bad_cursor(problem: str = "it is none that was given out for this job") -> Refused:
    return Refused([Fault("cursor", problem, "leave it out, and begin at start, at now or with a transaction")])
