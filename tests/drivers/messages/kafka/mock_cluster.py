"""Brokers that answer with the errors that a test says: the client library's own mock cluster, by its C interface.

What Apache Kafka answers to a run that was fenced off, that may not write, or that has too few replicas no broker for
tests can be made to answer; the client's whole way from such an answer to the job runs here. Aborted records are seen.
"""

from __future__ import annotations

import ctypes
import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import Any

from udup.pipeline.ports.delivery import DeliveryPlan, DeliverySettings


class Request(IntEnum):
    """Requests by Kafka's numbers."""

    PRODUCE = 0
    INIT_PRODUCER_ID = 22
    ADD_PARTITIONS = 24
    END_TRANSACTION = 26


def _library() -> ctypes.CDLL:
    found = importlib.util.find_spec("confluent_kafka")
    assert found is not None and found.origin is not None
    (path,) = (Path(found.origin).parent.parent / "confluent_kafka.libs").glob("librdkafka-*")
    library = ctypes.CDLL(str(path))
    for name in ("rd_kafka_conf_new", "rd_kafka_new", "rd_kafka_mock_cluster_new"):
        getattr(library, name).restype = ctypes.c_void_p
    library.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
    return library


class MockCluster:
    """Topics of one partition each."""

    def __init__(self, library: ctypes.CDLL, handle: Any) -> None:
        self._library, self._handle = library, handle
        bootstraps: bytes = library.rd_kafka_mock_cluster_bootstraps(handle)
        self.address = bootstraps.decode()

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def advertise(self, port: int) -> None:
        """Name another port of this machine as the broker's."""
        self._library.rd_kafka_mock_broker_set_host_port(self._handle, ctypes.c_int32(1), b"127.0.0.1", port)

    def make(self, *topics: str) -> None:
        for topic in topics:
            assert self._library.rd_kafka_mock_topic_create(self._handle, topic.encode(), 1, 1) == 0

    def delete(self, topic: str) -> None:
        assert self._library.rd_kafka_mock_topic_delete(self._handle, topic.encode()) == 0

    def remove_records(self, topic: str, before: int) -> None:
        """Remove the records of a topic before an offset, as age would."""
        remove = self._library.rd_kafka_mock_partition_delete_records
        assert remove(self._handle, topic.encode(), ctypes.c_int32(0), ctypes.c_int64(before)) == 0

    def answer(self, request: Request, *codes: int) -> None:
        """Answer the next requests of a kind with these errors."""
        array = (ctypes.c_int * len(codes))(*codes)
        push = self._library.rd_kafka_mock_push_request_errors_array
        push(self._handle, ctypes.c_int16(request), ctypes.c_size_t(len(codes)), array)

    def settings(self, prefix: str, **sink: Any) -> DeliverySettings:
        plan = DeliveryPlan(prefix=prefix, sink={"Brokers": [self.address], **sink})
        return DeliverySettings(job="job-1", run=1, owner="node-1", plan=plan)


@contextmanager
def mock_cluster() -> Iterator[MockCluster]:
    library = _library()
    text = ctypes.create_string_buffer(512)
    client = ctypes.c_void_p(
        library.rd_kafka_new(0, ctypes.c_void_p(library.rd_kafka_conf_new()), text, ctypes.c_size_t(len(text)))
    )
    assert client, text.value
    handle = ctypes.c_void_p(library.rd_kafka_mock_cluster_new(client, 1))
    try:
        yield MockCluster(library, handle)
    finally:
        library.rd_kafka_mock_cluster_destroy(handle)
        library.rd_kafka_destroy(client)
