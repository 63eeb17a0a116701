"""However the client library tells that another run has taken over, the run is superseded, and nothing else is."""

from __future__ import annotations

from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from udup.base.errors import Refused, Superseded, Transient, UdupError
from udup.drivers.messages.kafka import writer as writing
from udup.drivers.messages.kafka.config import KafkaSink
from udup.drivers.messages.kafka.writer import Writer
from udup.pipeline.ports.delivery import DeliveryPlan, DeliverySettings, Message, Unit

_FENCED = KafkaException(KafkaError(KafkaError._FENCED, "fenced by a newer instance", fatal=True))
_VAGUE = KafkaException(KafkaError(KafkaError._FATAL, "Unable to produce message: Local: Fatal error"))
_NO_STATE = KafkaException(KafkaError(KafkaError._STATE, "Operation not valid in state InTransaction"))


def _chained(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


class _Producer:
    """Fails by a script: what a call raises each time, the last one from then on; None for nothing."""

    def __init__(self, **scripts: list[Exception | None]) -> None:
        self._scripts = scripts

    def __getattr__(self, name: str) -> Any:
        def call(*_: object, **__: object) -> None:
            script = self._scripts.get(name) or [None]
            error = script.pop(0) if len(script) > 1 else script[0]
            if error is not None:
                raise error

        return call


def _writer(**scripts: list[Exception | None]) -> Writer:
    plan = DeliveryPlan("s", sink={"Brokers": ["127.0.0.1:1"]})
    writer = Writer(KafkaSink.of(plan), DeliverySettings("job", 1, "owner", plan))
    writer._producer = _Producer(**scripts)
    writer._routes["s.t"] = "s.t", -1
    return writer


_UNITS = [Unit(1, [Message("s.t", b"k", b"v", "1:t:0", table="t")], "{}")]


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing.runtime, "sleep", lambda seconds: None)


@pytest.mark.parametrize("call", ["begin_transaction", "produce", "commit_transaction"])
@pytest.mark.parametrize(
    "error",
    [
        _FENCED,
        KafkaException(KafkaError(KafkaError.PRODUCER_FENCED)),
        KafkaException(KafkaError(KafkaError.INVALID_PRODUCER_EPOCH)),
        _chained(SystemError("returned a result with an exception set"), _FENCED),
        _chained(TypeError("of a callback that was called with an exception set"), _FENCED),
    ],
)
def test_the_error_of_a_call_may_say_it(call: str, error: Exception) -> None:
    with pytest.raises(Superseded, match=r"another run of this job.*(FENCED|EPOCH)"):
        _writer(**{call: [error]}).store(_UNITS)


@pytest.mark.parametrize("call", ["produce", "commit_transaction"])
@pytest.mark.parametrize(
    "error",
    [
        _VAGUE,
        _NO_STATE,
        SystemError("<method 'commit_transaction'> returned NULL without setting an exception"),
        AttributeError("what Python made of it in a callback"),
        RuntimeError("the same"),
    ],
)
@pytest.mark.parametrize("teller", ["poll", "later poll", "begin_transaction"])
def test_where_the_call_does_not_say_it_the_library_is_asked(call: str, error: Exception, teller: str) -> None:
    tells: dict[str, list[Exception | None]] = {
        "poll": {"poll": [_FENCED]},
        "later poll": {"poll": [None, SystemError("nothing"), _chained(SystemError("."), _FENCED)]},
        "begin_transaction": {"begin_transaction": [None, _FENCED]},
    }[teller]
    with pytest.raises(Superseded, match="fenced by a newer instance"):
        _writer(**{call: [error]}, **tells).store(_UNITS)


def test_the_reports_of_messages_may_say_it() -> None:
    class Record:
        topic, key, value = (lambda _: "s.t"), (lambda _: b"k"), (lambda _: b"v")

    writer = _writer(commit_transaction=[_VAGUE], begin_transaction=[None, _NO_STATE])
    writer._delivered(KafkaError(KafkaError._PURGE_QUEUE), Record())
    writer._delivered(KafkaError(KafkaError.INVALID_PRODUCER_EPOCH), Record())
    with pytest.raises(Superseded):
        writer.store(_UNITS)


def test_a_start_may_be_fenced_off_by_another() -> None:
    writer = _writer(init_transactions=[_chained(SystemError("."), _FENCED)])
    with pytest.raises(Superseded, match="beginning: another run"):
        writer._patiently(writer._producer.init_transactions, "beginning")


def test_an_error_that_is_not_the_librarys_stays_what_it_is() -> None:
    with pytest.raises(AttributeError, match="of Udup"):
        _writer(produce=[AttributeError("of Udup")], begin_transaction=[None, _NO_STATE]).store(_UNITS)
    refused = Refused([])
    with pytest.raises(UdupError) as raised:
        _writer(produce=[refused]).store(_UNITS)
    assert raised.value is refused


def test_a_vague_error_without_a_reason_begins_another_run() -> None:
    """So does a transactional ID that the brokers have forgotten after a week, or a state that they do not know."""
    for code in (KafkaError._FATAL, KafkaError.INVALID_TXN_STATE, KafkaError.INVALID_PRODUCER_ID_MAPPING):
        error = KafkaException(KafkaError(code))
        with pytest.raises(Transient):
            _writer(commit_transaction=[error], begin_transaction=[None, _NO_STATE]).store(_UNITS)
