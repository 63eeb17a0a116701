"""Messages above the sink's limit are refused by name."""

from __future__ import annotations

from udup.base.errors import Fault, Refused
from udup.pipeline.checks import DEST
from udup.pipeline.ports.delivery import Message


def refusal(message: Message, size: int, limit: int) -> Refused:
    """Return the error of a message that is too large, which names it."""
    problem = f"the message {message.id} has {size} bytes, and the topic takes {limit}"
    remedy = (
        "raise MaxMessageBytes in KafkaConfig together with max.message.bytes of the topic (message.max.bytes of the"
        " brokers); or write LargeMessages skip-values, which leaves out the longest values"
    )
    where = f"the table {message.table}" if message.table else f"the topic {message.topic}"
    gtid = message.id.partition(f":{message.table}:")[0] if message.table else ""
    return Refused([Fault(where, problem, remedy, DEST)], gtid=gtid, table=message.table)
