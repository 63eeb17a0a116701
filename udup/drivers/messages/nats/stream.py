"""The stream of a job: made with its first run, or found, and then it must fit.

Whose it is stands in its metadata, so that a second job does not write into it by accident. Fences rest on one writer:
a stream that others write to as well, or that forgets what was read, is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from udup.base.errors import Fault, Refused, Side
from udup.drivers.messages.nats.config import OLD_BYTES_MIN, NatsSink
from udup.drivers.messages.nats.connection import NO_STREAM, ApiError, Connection, refused, told
from udup.pipeline.checks import DEST

JOB, PREFIX = "udup.job", "udup.prefix"

#: Seconds in which the server knows an ID again. It keeps them in memory, 165 bytes each; the fences need none.
DUPLICATE_SECONDS = 2

#: What is to be done about a stream that is full.
MAKE_ROOM = "purge what was read (nats stream purge), or raise MaxBytes; the job waits for that"

_NS = 10**9

_WINDOW = DUPLICATE_SECONDS * _NS

#: Messages that a stream holds at least that forgets its oldest ones: a unit, and a note.
OLD_MESSAGES_MIN = 2000

#: What a stream of this server version may be told: messages that outlive its age limit, atomic and fast batches.
TTL_SINCE, ATOMIC_SINCE, BATCHED_SINCE = (2, 11), (2, 12), (2, 14)


@dataclass(frozen=True)
class StreamState:
    """A stream as it was found. `keeps`: it takes messages that outlive its age limit; `rolls`: that replace others."""

    config: Mapping[str, Any]
    messages: int
    bytes: int
    first: int
    last: int
    created: str = ""

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> StreamState:
        state = answer["state"]
        return cls(
            answer["config"],
            int(state["messages"]),
            int(state["bytes"]),
            int(state["first_seq"]),
            int(state["last_seq"]),
            str(answer["created"]),
        )

    @property
    def had(self) -> int:
        """Return how many messages it has had. One may be made to count from a later number on."""
        return max(0, self.last + 1 - max(1, int(self.config.get("first_seq") or 0)))

    @property
    def keeps(self) -> bool:
        return bool(self.config.get("allow_msg_ttl"))

    @property
    def rolls(self) -> bool:
        return bool(self.config.get("allow_rollup_hdrs"))

    @property
    def atomic(self) -> bool:
        return bool(self.config.get("allow_atomic"))

    @property
    def batched(self) -> bool:
        return bool(self.config.get("allow_batched"))

    @property
    def max_age(self) -> float:
        """Return the seconds after which messages end, 0 for never."""
        return float(self.config.get("max_age") or 0) / _NS

    @property
    def max_message(self) -> int:
        """Return bytes of a message with its headers, 0 for no limit."""
        return max(0, int(self.config.get("max_msg_size") or 0))

    @property
    def metadata(self) -> Mapping[str, str]:
        return self.config.get("metadata") or {}

    @property
    def is_full(self) -> bool:
        """Whether it takes no message more, as far as can be told without sending one."""
        limit = int(self.config.get("max_bytes") or 0)
        return self.config.get("discard") == "new" and 0 < limit <= self.bytes


async def look(connection: Connection, sink: NatsSink) -> StreamState | None:
    """Return the job's stream, None if there is none."""
    try:
        return StreamState.of(await connection.ask(f"STREAM.INFO.{sink.stream}"))
    except ApiError as error:
        if error.code == NO_STREAM:
            return None
        raise told(error, sink.where, "cannot look at the stream") from error


def check(sink: NatsSink, job: str, state: StreamState) -> None:
    """Raise `Refused` with everything that keeps a stream from being the job's."""
    faults = list(_faults(sink, job, state))
    if faults:
        raise Refused(faults).of(Side.TARGET)


async def provide(connection: Connection, sink: NatsSink, job: str) -> StreamState:
    """Return the job's stream. It is made if there is none, and noted as the job's if it is nobody's."""
    state = await look(connection, sink)
    if state is None:
        return await _change(connection, sink, "CREATE", _new(sink, job, connection.version))
    check(sink, job, state)
    wanted = {**state.config, **_said(sink), **_abilities(connection.version)}
    wanted["duplicate_window"] = min(state.config.get("duplicate_window") or _WINDOW, _WINDOW)
    wanted["metadata"] = {**state.metadata, JOB: job, PREFIX: sink.prefix}
    if wanted == state.config:
        return state
    return await _change(connection, sink, "UPDATE", wanted)


async def release(connection: Connection, sink: NatsSink) -> None:
    """Note that the stream is no job's any more. What is in it stays."""
    state = await look(connection, sink)
    if state is not None:
        kept = {key: value for key, value in state.metadata.items() if key != JOB}
        await _change(connection, sink, "UPDATE", {**state.config, "metadata": kept})


async def _change(connection: Connection, sink: NatsSink, act: str, config: Mapping[str, Any]) -> StreamState:
    try:
        return StreamState.of(await connection.ask(f"STREAM.{act}.{sink.stream}", config))
    except ApiError as error:
        doing = "cannot make the stream" if act == "CREATE" else "cannot change the stream"
        if error.code == 10065:
            remedy = f"another stream has these subjects: give it up, write another Prefix, or name it: {sink.subjects}"
            raise refused(sink.where, f"{doing}: {error}", remedy) from error
        if error.code in (10047, 10023, 10074):
            raise told(error, sink.where, doing) from error
        raise refused(sink.where, f"{doing}: {error}", "correct NatsConfig, or the server's limits") from error


def _new(sink: NatsSink, job: str, version: tuple[int, int]) -> dict[str, Any]:
    return {
        "name": sink.stream,
        "subjects": sink.subjects,
        "retention": "limits",
        "storage": sink.storage,
        "num_replicas": sink.replicas,
        "discard": sink.discard,
        "compression": sink.compression,
        "max_age": sink.max_age * _NS,
        "max_bytes": sink.max_bytes or -1,
        "duplicate_window": min(DUPLICATE_SECONDS, sink.max_age or DUPLICATE_SECONDS) * _NS,
        "allow_direct": True,
        "deny_delete": True,
        "metadata": {JOB: job, PREFIX: sink.prefix},
        **_abilities(version),
    }


def _abilities(version: tuple[int, int]) -> dict[str, Any]:
    """Return the settings that a job needs, as far as the server knows them."""
    found: dict[str, Any] = {"allow_rollup_hdrs": True}
    if version >= TTL_SINCE:
        found["allow_msg_ttl"] = True
    if version >= ATOMIC_SINCE:
        found["allow_atomic"] = True
    if version >= BATCHED_SINCE:
        found["allow_batched"] = True
    return found


def _said(sink: NatsSink) -> dict[str, Any]:
    """Return the limits that the document names: a changed document changes its stream."""
    values: dict[str, dict[str, Any]] = {
        "Replicas": {"num_replicas": sink.replicas},
        "MaxAge": {"max_age": sink.max_age * _NS},
        "MaxBytes": {"max_bytes": sink.max_bytes},
        "Compression": {"compression": sink.compression},
        "Discard": {"discard": sink.discard},
    }
    return {name: value for key in values if key in sink.said for name, value in values[key].items()}


def _faults(sink: NatsSink, job: str, state: StreamState) -> Iterator[Fault]:
    config, edit = state.config, f"nats stream edit {sink.stream}"
    owner = state.metadata.get(JOB, "")
    choose = "write another Stream"

    def fault(problem: str, remedy: str) -> Fault:
        return Fault(sink.where, problem, remedy, DEST)

    if owner and owner != job:
        yield fault(f"the stream belongs to job {owner!r}", f"{choose} and another Prefix, or delete that job")
    elif not owner and state.had and PREFIX not in state.metadata:
        yield fault(f"the stream has had {state.had} messages that no job has written", choose)
    if state.metadata.get(PREFIX, sink.prefix) != sink.prefix:
        yield fault(f"the stream was made for the prefix {state.metadata[PREFIX]!r}", f"write that Prefix, or {choose}")
    if config.get("mirror") or config.get("sources"):
        yield fault("the stream takes its messages from other streams", f"name the one where they begin, or {choose}")
    if config.get("sealed"):
        yield fault("the stream is sealed, it takes no messages any more", choose)
    if config.get("retention", "limits") != "limits":
        retention = config["retention"]
        yield fault(f"retention is {retention!r}: what was read is removed, and the job's position with it", choose)
    if config.get("no_ack"):
        yield fault("the stream does not acknowledge messages (no_ack)", f"{edit} --ack, or {choose}")
    if config.get("persist_mode") == "async" or config.get("allow_msg_counter"):
        yield fault("the stream has counters, or acknowledges what it has not stored (persist_mode async)", choose)
    yield from _limit_faults(sink, {**config, **_said(sink)})
    if config.get("deny_purge") or config.get("subject_transform"):
        yield fault("the stream denies purging or changes subjects", choose)
    if "Storage" in sink.said and config.get("storage") != sink.storage:
        yield fault(f"its storage is {config.get('storage')!r}, Storage says {sink.storage!r}", "write what it has")
    taken = config.get("subjects") or []
    if missing := [each for each in sink.subjects if not any(_covers(one, each) for one in taken)]:
        listed = ",".join([*taken, *missing])
        yield fault(f"the stream does not take {', '.join(missing)}", f"{edit} --subjects='{listed}'")


def _limit_faults(sink: NatsSink, config: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield the limits under which a stream may forget what the last unit was, by the time that somebody asks."""
    least = {"max_bytes": OLD_BYTES_MIN, "max_msgs": OLD_MESSAGES_MIN, "max_msgs_per_subject": OLD_MESSAGES_MIN}
    for key, number in least.items():
        if config.get("discard", "old") == "old" and 0 < int(config.get(key) or 0) < number:
            problem = f"the stream forgets its oldest messages beyond {key} {config[key]}, the last unit's among them"
            remedy = f"let it have {number} or more, or discard new: nats stream edit {sink.stream}"
            yield Fault(sink.where, problem, remedy, DEST)


def _covers(pattern: str, subject: str) -> bool:
    """Return whether everything that `subject` matches is matched by `pattern`; both may have wildcards."""
    ours, theirs = pattern.split("."), subject.split(".")
    for number, token in enumerate(ours):
        if token == ">":
            return len(theirs) > number
        if number >= len(theirs) or theirs[number] == ">" or token not in ("*", theirs[number]):
            return False
    return len(ours) == len(theirs)
