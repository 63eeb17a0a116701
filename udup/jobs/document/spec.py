"""A job as Udup understands it: complete, checked, and every fault of its document told in one answer."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StrictBool, ValidationError
from pydantic_core import ErrorDetails

from udup.base.endpoint import Endpoint
from udup.base.errors import Fault, Refused
from udup.base.secrets import MASK, PLACEHOLDER
from udup.jobs.document import existing_tables, refusals, replicate, values
from udup.jobs.document.config import Config, ConnectionConfig, GeneratedColumns
from udup.jobs.document.gtid_text import is_one_gtid
from udup.jobs.document.keys import Level, canonical, join
from udup.jobs.document.model import Model
from udup.jobs.document.replicate import ReplicateDoDb, ReplicatedTable
from udup.jobs.document.submission import BODY, unwrap
from udup.jobs.words import SUPPORTED_TYPES, Driver, EndWhen, JobType, TaskType
from udup.pipeline.ports import ApplyMode, StartPoint
from udup.pipeline.selection.schemas import KEPT_USERS
from udup.pipeline.selection.selection import Selection
from udup.pipeline.selection.sqlfilter import SqlFilter

DEFAULT_REGION = "global"
DEFAULT_DATACENTER = "dc1"
DEFAULT_PARALLEL_WORKERS = 4
DEFAULT_CHANNEL_SIZE = 600
DEFAULT_MESSAGE_BYTES = 20480

#: Where a log file's first event stands.
FIRST_EVENT = 4

#: Faults of a document that are told at a time.
MAX_FAULTS = 200

_TYPES = f"{JobType.SYNCHRONOUS!s} or {JobType.MIGRATION!s}"

_UINT64_MAX = (1 << 64) - 1


def _job_type(value: object) -> str:
    text = values.plain_text(value)
    if not text:
        raise values.fault("Missing job type", f"write {_TYPES}, or leave it out for {JobType.SYNCHRONOUS!s}")
    if text not in set(JobType):
        raise values.fault(f"unknown job type {values.shown(text)}", f"write {_TYPES}")
    if text not in SUPPORTED_TYPES:
        raise values.fault(f"job type {text!r} is not supported yet", f"write {_TYPES}")
    return text


def _end_when(value: object) -> str:
    text = values.plain_text(value)
    if text and text not in set(EndWhen):
        remedy = f"write {EndWhen.LEVEL!s} or {EndWhen.FINISHED!s}, or leave it out for {EndWhen.LEVEL!s}"
        raise values.fault(f"must be {EndWhen.LEVEL!s} or {EndWhen.FINISHED!s}, got {values.shown(text)}", remedy)
    return text or EndWhen.LEVEL


def _task_type(value: object) -> str:
    text = values.plain_text(value)
    if text not in set(TaskType):
        raise values.fault(f"must be Src or Dest, got {values.shown(text)}", "upper and lower case matter")
    return text


def _driver(value: object) -> str:
    text = values.plain_text(value)
    if text not in set(Driver):
        raise values.fault(f"unknown driver {values.shown(text)}", f"write {Driver.MYSQL!s}")
    return text


def _index(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise values.fault(f"must be a whole number, got {values.shown(value)}")
    if not 0 <= value <= _UINT64_MAX:
        raise values.fault(f"must be 0…{_UINT64_MAX}, got {value}")
    return value


PlainText = Annotated[str, BeforeValidator(values.plain_text)]


class TaskSpec(Model):
    """One end of a job."""

    type: Annotated[TaskType, BeforeValidator(_task_type)]
    node_id: PlainText = ""
    """The node to run on; there is one."""
    node_name: PlainText = ""
    """The same by its name."""
    driver: Annotated[Driver, BeforeValidator(_driver)] = Driver.MYSQL
    config: Config


class JobSpec(Model):
    """A whole job: exactly one source and one target."""

    id: Annotated[str, BeforeValidator(values.job_id)] = Field(default_factory=lambda: str(uuid.uuid4()), alias="ID")
    """Any text without spaces; absent: a new UUID. The checkpoint on the target belongs to it."""
    name: Annotated[str, BeforeValidator(values.job_name)]
    type: Annotated[JobType, BeforeValidator(_job_type)] = JobType.SYNCHRONOUS
    """`synchronous`: copy, then follow without end. `migration`: end when level. `subscribe` is refused."""
    end_when: Annotated[EndWhen, BeforeValidator(_end_when)] = EndWhen.LEVEL
    """Of a migration: it ends by itself when it is `level`, or stays level until it is told to finish (`finished`)."""
    region: PlainText = DEFAULT_REGION
    datacenters: list[PlainText] = [DEFAULT_DATACENTER]
    tasks: list[TaskSpec]
    """Exactly one Src and one Dest."""
    enforce_index: StrictBool = False
    """Write only if JobModifyIndex is the job's; 0 there: only if there is no such job."""
    job_modify_index: Annotated[int, BeforeValidator(_index)] = 0

    @property
    def source(self) -> TaskSpec:
        return next(task for task in self.tasks if task.type == TaskType.SRC)

    @property
    def target(self) -> TaskSpec:
        return next(task for task in self.tasks if task.type == TaskType.DEST)

    def source_endpoint(self) -> Endpoint:
        return self.source.config.connection_config.endpoint()

    def target_endpoint(self) -> Endpoint:
        return self.target.config.connection_config.endpoint()

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
        return KEPT_USERS | {task.config.connection_config.user for task in self.tasks}

    @property
    def gtid(self) -> str:
        """The GTID set to start after; empty = a full copy first."""
        return self.source.config.gtid

    @property
    def begins_at(self) -> StartPoint | None:
        """Where in the source's log the job begins; None for a full copy, and for one that begins after `gtid`."""
        config = self.source.config
        if config.gtid:
            return None
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
        return self.source.config.skip_incremental_copy

    @property
    def nats_addr(self) -> str:
        """host:port of the NATS server; empty = the node's own."""
        return self.target.config.nats_addr or self.source.config.nats_addr

    @property
    def parallel_workers(self) -> int:
        """Connections that apply; 4 when neither task says."""
        configs = self.target.config, self.source.config
        return next((c.parallel_workers for c in configs if c.parallel_workers), DEFAULT_PARALLEL_WORKERS)

    @property
    def channel_size(self) -> int:
        """ReplChanBufferSize: transactions held between the stages of an end; 600 when neither task says."""
        configs = self.source.config, self.target.config
        return next((c.repl_chan_buffer_size for c in configs if c.repl_chan_buffer_size), DEFAULT_CHANNEL_SIZE)

    @property
    def msg_bytes_limit(self) -> int:
        """Bytes of a message that the source fills under load."""
        return self.source.config.msg_bytes_limit or DEFAULT_MESSAGE_BYTES

    @property
    def chunk_size(self) -> int | None:
        """Rows of a chunk of the copy, None to choose by the size of the rows."""
        return self.source.config.chunk_size or None

    @property
    def drop_table_if_exists(self) -> bool:
        return self.target.config.drop_table_if_exists or self.source.config.drop_table_if_exists

    @property
    def fill_existing(self) -> bool:
        """Whether a copy fills tables that are on the target, and makes none."""
        return any(task.config.skip_create_db_table for task in self.tasks)

    @property
    def converts(self) -> bool:
        """Whether tables of the target may be others than the source's."""
        return any(task.config.approve_heterogeneous for task in self.tasks)

    @property
    def recompute(self) -> bool:
        """Whether a copy takes what the target computes where the source has other values."""
        return any(task.config.generated_columns is GeneratedColumns.RECOMPUTE for task in self.tasks)

    @property
    def apply_mode(self) -> ApplyMode:
        """How rows get to the target."""
        return ApplyMode.CONVERTED if self.converts else self.target.config.apply_mode

    @property
    def innodb(self) -> bool:
        """Whether tables without transactions become InnoDB tables on the target."""
        return bool(self.target.config.engine or self.source.config.engine)

    @property
    def max_retries(self) -> int | None:
        """Runs that may fail in a row, None for the server's own setting."""
        config = self.target.config
        return config.max_retries if config.max_retries is not None else self.source.config.max_retries


_SCHEMAS = Level(
    ReplicateDoDb.key_names() | refusals.IN_SCHEMA.keys(),
    {"Tables": Level(ReplicatedTable.key_names() | refusals.IN_TABLE.keys())},
)

DOCUMENT = Level(
    JobSpec.key_names(),
    {
        "Tasks": Level(
            TaskSpec.key_names(),
            {
                "Config": Level(
                    Config.key_names() | refusals.IN_CONFIG.keys(),
                    {
                        "ConnectionConfig": Level(ConnectionConfig.key_names()),
                        "ReplicateDoDb": _SCHEMAS,
                        "ReplicateIgnoreDb": _SCHEMAS,
                    },
                )
            },
        )
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
        faults.extend(Fault(*_described(detail)) for detail in details)
    faults.extend(_faults_of_the_end(job))
    faults.extend(_faults_between_tasks(job.get("Tasks")))
    faults.extend(existing_tables.faults(job.get("Tasks")))
    if spec and not faults and _server(spec.source) == _server(spec.target):
        faults.append(Fault("Tasks", "Src and Dest are the same server", "a job needs two servers"))
    if faults or spec is None:
        raise Refused(_told(faults))
    return spec


def _told(faults: list[Fault]) -> list[Fault]:
    """As many as somebody reads."""
    more = len(faults) - MAX_FAULTS
    if more <= 0:
        return faults
    return [*faults[:MAX_FAULTS], Fault(BODY, f"has {more} more faults", "fix these, and post the job again")]


_TASKS = "write one task of Type Src and one of Type Dest; `udup init` writes an example"


def _faults_of_the_end(job: dict[str, Any]) -> Iterator[Fault]:
    """Whether it says when to end, and never ends; "" is what answers show of such a job."""
    if job.get("EndWhen") and job.get("Type", JobType.SYNCHRONOUS) == JobType.SYNCHRONOUS:
        problem = f"is for jobs of type {JobType.MIGRATION!s}; this one is {JobType.SYNCHRONOUS!s} and never ends"
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
        yield from refusals.refusals(config, path)
        is_source = isinstance(task, dict) and task.get("Type") == TaskType.SRC
        yield from replicate.faults(config, path, is_source=is_source)
        connection = config.get("ConnectionConfig") if isinstance(config, dict) else None
        if isinstance(connection, dict) and connection.get("Password") in (MASK, PLACEHOLDER):
            yield Fault(
                join(path, "ConnectionConfig.Password"),
                f"is the mask {MASK} that answers and exports show, and no stored password belongs to it",
                "write the password, env:UDUP_SECRET_NAME (a variable of the server) or file:NAME (a file in its"
                " secrets.files_dir); a stored one is kept only while Host, Port and User stay the same",
            )


def _server(task: TaskSpec) -> tuple[str, int]:
    connection = task.config.connection_config
    return connection.host.lower(), connection.port


def _is_text(task: dict[str, Any], key: str) -> bool:
    return isinstance(task.get(key), str)


def _described(detail: ErrorDetails) -> tuple[str, str, str]:
    """Place, problem and remedy of one of pydantic's errors, in the API's words."""
    where, given = _path(detail["loc"]), detail.get("input")
    match detail["type"]:
        case "fault":
            context = detail.get("ctx", {})
            return where, context["problem"], context["remedy"]
        case "missing" if where == "Name":
            return where, "Job Name hasn't been provided", "give the job a name"
        case "missing":
            return where, "is required", ""
        case "model_type" | "model_attributes_type" | "dict_type":
            return where, f"must be an object, got {values.kind(given)}", ""
        case "list_type":
            return where, f"must be a list, got {values.kind(given)}", ""
        case "bool_type":
            return where, f"must be true or false, got {values.kind(given)}", ""
        case _:
            return where, detail["msg"], ""


def _path(location: Sequence[str | int]) -> str:
    path = ""
    for step in location:
        path = f"{path}[{step}]" if isinstance(step, int) else join(path, step)
    return path or BODY
