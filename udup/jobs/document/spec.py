"""A job as Udup understands it: complete, checked, and every fault of its document told in one answer."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StrictBool, ValidationError

from udup.base.endpoint import Endpoint
from udup.base.errors import Fault, Refused
from udup.base.secrets import MASK, PLACEHOLDER
from udup.jobs.document import existing_tables, oracle, refusals, replicate, subscription, values, verifying
from udup.jobs.document.config import Config, ConnectionConfig, GeneratedColumns
from udup.jobs.document.destination_words import SnapshotWord
from udup.jobs.document.destinations import KafkaConfig, KafkaDest, NatsConfig, NatsDest
from udup.jobs.document.gtid_text import is_one_gtid
from udup.jobs.document.keys import Level, canonical, join
from udup.jobs.document.model import Model
from udup.jobs.document.replicate import ReplicateDoDb, ReplicatedTable
from udup.jobs.document.submission import unwrap
from udup.jobs.document.tasks import AnyTask, KafkaTask, NatsTask, PlainText, TaskSpec
from udup.jobs.document.told import described, told
from udup.jobs.words import EndWhen, JobType, LinkCompression, TaskType
from udup.pipeline.ports import ApplyMode, DeliveryPlan, StartPoint
from udup.pipeline.selection.schemas import KEPT_USERS
from udup.pipeline.selection.selection import Selection
from udup.pipeline.selection.sqlfilter import SqlFilter

DEFAULT_REGION = "global"
DEFAULT_DATACENTER = "dc1"
DEFAULT_PARALLEL_WORKERS = 4
DEFAULT_CHANNEL_SIZE = 600
DEFAULT_MESSAGE_BYTES = 20480

#: Of a subscription: what comes in one message goes to the sink at once, and a sink's answer costs as much for little.
DELIVERED_MESSAGE_BYTES = 256 << 10

#: Where a log file's first event stands.
FIRST_EVENT = 4

_UINT64_MAX = (1 << 64) - 1


def _job_type(value: object) -> str:
    text = values.plain_text(value)
    types = ", ".join(JobType)
    if not text:
        raise values.fault("Missing job type", f"write {types}, or leave it out for {JobType.SYNCHRONOUS!s}")
    if text not in set(JobType):
        raise values.fault(f"unknown job type {values.shown(text)}", f"write {types}")
    return text


def _end_when(value: object) -> str:
    text = values.plain_text(value)
    if text and text not in set(EndWhen):
        remedy = f"write {EndWhen.LEVEL!s} or {EndWhen.FINISHED!s}, or leave it out for {EndWhen.LEVEL!s}"
        raise values.fault(f"must be {EndWhen.LEVEL!s} or {EndWhen.FINISHED!s}, got {values.shown(text)}", remedy)
    return text or EndWhen.LEVEL


def _compression(value: object) -> str | None:
    text = values.plain_text(value).lower()
    if text and text not in set(LinkCompression):
        words = " or ".join(LinkCompression)
        raise values.fault(f"must be {words}, got {values.shown(text)}", f"write {words}, or leave it out")
    return text or None


def _index(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise values.fault(f"must be a whole number, got {values.shown(value)}")
    if not 0 <= value <= _UINT64_MAX:
        raise values.fault(f"must be 0…{_UINT64_MAX}, got {value}")
    return value


class JobSpec(Model):
    """A whole job: exactly one source and one target."""

    id: Annotated[str, BeforeValidator(values.job_id)] = Field(default_factory=lambda: str(uuid.uuid4()), alias="ID")
    """Any text without spaces; absent: a new UUID. The checkpoint on the target belongs to it."""
    name: Annotated[str, BeforeValidator(values.job_name)]
    """What people call it; it may be changed."""
    type: Annotated[JobType, BeforeValidator(_job_type)] = JobType.SYNCHRONOUS
    """`synchronous`: copy, then follow without end. `migration`: end when level. `subscribe`: deliver every
    change as a message."""
    end_when: Annotated[EndWhen, BeforeValidator(_end_when)] = EndWhen.LEVEL
    """Of a migration: it ends by itself when it is `level`, or stays level until it is told to finish (`finished`)."""
    region: PlainText = DEFAULT_REGION
    """The node's; any other is refused."""
    datacenters: list[PlainText] = [DEFAULT_DATACENTER]
    """In a cluster: the job is carried out in one of these data centres."""
    failover: StrictBool = False
    """In a cluster: another node of the same datacenter may take a job whose tasks name a node."""
    compression: Annotated[LinkCompression | None, BeforeValidator(_compression)] = None
    """Of what goes from Src to Dest: `zstd` or `none`. Left out: `zstd` where they are on two nodes, else `none`."""
    verify: verifying.Verify = verifying.Verify()
    """Whether the two servers are compared while the job replicates."""
    tasks: list[AnyTask]
    """Exactly one Src and one Dest."""
    enforce_index: StrictBool = False
    """Write only if JobModifyIndex is the job's; 0 there: only if there is no such job."""
    job_modify_index: Annotated[int, BeforeValidator(_index)] = 0
    """Of the job as it was read; looked at if EnforceIndex is true."""

    @property
    def source(self) -> TaskSpec:
        return next(task for task in self.tasks if isinstance(task, TaskSpec) and task.type == TaskType.SRC)

    @property
    def target(self) -> TaskSpec | NatsTask | KafkaTask:
        return next(task for task in self.tasks if task.type == TaskType.DEST)

    def compresses(self, *, between_nodes: bool) -> bool:
        """Return whether what goes from Src to Dest is compressed."""
        if self.compression is None:
            return between_nodes
        return self.compression is LinkCompression.ZSTD

    def source_endpoint(self) -> Endpoint:
        return self.source.config.connection_config.endpoint()

    def source_settings(self) -> tuple[tuple[str, str], ...]:
        """What the source's driver is told beside where its server is."""
        own = self.source.config.oracle_config
        return own.settings() if own is not None else ()

    def target_endpoint(self) -> Endpoint:
        """Where the target is; of a destination of messages as it is shown to people."""
        target = self.target
        return target.config.connection_config.endpoint() if isinstance(target, TaskSpec) else target.config.endpoint()

    def target_place(self) -> tuple[object, ...]:
        """What tells the target from others; who is asked as, and how, makes no other one."""
        target = self.target
        return _place(target) if isinstance(target, TaskSpec) else target.config.place()

    @property
    def delivers(self) -> bool:
        """Whether the job delivers messages: its target is no database."""
        return self._destination is not None

    def delivery_plan(self) -> DeliveryPlan | None:
        """What a destination of messages is told; None of a job to a database."""
        if self._destination is None:
            return None
        return self._destination.plan(begins_at_log=bool(self.gtid) or self._begins_at is not None)

    @property
    def _destination(self) -> NatsDest | KafkaDest | None:
        target = self.target
        return None if isinstance(target, TaskSpec) else target.config

    @property
    def _ends(self) -> list[Config]:
        """The Config of each end that is a database, the target first."""
        ends = sorted((task for task in self.tasks if isinstance(task, TaskSpec)), key=lambda task: task.type)
        return [task.config for task in ends]

    def selection(self) -> Selection:
        """What the source's ReplicateDoDb and ReplicateIgnoreDb choose; the target's are of no account."""
        config = self.source.config
        return replicate.selection_of(config.replicate_do_db, config.replicate_ignore_db)

    def sql_filter(self) -> SqlFilter:
        """What the job leaves out of the log on purpose."""
        return SqlFilter(frozenset(self.source.config.sql_filter))

    def kept_users(self) -> frozenset[str] | None:
        """Users whose accounts the job leaves alone; None if it carries no accounts: only a whole server's job does."""
        config = self.source.config
        if not config.expand_syntax_support or config.replicate_do_db or config.replicate_ignore_db:
            return None
        return KEPT_USERS | {config.connection_config.user for config in self._ends}

    @property
    def gtid(self) -> str:
        """The GTID set to start after; empty = a full copy first."""
        return self.source.config.gtid

    @property
    def begins_at(self) -> StartPoint | None:
        """Where in the source's log the job begins; None for a full copy, and for one that begins after `gtid`."""
        destination = self._destination
        if self._begins_at is None and not self.gtid and destination is not None:
            return StartPoint() if destination.snapshot_word is SnapshotWord.NEVER else None
        return self._begins_at

    @property
    def _begins_at(self) -> StartPoint | None:
        """The same as the Src says it."""
        config = self.source.config
        if config.gtid:
            return None
        if config.oracle_config is not None and config.oracle_config.scn:
            return StartPoint(file=oracle.SCN, offset=config.oracle_config.scn)
        if config.auto_gtid:
            return StartPoint()
        if is_one_gtid(config.gtid_start):
            return StartPoint(gtid=config.gtid_start.lower())
        if config.binlog_file:
            return StartPoint(file=config.binlog_file, offset=config.binlog_pos or FIRST_EVENT)
        return None

    @property
    def copy_alone(self) -> bool:
        """Whether the job is complete when its copy is on the target."""
        only = self._destination is not None and self._destination.snapshot_word is SnapshotWord.ONLY
        return only or self.source.config.skip_incremental_copy

    @property
    def nats_addr(self) -> str:
        """host:port of the NATS server; empty = the node's own."""
        return self.target.config.nats_addr or self.source.config.nats_addr

    @property
    def parallel_workers(self) -> int:
        """Connections that apply; 4 when neither task says."""
        return next((c.parallel_workers for c in self._ends if c.parallel_workers), DEFAULT_PARALLEL_WORKERS)

    @property
    def channel_size(self) -> int:
        """ReplChanBufferSize: transactions held between the stages of an end; 600 when neither task says."""
        sizes = (c.repl_chan_buffer_size for c in reversed(self._ends))
        return next((size for size in sizes if size), DEFAULT_CHANNEL_SIZE)

    @property
    def msg_bytes_limit(self) -> int:
        """Bytes of a message that the source fills under load."""
        default = DELIVERED_MESSAGE_BYTES if self.delivers else DEFAULT_MESSAGE_BYTES
        return self.source.config.msg_bytes_limit or default

    @property
    def chunk_size(self) -> int | None:
        """Rows of a chunk of the copy, None to choose by the size of the rows."""
        return self.source.config.chunk_size or None

    @property
    def drop_table_if_exists(self) -> bool:
        return any(config.drop_table_if_exists for config in self._ends)

    @property
    def fill_existing(self) -> bool:
        """Whether a copy fills tables that are on the target, and makes none."""
        return any(config.skip_create_db_table for config in self._ends)

    @property
    def converts(self) -> bool:
        """Whether tables of the target may be others than the source's."""
        return any(config.approve_heterogeneous for config in self._ends)

    @property
    def recompute(self) -> bool:
        """Whether a copy takes what the target computes where the source has other values."""
        return any(config.generated_columns is GeneratedColumns.RECOMPUTE for config in self._ends)

    @property
    def apply_mode(self) -> ApplyMode:
        """How rows get to the target."""
        return ApplyMode.CONVERTED if self.converts else self._ends[0].apply_mode

    @property
    def innodb(self) -> bool:
        """Whether tables without transactions become InnoDB tables on the target."""
        return any(config.engine for config in self._ends)

    @property
    def max_retries(self) -> int | None:
        """Runs that may fail in a row, None for the server's own setting."""
        own = self.target.config.max_retries
        return own if own is not None else self.source.config.max_retries


_SCHEMAS = Level(
    ReplicateDoDb.key_names() | refusals.IN_SCHEMA.keys(),
    {"Tables": Level(ReplicatedTable.key_names() | refusals.IN_TABLE.keys())},
)

DOCUMENT = Level(
    JobSpec.key_names(),
    {
        verifying.KEY: Level(verifying.Verify.key_names()),
        "Tasks": Level(
            TaskSpec.key_names(),
            {
                "Config": Level(
                    Config.key_names() | NatsDest.key_names() | KafkaDest.key_names() | refusals.IN_CONFIG.keys(),
                    {
                        "ConnectionConfig": Level(ConnectionConfig.key_names()),
                        oracle.KEY: Level(oracle.OracleConfig.key_names()),
                        "NatsConfig": Level(NatsConfig.key_names()),
                        "KafkaConfig": Level(KafkaConfig.key_names()),
                        "ReplicateDoDb": _SCHEMAS,
                        "ReplicateIgnoreDb": _SCHEMAS,
                    },
                )
            },
        ),
    },
)


def parse_job(document: object) -> JobSpec:
    """Read a job's document, wrapped in `{"Job": …}` or not; `Refused` with every fault found in it."""
    faults: list[Fault] = []
    job = canonical(unwrap(document).document, DOCUMENT, "", faults)
    spec: JobSpec | None = None
    try:
        spec = JobSpec.model_validate(job)
    except ValidationError as error:
        details = error.errors(include_url=False)
        faults.extend(described(detail) for detail in details)
    faults.extend(_faults_of_the_end(job))
    faults.extend(_faults_between_tasks(job.get("Tasks")))
    faults.extend(existing_tables.faults(job.get("Tasks")))
    faults.extend(subscription.faults(job))
    faults.extend(oracle.faults(job))
    faults.extend(verifying.faults(job))
    if spec and not faults:
        faults.extend(verifying.unknown_tables(spec.verify, spec.selection()))
    if spec and not faults and isinstance(spec.target, TaskSpec) and _place(spec.source) == _place(spec.target):
        faults.append(Fault("Tasks", "Src and Dest are the same server", "a job needs two servers"))
    if faults or spec is None:
        raise Refused(told(faults))
    return spec


_TASKS = "write one task of Type Src and one of Type Dest; `udup init` writes an example"


def _faults_of_the_end(job: dict[str, Any]) -> Iterator[Fault]:
    """Whether it says when to end, and never ends; "" is what answers show of such a job."""
    job_type = job.get("Type", JobType.SYNCHRONOUS)
    if job.get("EndWhen") and job_type in (JobType.SYNCHRONOUS, JobType.SUBSCRIBE):
        problem = f"is for jobs of type {JobType.MIGRATION!s}; this one is {job_type} and never ends"
        yield Fault("EndWhen", problem, f'leave it out, or write "Type": "{JobType.MIGRATION!s}"')


def _faults_between_tasks(tasks: object) -> Iterator[Fault]:
    """What the single fields cannot show: the set of tasks, keys not carried out, masks without a password."""
    if not isinstance(tasks, list):
        return
    counts = Counter(task.get("Type") for task in tasks if isinstance(task, dict) and _is_text(task, "Type"))
    for task_type in TaskType:
        if counts[task_type] != 1:
            many = counts[task_type] or "none"
            yield Fault("Tasks", f"there must be exactly one {task_type} task, got {many}", _TASKS)
    for place, task in enumerate(tasks):
        config = task.get("Config") if isinstance(task, dict) else None
        path = f"Tasks[{place}].Config"
        yield from refusals.refusals(config, path, subscription.own_keys(task))
        is_source = isinstance(task, dict) and task.get("Type") == TaskType.SRC
        yield from replicate.faults(config, path, is_source=is_source)
        if isinstance(config, dict):
            yield from _masks(config, path)


#: What holds an account, with the keys beside which a stored password is kept.
_ACCOUNTS = {
    "ConnectionConfig": "Host, Port and User",
    "NatsConfig": "Url and User",
    "KafkaConfig": "Brokers and User",
}


def _masks(config: dict[str, Any], path: str) -> Iterator[Fault]:
    for key, owner in _ACCOUNTS.items():
        account = config.get(key)
        if isinstance(account, dict) and account.get("Password") in (MASK, PLACEHOLDER):
            yield Fault(
                join(path, f"{key}.Password"),
                f"is the mask {MASK} that answers and exports show, and no stored password belongs to it",
                "write the password, env:UDUP_SECRET_NAME (a variable of the server) or file:NAME (a file in its"
                f" secrets.files_dir); a stored one is kept only while {owner} stay the same",
            )


def _place(task: TaskSpec) -> tuple[object, ...]:
    connection = task.config.connection_config
    return task.driver, connection.host.lower(), connection.port


def _is_text(task: dict[str, Any], key: str) -> bool:
    return isinstance(task.get(key), str)
