"""The writing side of one run, by calls that block: a transaction is units and the position of the last of them.

The transactional ID is the job's, so that `init_transactions` ends what the run before has left open, and fences that
run off. Messages go by `produce()`, one by one: `produce_batch()` takes no headers, and each message has its ID in one;
it spares 0.5 µs of CPU a record (measured: 1.0 in place of 1.5 µs in the call, librdkafka 2.16).

A transaction that fails ends the run. What it was about is told by delivery reports, which the library makes for
failed messages only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient

from udup.base import runtime
from udup.base.errors import Side, Superseded, Transient, UdupError, Unavailable
from udup.drivers.messages.kafka.config import KafkaSink
from udup.drivers.messages.kafka.errors import Heard, failure
from udup.drivers.messages.kafka.large import refusal
from udup.drivers.messages.kafka.position import (
    NUMBER_HEADER,
    OWNER_HEADER,
    RUN_HEADER,
    FoundPosition,
    Patience,
    Record,
    plain_settings,
    read_position,
    write_mark,
)
from udup.drivers.messages.kafka.topics import ANSWER_SECONDS, Topics, route
from udup.drivers.messages.large_values import without_longest
from udup.pipeline.ports.delivery import DeliverySettings, FoundPlace, Message, Unit

#: The header with the ID of a message.
ID_HEADER = "udup-id"

#: Seconds after which the brokers abort a transaction by themselves: longer than any pause of a run that lives.
TRANSACTION_SECONDS = 60

#: Seconds from the first question to the brokers to the position that is read: longer than a transaction of another
#: job may be open there, and less than a run has to begin.
START_SECONDS = 85.0

#: Seconds of one wait within a call that takes long, so that a run may end meanwhile.
_SLICE_SECONDS = 1.0

#: Seconds in which brokers must answer a run that asks whether they are there; who asks has patience of its own.
_CHECK_SECONDS = 4.0

#: Seconds after which it is looked whether the topics are there at all, in which nothing is stored.
_LOOK_SECONDS = 3.0

#: Bytes that a record may have beside its key, value and headers.
_RECORD_BYTES = 100

#: Errors that say no more than that another one was before.
_VAGUE = (KafkaError._FATAL, KafkaError._STATE, KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT)

#: Errors of messages that were sent again and again. Why, the library does not tell.
_NOT_TAKEN = (KafkaError._TIMED_OUT, KafkaError._MSG_TIMED_OUT)

#: Records after which the library's callbacks are called.
_POLL_EVERY = 2000


class Writer:
    """Writes with transactions. All calls but `closing` are of one thread at a time."""

    def __init__(self, sink: KafkaSink, settings: DeliverySettings) -> None:
        self._sink, self._settings = sink, settings
        self._heard = Heard()
        self._producer: Any = None
        self._topics: Topics
        self._routes: dict[str, tuple[str, int]] = {}
        self._failed: list[tuple[KafkaError, Record]] = []
        self._begun = runtime.now()
        self._skips = settings.plan.large_messages == "skip-values"
        self._limit = sink.message_bytes - _RECORD_BYTES
        self.closing = False

    def connect(self) -> str:
        """Reach the brokers and return the cluster's ID. Nothing is changed there."""
        settings = {**self._sink.connection(), "error_cb": self._heard, "socket.timeout.ms": int(ANSWER_SECONDS * 1000)}
        self._begun = runtime.now()
        self._topics = Topics(self._sink, made(AdminClient, settings, self._sink), self._heard, self._check_open)
        return self._topics.look()

    def take_over(self) -> FoundPlace:
        """Fence off every other run, and return the position. Messages behind it there are none."""
        self._topics.make_position_topic()
        self._producer = made(Producer, self._producer_settings(), self._sink)
        patience = self._patience()
        doing = f"ending what an earlier run has left open in Kafka at {self._sink.where}, and fencing it off"
        self._patiently(self._producer.init_transactions, doing, deadline=patience.deadline)
        found = read_position(self._sink, self._settings.job, self._heard, patience)
        if found.empty:
            write_mark(self._sink, self._heard)
        self._refuse_late(found)
        if found.text is not None and found.number < self._settings.number:
            self.store([Unit(0, (), found.text)])  # from now on an earlier run knows
        return FoundPlace(found.text)

    def _refuse_late(self, found: FoundPosition) -> None:
        """Raise `Superseded` if the cluster has granted another run after this one."""
        if 0 < self._settings.number < found.number:
            text = (
                f"job {self._settings.job}: {found.owner or 'another owner'} (run {found.number}) has taken Kafka at"
                f" {self._sink.where} over, and is a later run"
            )
            raise Superseded(text).of(Side.TARGET)

    def _patience(self) -> Patience:
        """Return how long the start may still take; a run that has ended waits no more."""
        return Patience(self._begun + START_SECONDS, self._check_open)

    def _producer_settings(self) -> dict[str, Any]:
        return {
            **self._common_settings(),
            "transactional.id": f"udup-{self._sink.prefix}-{self._settings.job}",
            "transaction.timeout.ms": TRANSACTION_SECONDS * 1000,
        }

    def _common_settings(self) -> dict[str, Any]:
        return {
            **self._sink.connection(),
            **plain_settings(),
            "linger.ms": 5,  # a commit does not wait for it
            "batch.size": max(1_000_000, self._sink.message_bytes),
            "message.max.bytes": max(1_000_000, self._sink.message_bytes),
            "message.timeout.ms": TRANSACTION_SECONDS * 1000,
            "compression.type": self._sink.compression,
            "queue.buffering.max.messages": 500_000,
            "queue.buffering.max.kbytes": 512 << 10,
            "delivery.report.only.error": True,
            "on_delivery": self._delivered,
            "error_cb": self._heard,
        }

    def store(self, units: Sequence[Unit]) -> None:
        """Store units, and the position of the last; return when they are committed."""
        doing = f"writing to Kafka at {self._sink.where}"
        self._make_topics(units)
        try:
            self._producer.begin_transaction()
            self._produce(units)
            self._produce_position(units[-1].position)
        except Exception as error:  # noqa: BLE001 - what is not the library's is raised again
            self._fail(error, units, doing)
        self._patiently(self._producer.commit_transaction, doing, units)
        self._heard.forget()

    def _make_topics(self, units: Sequence[Unit]) -> None:
        """Have the topic of each message there, and its route known."""
        routes = self._routes
        missing = {m.topic for unit in units for m in unit.messages if m.topic not in routes}
        if missing:
            found = {topic: route(self._sink, topic) for topic in missing}
            self._topics.make(set(found.values()))
            self._opened([topic for topic, _ in found.values()])
            routes.update(found)

    def _opened(self, topics: Sequence[str]) -> None:
        """These topics are written from now on."""

    def _produce(self, units: Sequence[Unit]) -> None:
        produce, routes, limit = self._producer.produce, self._routes, self._limit
        count = 0
        for unit in units:
            for message in unit.messages:
                value, key, name, headers = message.value, message.key, message.id, message.headers
                size = (len(value) if value else 0) + (len(key) if key else 0) + len(name)
                if size > limit or headers:
                    message = self._fitting(message)
                    value, headers = message.value, message.headers
                destination, partition = routes[message.topic]
                all_headers = [(ID_HEADER, name), *headers] if headers else [(ID_HEADER, name)]
                try:
                    produce(destination, value, key, partition, headers=all_headers)
                except BufferError:
                    self._produce_slowly(destination, value, key, partition, all_headers)
                count += 1
                if not count % _POLL_EVERY:
                    self._producer.poll(0)

    def _produce_slowly(self, *record: Any) -> None:
        """Produce a record when the library's queue has room again. The timeout of those in it ends the wait."""
        topic, value, key, partition, headers = record
        while True:
            self._check_open()
            self._producer.poll(0.05)
            if self._failed:
                raise KafkaException(self._failed[0][0])
            try:
                self._producer.produce(topic, value, key, partition, headers=headers)
            except BufferError:
                continue
            return

    def _fitting(self, message: Message) -> Message:
        """Return the message as it can be sent; `Refused` if it is too large."""
        texts = (message.key, message.value, message.id)
        size = sum(map(len, filter(None, texts))) + sum(len(name) + len(text) for name, text in message.headers)
        if size <= self._limit:
            return message
        shorter = without_longest(message, size - self._limit) if self._skips else None
        if shorter is None:
            raise refusal(message, size, self._limit)
        return shorter

    def _produce_position(self, text: str, more: Sequence[tuple[str, bytes]] = ()) -> None:
        settings = self._settings
        headers = [(RUN_HEADER, str(settings.run)), (OWNER_HEADER, settings.owner), *more]
        if settings.number:
            headers.append((NUMBER_HEADER, str(settings.number)))
        self._producer.produce(self._sink.position_topic, text.encode(), settings.job.encode(), 0, headers=headers)

    def _delivered(self, error: KafkaError | None, record: Record) -> None:
        if error is not None and len(self._failed) < 100:
            self._failed.append((error, record))

    def _patiently(
        self, call: Callable[[float], object], doing: str, units: Sequence[Unit] = (), deadline: float = 0.0
    ) -> None:
        """Make a call that goes on where it was when it is made again, for as long as a transaction may take."""
        deadline = deadline or runtime.now() + TRANSACTION_SECONDS
        look_at = runtime.now() + _LOOK_SECONDS
        while True:
            self._check_open()
            try:
                call(_SLICE_SECONDS)
            except Exception as error:  # noqa: BLE001 - what is not the library's is raised again
                found = told(error)
                again = found is not None and found.retriable() and not self.closing
                if not again or runtime.now() > deadline:
                    self._fail(error, units, doing)
                self._serve()
                if runtime.now() > look_at:
                    look_at = runtime.now() + _LOOK_SECONDS
                    self._check_topics(units, doing)
            else:
                return

    def _check_open(self) -> None:
        """End the thread of a run that has ended: it would take the topics from the next one, or keep the process."""
        if self.closing:
            raise Transient(f"the run that writes to Kafka at {self._sink.where} has ended")

    def _fail(self, error: Exception, units: Sequence[Unit], doing: str) -> NoReturn:
        """Raise what an error means; where a message was at fault, its own; as it is what is not the library's."""
        if isinstance(error, UdupError):
            raise error
        found = self._reason(error)
        if found is None:
            raise error
        meant = failure(found, doing, self._heard)
        if isinstance(meant, Superseded):
            raise meant from error
        for cause, record in self._failed:
            if cause.code() not in (KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT, *_NOT_TAKEN):
                raise self._at_fault(cause, record, units, doing) from error
        raise self._explained(found, units, doing) from error

    def _explained(self, found: KafkaError, units: Sequence[Unit], doing: str) -> UdupError:
        """Return an error of which the library does not say which topic it is about, or why messages were not taken."""
        if units and found.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
            doing = f"{doing}, one of the topics {', '.join(sorted(self._written(units))[:6])}"
        if units and found.code() in _NOT_TAKEN and self._heard.last is None:
            trouble = self._topics.trouble(self._written(units)) or "the brokers answer, and have not said why"
            remedy = "look at min.insync.replicas, at their disks and their quotas"
            return Unavailable(f"{doing}: messages were not stored in time: {trouble} -- {remedy}")
        return failure(found, doing, self._heard)

    def _written(self, units: Sequence[Unit]) -> set[str]:
        """Return the topics that these units go to."""
        topics = {self._routes[each.topic][0] for unit in units for each in unit.messages}
        return {*topics, self._sink.position_topic}

    def _check_topics(self, units: Sequence[Unit], doing: str) -> None:
        """End the run if a topic is gone: for the library it may come back, the next run makes it."""
        if units and (gone := self._topics.gone(self._written(units))):
            raise Transient(f"{doing}: somebody has deleted the topic {', '.join(gone[:5])}")

    def _reason(self, error: Exception) -> KafkaError | None:
        """Return the library's reason for an error; None if it has none.

        A fatal error (another run has fenced this one off) is raised in the midst of the library's callbacks, and what
        Python makes of it there may be any error. The library's own state tells the reason to every call that follows.
        """
        found = self._serve() or told(error)
        for pause in (0.0, 0.2):
            if found is not None and found.code() not in _VAGUE:
                break
            runtime.sleep(pause)  # the library's thread is about to tell what it was
            found = self._serve() or self._state() or found
        return found

    def _serve(self) -> KafkaError | None:
        """Have the library call back what is due; return the fatal error that it tells by that."""
        try:
            self._producer.poll(0)
        except Exception as error:  # noqa: BLE001 - a reason is looked for, and there may be none here
            return told(error)
        return None

    def _state(self) -> KafkaError | None:
        """Return why no transaction may begin, as the library has it; None if it says no more than that."""
        try:
            self._producer.begin_transaction()
        except Exception as error:  # noqa: BLE001 - a reason is looked for, and there may be none here
            found = told(error)
            return None if found is None or found.code() in (*_VAGUE, KafkaError._NOT_CONFIGURED) else found
        return None

    def _at_fault(self, cause: KafkaError, record: Record, units: Sequence[Unit], doing: str) -> UdupError:
        """Return the error of a message that the brokers have refused."""
        place = record.topic(), record.key(), record.value()
        for message in (message for unit in units for message in unit.messages):
            if (self._routes[message.topic][0], message.key, message.value) == place:
                if cause.code() == KafkaError.MSG_SIZE_TOO_LARGE:
                    return refusal(message, len(message.value or b"") + len(message.key or b""), self._limit)
                return failure(cause, f"{doing}: the message {message.id} to the topic {place[0]}", self._heard)
        return failure(cause, f"{doing}: a message to the topic {place[0]}", self._heard)

    def check(self) -> None:
        """Ask whether the brokers answer. May be called by another thread than the rest."""
        self._topics.ask(_CHECK_SECONDS)

    def close(self) -> None:
        """Give up what is under way. An open transaction is aborted by the next run, or by the brokers in time."""
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.purge()


def told(error: Exception) -> KafkaError | None:
    """Return the library's error that is behind an error, None if none is. A `SystemError` is the library's, too.

    Python raises that for a call that has failed while it had an error of a callback's already.
    """
    found: BaseException | None = error
    while found is not None and not isinstance(found, KafkaException):
        found = found.__cause__ or found.__context__
    if found is not None and isinstance(found.args[0], KafkaError):
        return found.args[0]
    return KafkaError(KafkaError._FATAL, str(error)) if isinstance(error, (SystemError, KafkaException)) else None


def id_of(record: Record) -> str:
    """Return the ID of a message that was read; "" for one of others."""
    name: bytes = dict(record.headers() or ()).get(ID_HEADER) or b""
    return name.decode("utf-8", "replace")


def made(kind: Callable[[dict[str, Any]], Any], settings: dict[str, Any], sink: KafkaSink) -> Any:
    """Return a client. Files and words that the library does not take are told by it when it is made."""
    try:
        return kind(settings)
    except KafkaException as error:
        raise failure(error, f"setting up a client of Kafka at {sink.where}") from error
