"""The example consumer rebuilds tables from a stream."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

from tests.drivers.messages.nats.small_sink import SmallSink
from udup.pipeline.ports.delivery import Message, Unit

_EXAMPLE = Path(__file__).parents[4] / "examples" / "consume_nats.py"


def change(sink: SmallSink, number: int, operation: str, key: int, after: object) -> Message:
    value = (
        json.dumps({"before": None, "after": after, "op": operation}).encode() if after or operation == "d" else None
    )
    name = f"g:{number}:shop.t:0"
    return Message(f"{sink.prefix}.shop.t", b'{"id":%d}' % key, value, name, (), operation, "shop.t")


def test_tables_are_rebuilt_from_the_stream(sink: SmallSink) -> None:
    sink.large = "claim"
    long = "x" * 30_000

    async def main() -> None:
        await sink.make({"max_msg_size": 20_000})
        async with sink.opened() as (delivery, _):
            rows = [
                change(sink, 1, "r", 1, {"id": 1, "a": 1}),
                change(sink, 2, "c", 2, {"id": 2, "a": 2}),
                change(sink, 3, "u", 1, {"id": 1, "a": 3}),
                change(sink, 4, "c", 3, {"id": 3, "a": long}),
                change(sink, 5, "d", 2, None),
                change(sink, 6, "", 2, None),
                Message(
                    f"{sink.prefix}.outbox.event.order", b'"42"', b'{"total":3}', "g:7:shop.outbox:0", (), "outbox"
                ),
            ]
            await delivery.send(Unit(1, rows, "7"))
            await delivery.send(Unit(2, [], "8"))
            await delivery.stored()

    asyncio.run(main())
    command = [sys.executable, str(_EXAMPLE), sink.sink().stream, "--url", sink.url, "--no-follow"]
    whole = {f"{sink.prefix}.shop.t": {'{"id":1}': {"id": 1, "a": 3}, '{"id":3}': {"id": 3, "a": long}}}
    assert _printed(command) == whole
    assert _printed([*command, "--durable", "copy"]) == whole
    assert _printed([*command, "--durable", "copy"]) == {}  # all of it was acknowledged


def _printed(command: list[str]) -> object:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
