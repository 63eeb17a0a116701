"""What a node tells about itself and its neighbours: membership, settings, actors, statistics."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from udup.web.schemas.self_config import SelfConfig
from udup.web.schemas.shape import Shape


class Member(Shape):
    """A manager as its neighbours know it."""

    name: str
    addr: str
    port: int
    status: str
    tags: dict[str, str]
    protocol_min: int = 1
    protocol_max: int = 5
    protocol_cur: int = 2
    delegate_min: int = 2
    delegate_max: int = 5
    delegate_cur: int = 4


class Members(Shape):
    """The managers known to this one: itself."""

    server_name: str
    server_region: str
    server_dc: str
    members: list[Member]


class Self(Shape):
    """This node: its settings (no secrets), itself as a member, its numbers as text."""

    config: SelfConfig = Field(alias="config")
    member: Member = Field(alias="member")
    stats: dict[str, dict[str, str]] = Field(alias="stats")
    role: Literal["write", "read"] = Field(description="what who asks may do: everything, or look alone")
    needs_token: bool = Field(description="whether requests need a token")


class Joined(Shape):
    """How many of the addresses were joined; the reason if none."""

    error: str = Field(alias="error")
    num_joined: int = Field(alias="num_joined")


class Actor(Shape):
    """An actor of this node; `JobID` is "" for one that serves all jobs, `Started` seconds since the epoch."""

    role: str
    job_id: str
    pid: int
    slot: int
    state: str
    started: float
    restarts: int
    rss: int = Field(description="bytes of memory")


class Coordinates(Shape):
    """Where in the source's binary log a task is."""

    file: str
    position: int
    gtid_set: str
    relay_master_log_file: str
    read_master_log_pos: int
    retrieved_gtid_set: str
    executed_gtid_set: str


class TableStats(Shape):
    """Rows changed since the task started."""

    insert_count: int
    update_count: int
    del_count: int


class Measure(Shape):
    """A number and the time that it belongs to."""

    num: int
    time: int


class MessageStat(Shape):
    """The task's traffic with NATS."""

    in_msgs: int
    out_msgs: int
    in_bytes: int
    out_bytes: int
    reconnects: int


class BufferStat(Shape):
    """What waits inside the task."""

    extractor_tx_queue_size: int
    applier_tx_queue_size: int
    applier_group_tx_queue_size: int
    send_by_timeout: int
    send_by_size_full: int


class TaskStatistics(Shape):
    """How a running task is doing."""

    current_coordinates: Coordinates | None
    table_stats: TableStats | None
    delay_count: Measure | None
    rows_count: int = Field(description="rows of the full copy")
    throughput_stat: Measure | None
    msg_stat: MessageStat
    buffer_stat: BufferStat
    status: str
    timestamp: int = Field(description="nanoseconds since the epoch")
    stage: str
    progress_pct: str = Field(description="of the full copy")
    eta: str = Field(alias="ETA", description="of the full copy; N/A while nobody can say")
    backlog: str
    read_master_row_count: int
    read_master_tx_count: int
    exec_master_row_count: int
    exec_master_tx_count: int
    progress: dict[str, Any] = Field(description="the job's own")


class AllocationStatistics(Shape):
    """The statistics of an allocation's task; no task when it does not run."""

    tasks: dict[str, TaskStatistics]


class Health(Shape):
    """Whether the node can do its work, and if not, why.

    A server that is away is no problem of the node's: how many jobs wait is told beside, by what they wait for.
    """

    live: bool
    ready: bool
    problems: list[str]
    reconnecting: dict[str, int] = Field(
        default_factory=dict, description="jobs that wait: by source, target, nats, node, server (either), lock"
    )


class Live(Shape):
    """The process answers."""

    live: bool
