"""What an extractor says of its run, once a second."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from udup.pipeline.waits import Wait


@dataclass(frozen=True, slots=True)
class Extracted:
    """What was read and sent in one run; see docs/statistics.md for what each number means."""

    gtids: str = ""
    transactions: int = 0
    definitions: int = 0
    skipped: int = 0
    copied_rows: int = 0
    copied_messages: int = 0
    copied_bytes: int = 0


@dataclass(frozen=True, slots=True)
class ExtractProgress:
    """Progress of one run.

    `source_executed` is the position that the source has executed. `doubt` says what of the source could not be
    compared with the server that was followed before. The buffer is what was sent and is not applied yet; `sent_full`
    counts messages that went because they were full. `waiting_for` are the waits that last, the one that
    tells most first. `told` are other things that users should know. `held` is before what the log is not read on.
    """

    source_executed: str | None
    doubt: str
    buffer_fill: float
    buffer_messages: int
    buffer_bytes: int
    sent_messages: int
    sent_bytes: int
    sent_full: int
    extracted: Extracted
    log_file: str = ""
    log_offset: int = 0
    waiting_for: tuple[Wait, ...] = ()
    told: tuple[str, ...] = ()
    held: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return it under the names of the API."""
        return {
            "source_gtid": self.source_executed,
            **({"warning": self.doubt} if self.doubt else {}),
            **({"told": self.told} if self.told else {}),
            **({"held": self.held} if self.held else {}),
            "buffer_fill": self.buffer_fill,
            "buffer_messages": self.buffer_messages,
            "buffer_bytes": self.buffer_bytes,
            "sent_messages": self.sent_messages,
            "sent_bytes": self.sent_bytes,
            "sent_full": self.sent_full,
            "extracted_gtid": self.extracted.gtids,
            "extracted_transactions": self.extracted.transactions,
            "extracted_definitions": self.extracted.definitions,
            "skipped_transactions": self.extracted.skipped,
            "binlog_file": self.log_file,
            "binlog_position": self.log_offset,
            "copy_read_rows": self.extracted.copied_rows,
            "copy_sent_messages": self.extracted.copied_messages,
            "copy_sent_bytes": self.extracted.copied_bytes,
            "source_waiting_for": self.waiting_for[0].as_dict() if self.waiting_for else None,
        }
