"""Subscriptions of the made-up node, and what they deliver."""

from __future__ import annotations

import json
import time
from typing import Any

from tests.console.conftest import Fake
from tests.console.world import stamp

Json = dict[str, Any]

UUID = "3e11fa47-71ca-11e1-9e33-c80aa9429562"


def add_subscription(fake: Fake, job: str, lag_ms: int | None, **more: Any) -> None:
    """Let the made-up node have one, made of a running job that it has."""
    brief = {**fake.world.briefs["loyalty"], "ID": job, "Name": job, "Type": "subscribe", "Shown": "running"}
    brief |= {"Group": "running", "Reason": "", "LagMs": lag_ms, "Target": "NATS SHOP1"} | more
    whole = {**fake.world.wholes["loyalty"], **{key: brief[key] for key in ("ID", "Name", "Type", "Shown", "Group")}}
    sink = {"Type": "Dest", "Driver": "NATS", "Config": {"Prefix": "shop1", "NatsConfig": {"Stream": "SHOP1"}}}
    whole["Tasks"] = [whole["Tasks"][0], {**whole["Tasks"][1], **sink}]
    counts = {"events": {"c": 18_240, "u": 9120, "d": 12}, "events_per_s": 1240.0, "delivered_messages": 27_372}
    sizes = {"delivered_bytes": 99_000_000, "delivered_bytes_per_s": 120_000.0, "lag_ms": lag_ms}
    tables = {"events_by_table": {"shop.orders": 9000, "shop.items": 18_000}}
    whole["Progress"] = {**whole["Progress"], **counts, **sizes, **tables}
    fake.world.briefs[job], fake.world.wholes[job] = brief, whole
    fake.answers["POST", f"job/{job}/snapshot"] = {"Success": True, "Index": 7, "Tables": ["shop.orders"]}


def message(number: int, operation: str = "u", table: str = "shop.orders") -> Json:
    """A message as GET /v1/job/ID/events shows it: its numbers have more digits than JavaScript's."""
    before: Json | None = {"id": number, "state": "open", "total": "75.00", "note": None}
    after: Json | None = {"id": number, "state": "paid", "total": "75.00", "note": "card  "}
    before, after = (None if operation == "c" else before), (None if operation == "d" else after)
    value = {"before": before, "after": after, "op": operation, "ts_us": 1_795_000_000_000_000_123}
    return {
        "Subject": f"shop1.{table}",
        "Key": json.dumps({"id": number}),
        "Value": json.dumps(value).replace('"75.00"', "75.00"),
        "ID": f"{UUID}:{number}:{table}:0",
        "Operation": operation,
        "Time": stamp(time.time()),
    }


def deliver(fake: Fake, job: str, messages: list[Json], per_second: float = 3.0) -> None:
    """Tell those who follow it."""
    fake.streams.tell("message", {"ID": job, "Events": messages, "PerSecond": per_second, "Shown": 20})
