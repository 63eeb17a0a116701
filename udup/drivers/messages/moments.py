"""When the transaction of a message was committed, read out of the message again.

A run that finds messages behind the last position knows by it whether the source still means the same transaction by
their GTID: one that has lost its last transactions gives their GTIDs to others.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from udup.drivers.messages import ids


def committed_us(value: bytes | None, gtid: str) -> int:
    """Return it in µs since the epoch, from a value of any form that names this transaction; 0 where none says it.

    What does not name it may be a user's own document (`outbox.py`).
    """
    try:
        said = json.loads(value or b"null")
        for _ in range(2):
            if isinstance(said, list) and said:
                said = said[0]  # several rows in one message
            if isinstance(said, dict) and set(said) == {"schema", "payload"}:
                said = said["payload"]
        return _committed_us(said, gtid) if isinstance(said, dict) else 0
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return 0


def _committed_us(said: Mapping[str, Any], gtid: str) -> int:
    source = said.get("source")
    forms: list[tuple[Any, str, str]] = [
        (said, "__gtid", "__ts_us"),
        (said, "iodebeziumgtid", "iodebeziumtsus"),
        (source if isinstance(source, dict) else {}, "gtid", "ts_us"),
    ]
    return next((int(form[time]) for form, name, time in forms if form.get(name) == gtid), 0)


def moments(messages: Iterable[tuple[str, bytes | None]]) -> dict[str, int]:
    """Return of the transactions that messages (ID, value) are of when they were committed, where one of them says."""
    found: dict[str, int] = {}
    for message_id, value in messages:
        gtid = ids.gtid(message_id)
        if gtid and gtid not in found and (us := committed_us(value, gtid)):
            found[gtid] = us
    return found
