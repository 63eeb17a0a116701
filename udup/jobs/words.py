"""The fixed words of a job: its type, its tasks, and the stages of its life."""

from __future__ import annotations

from enum import StrEnum


class JobType(StrEnum):
    """What a job does: `synchronous` copies and then follows the source without end; `migration` ends (`EndWhen`).

    `subscribe` delivers every change as messages, without end.
    """

    SYNCHRONOUS = "synchronous"
    MIGRATION = "migration"
    SUBSCRIBE = "subscribe"


class VerifyMode(StrEnum):
    """Whether a job's two servers are compared: not, once when it follows its source, or again and again."""

    OFF = "off"
    ONCE = "once"
    CONTINUOUS = "continuous"


class EndWhen(StrEnum):
    """When a migration ends: as soon as it is level, or when it was told to finish and is level then."""

    LEVEL = "level"
    FINISHED = "finished"


class LinkCompression(StrEnum):
    """Whether what goes from Src to Dest is compressed."""

    NONE = "none"
    ZSTD = "zstd"


class TaskType(StrEnum):
    """The two ends of a job. Case-sensitive, as clients have always had to write them."""

    SRC = "Src"
    DEST = "Dest"


class Driver(StrEnum):
    """What kind of database an end is, or what takes its changes as messages."""

    MYSQL = "MySQL"
    ORACLE = "Oracle"
    NATS = "NATS"
    KAFKA = "Kafka"


#: What a job can copy and follow. Of these Oracle is a source alone.
SOURCES = frozenset({Driver.MYSQL, Driver.ORACLE})

#: Destinations of messages: of a subscription, and of no other job.
SINKS = frozenset({Driver.NATS, Driver.KAFKA})


class DesiredState(StrEnum):
    """What the user wants of a job; the actors bring it about."""

    RUN = "run"
    PAUSE = "pause"
    STOP = "stop"


class Stage(StrEnum):
    """Where a job is in its life: pending → copying → catching_up → running → paused | completed | failed."""

    PENDING = "pending"
    COPYING = "copying"
    CATCHING_UP = "catching_up"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"


class Status(StrEnum):
    """The API's word for a job's state, coarser than its stage."""

    PENDING = "pending"
    RUNNING = "running"
    PAUSE = "pause"
    DEAD = "dead"
    COMPLETE = "complete"


STATUS_OF_STAGE = {
    Stage.PENDING: Status.PENDING,
    Stage.COPYING: Status.RUNNING,
    Stage.CATCHING_UP: Status.RUNNING,
    Stage.RUNNING: Status.RUNNING,
    Stage.PAUSED: Status.PAUSE,
    Stage.COMPLETED: Status.COMPLETE,
    Stage.FAILED: Status.DEAD,
}
