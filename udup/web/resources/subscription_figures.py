"""What is measured of subscriptions: what they deliver, how far they are behind, what reads their rows.

Figures of single tables are in the API alone: a source may have thousands.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from udup.jobs import JobRecord
from udup.jobs.words import Stage

_LABELS = ("job_id", "job_name")

#: The values of labels: no other becomes a time series.
_KINDS = ("c", "u", "d", "r", "t", "tombstone", "other")
_DECODERS = ("compiled", "python")

_FLOWS = (Stage.CATCHING_UP, Stage.RUNNING)


def subscription_families(
    jobs: Sequence[tuple[tuple[str, str], JobRecord]],
) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
    """Everything of those of these jobs that have delivered."""
    text = "Events that are stored in the sink, by kind as Debezium's op has it; c, u, d, r and t are of rows."
    events = CounterMetricFamily("udup_subscription_events", text, labels=(*_LABELS, "op"))
    text = "Messages that are stored in the sink: fewer than events where several rows share one."
    messages = CounterMetricFamily("udup_subscription_messages", text, labels=_LABELS)
    text = "Bytes of the values of these events, before they are compressed."
    size = CounterMetricFamily("udup_subscription_bytes", text, labels=_LABELS)
    text = "How far the sink is behind the source; absent while not known."
    lag = GaugeMetricFamily("udup_subscription_lag_seconds", text, labels=_LABELS)
    text = "1: what reads the rows of this job. python is slow: install a C++ compiler and Udup again."
    decoder = GaugeMetricFamily("udup_decoder", text, labels=(*_LABELS, "kind"))
    for labels, record in jobs:
        now = record.progress
        if now.events is None:
            continue
        for kind in _KINDS:
            events.add_metric((*labels, kind), float(now.events.get(kind, 0)))
        messages.add_metric(labels, float(now.delivered_messages or 0))
        size.add_metric(labels, float(now.delivered_bytes or 0))
        if now.lag_ms is not None and record.stage in _FLOWS:
            lag.add_metric(labels, now.lag_ms / 1000)
        if now.decoder in _DECODERS:
            decoder.add_metric((*labels, now.decoder), 1.0)
    yield from (events, messages, size, lag, decoder)
