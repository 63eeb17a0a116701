"""When the transaction of a message was committed, read out of the message again.

A run that finds messages behind the last position knows by it whether the source still means the same transaction by
their GTID: one that has lost its last transactions gives their GTIDs to others.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from udup.drivers.messages import ids


def committed_us(value: bytes | None) -> int:
    """Return it in µs since the epoch, from a value of any form; 0 where that does not say it."""
    try:
        said = json.loads(value or b"null")
        for _ in range(2):
            if isinstance(said, list) and said:
                said = said[0]  # several rows in one message
            if isinstance(said, dict) and set(said) == {"schema", "payload"}:
                said = said["payload"]
        return _committed_us(said) if isinstance(said, dict) else 0
    except (ValueError, TypeError, RecursionError):
        return 0


def _committed_us(said: Mapping[str, Any]) -> int:
    if "__ts_us" in said and "__gtid" in said:
        return int(said["__ts_us"])
    if "iodebeziumtsus" in said:
        return int(said["iodebeziumtsus"])
    source = said.get("source")
    return int(source["ts_us"]) if isinstance(source, dict) and "ts_us" in source else 0


def moments(messages: Iterable[tuple[str, bytes | None]]) -> dict[str, int]:
    """Return of the transactions that messages (ID, value) are of when they were committed, where one of them says."""
    found: dict[str, int] = {}
    for message_id, value in messages:
        gtid = ids.gtid(message_id)
        if gtid and gtid not in found and (us := committed_us(value)):
            found[gtid] = us
    return found
