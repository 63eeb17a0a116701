"""What the keys of a subscription mean together: its two ends, how it begins, accounts; and which keys it has.

`faults` is told of every document. `misplaced` is told of one that is posted: keys that mean something in another kind
of job, and that documents of older versions may hold in silence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from udup.base.errors import Fault
from udup.jobs.document import oracle, refusals, replicate
from udup.jobs.document.config import Config
from udup.jobs.document.destination_words import LargeWord, SnapshotWord, snapshot_of
from udup.jobs.document.destinations import KafkaDest, NatsDest
from udup.jobs.document.keys import canonical, join
from udup.jobs.document.values import shown
from udup.jobs.words import SINKS, Driver, JobType, TaskType

Json = dict[str, Any]

_DESTS: Mapping[str, frozenset[str]] = {
    Driver.NATS.value: NatsDest.key_names(),
    Driver.KAFKA.value: KafkaDest.key_names(),
}

#: Keys of destinations that no database has.
_OF_SINKS = (NatsDest.key_names() | KafkaDest.key_names()) - Config.key_names()

#: Keys of a database's Config that mean nothing in a destination, with what to do; told elsewhere: those of `starts.py`
#: and of `replicate.py`.
_TOLD_ELSEWHERE = {
    *("AutoGtid", "GtidStart", "BinlogFile", "BinlogPos", "SkipIncrementalCopy"),
    *replicate.SOURCE_KEYS[1:],
}

#: Keys of a Src that say how rows get into a database, with what to do in a subscription.
_OF_TARGETS: Mapping[str, str] = {
    **dict.fromkeys(
        (
            *("Engine", "DropTableIfExists", "GeneratedColumns", "SkipCreateDbTable", "ApproveHeterogeneous"),
            *("ApplyMode", "ParallelWorkers"),
        ),
        "remove it",
    ),
    "ExpandSyntaxSupport": "remove it: accounts are no messages",
    "SkipIncrementalCopy": 'write "Snapshot": "only" into the Dest\'s Config',
}

#: Keys that say where a subscription begins in the log.
_STARTS = ("Gtid", "AutoGtid", "GtidStart", "BinlogFile")


def own_keys(task: object) -> frozenset[str]:
    """Return the keys of a task that its destination has and a database does not, or that are of its driver alone."""
    if oracle.is_source(task):
        return frozenset({oracle.KEY})
    return _DESTS.get(_text(task, "Driver"), frozenset()) if _is_sink(task) else frozenset()


def faults(job: Json) -> Iterator[Fault]:
    """Yield what contradicts itself in a job of canonical keys."""
    tasks = _tasks(job)
    subscribes = job.get("Type") == JobType.SUBSCRIBE
    for path, task in tasks:
        if task.get("Type") != TaskType.DEST:
            continue
        driver = _text(task, "Driver") if "Driver" in task else Driver.MYSQL.value
        if subscribes and driver == Driver.MYSQL:
            remedy = f"write {' or '.join(each for each in Driver if each in SINKS)}"
            yield Fault(join(path, "Driver"), "is MySQL, and a subscription delivers messages", remedy)
        elif not subscribes and driver in SINKS:
            remedy = f'write "Type": "{JobType.SUBSCRIBE!s}"'
            yield Fault(join(path, "Driver"), f"is {driver}, which takes messages: of a subscription", remedy)
        elif isinstance(config := task.get("Config"), dict) and driver in SINKS:
            yield from _accounts(config, join(path, "Config"))
            yield from _start(config, join(path, "Config"), tasks)


def sink_tasks(job: Json) -> list[tuple[str, Json]]:
    """Return the tasks of a job of canonical keys that are read as destinations of messages, with their paths."""
    return [(path, task) for path, task in _tasks(job) if _is_sink(task)]


def misplaced(document: Mapping[str, Any], level: Any) -> Iterator[Fault]:
    """Yield the keys of a posted document that mean nothing in its kind of task; in any case, `level` knows them."""
    job = canonical(dict(document), level, "", [])
    subscribes = job.get("Type") == JobType.SUBSCRIBE
    for path, task in _tasks(job):
        config = task.get("Config")
        if not isinstance(config, dict):
            continue
        given = [key for key, value in config.items() if not refusals.asks_for_nothing(key, value)]
        where = join(path, "Config")
        if _is_sink(task):
            yield from _foreign(given, where, _text(task, "Driver"))
            continue
        for key in given:
            if key in _OF_SINKS and key not in refusals.IN_CONFIG:
                problem = "has no meaning for a MySQL end"
                yield Fault(join(where, key), problem, "it is of a subscription's Dest, with Driver NATS or Kafka")
            elif subscribes and task.get("Type") == TaskType.SRC and key in _OF_TARGETS:
                yield Fault(join(where, key), "has no meaning for a subscription", _OF_TARGETS[key])


def _foreign(given: list[str], where: str, driver: str) -> Iterator[Fault]:
    """Yield the keys that other destinations have, and databases."""
    known = (Config.key_names() | _OF_SINKS) - _DESTS[driver] - _TOLD_ELSEWHERE - refusals.IN_CONFIG.keys()
    for key in given:
        if key in known:
            remedy = "remove it"
            if key == "ConnectionConfig":
                remedy = (
                    "write NatsConfig: Url, User, Password" if driver == Driver.NATS else "write KafkaConfig: Brokers"
                )
            elif key in _STARTS or key == "ReplicateDoDb":
                remedy = "move it into the Src's Config"
            yield Fault(join(where, key), f"has no meaning for a Dest with Driver {driver}", remedy)


# ---- What goes together ----


def _start(config: Json, path: str, tasks: list[tuple[str, Json]]) -> Iterator[Fault]:
    """A snapshot that is asked for, of a job whose Src says where the log is begun with."""
    options, snapshot = config.get("Options"), config.get("Snapshot")
    mode = options.get("snapshot.mode") if isinstance(options, dict) else None
    word = snapshot.strip().lower() if isinstance(snapshot, str) else ""
    if not word and isinstance(mode, str):
        word = snapshot_of(mode) or ""
    if word not in (SnapshotWord.INITIAL, SnapshotWord.ONLY):
        return
    source = next((task for _, task in tasks if task.get("Type") == TaskType.SRC), {})
    begins = source.get("Config")
    if not isinstance(begins, dict):
        return
    for key in _STARTS:
        value = begins.get(key)
        if not refusals.asks_for_nothing(key, value):
            said = f"{key} {shown(value)}" if isinstance(value, str) else key
            yield Fault(
                join(path, "Snapshot"),
                f"is {word}, and the Src's {said} begins in the log, without a snapshot",
                f'keep {key} and write "Snapshot": "never", or leave {key} out',
            )
            return


def _accounts(config: Json, path: str) -> Iterator[Fault]:
    for name in ("NatsConfig", "KafkaConfig"):
        account = config.get(name)
        if isinstance(account, dict):
            yield from _account(account, join(path, name))
    nats = config.get("NatsConfig")
    if isinstance(nats, dict):
        yield from _of_nats(nats, join(path, "NatsConfig"))
    kafka = config.get("KafkaConfig")
    if isinstance(kafka, dict):
        yield from _of_kafka(kafka, config.get("Prefix"), join(path, "KafkaConfig"))
        if str(config.get("LargeMessages")).strip().lower() == LargeWord.CLAIM:
            problem = "is claim, and Kafka has no store for objects"
            yield Fault(join(path, "LargeMessages"), problem, "write fail or skip-values")


def _account(account: Json, path: str) -> Iterator[Fault]:
    if account.get("SslKey") and not account.get("SslCert"):
        yield Fault(join(path, "SslKey"), "is the key of SslCert, which is not given", "give both, or neither")


def _of_nats(nats: Json, path: str) -> Iterator[Fault]:
    for key in ("User", "Password"):
        if nats.get("Credentials") and nats.get(key):
            yield Fault(join(path, "Credentials"), f"is given together with {key}", "keep one of them")
            break
    if not nats.get("Url"):
        for key in ("User", "Password", "Credentials", "SslCa", "SslCert"):
            if nats.get(key):
                problem = "has no meaning for the node's own JetStream"
                yield Fault(join(path, key), problem, "name the server in Url, or remove it")
    elif isinstance(nats["Url"], str) and "@" not in nats["Url"] and "tls://" not in nats["Url"]:
        for key in ("SslCa", "SslCert"):
            if nats.get(key):
                yield Fault(join(path, key), "is not used without TLS", "write tls:// in front of Url, or remove it")


def _of_kafka(kafka: Json, prefix: object, path: str) -> Iterator[Fault]:
    if kafka.get("Password") and not kafka.get("User"):
        yield Fault(join(path, "Password"), "is given without User", "give both, or neither")
    topic = kafka.get("Topic")
    if prefix and isinstance(topic, str) and topic and topic != prefix:
        problem = f"is {shown(topic)}, and Prefix is {shown(prefix)}: both mean the same"
        yield Fault(join(path, "Topic"), problem, "leave Topic out")
    protocol = kafka.get("SecurityProtocol")
    if not isinstance(protocol, str) or not protocol.strip():
        return
    word = protocol.strip().upper().replace("-", "_")
    for key in ("User", "SaslMechanism"):
        if word in ("PLAINTEXT", "SSL") and kafka.get(key):
            yield Fault(
                join(path, key), f"is not used with SecurityProtocol {word}", f"write SASL_{word}, or remove it"
            )
    for key in ("SslCa", "SslCert"):
        if word in ("PLAINTEXT", "SASL_PLAINTEXT") and kafka.get(key):
            secure = word.replace("PLAINTEXT", "SSL")
            yield Fault(join(path, key), f"is not used with SecurityProtocol {word}", f"write {secure}, or remove it")
    if word.startswith("SASL_") and not kafka.get("User"):
        yield Fault(join(path, "User"), f"is required with SecurityProtocol {word}", "name the account")


# ---- Tasks ----


def _tasks(job: Json) -> list[tuple[str, Json]]:
    tasks = job.get("Tasks")
    listed = enumerate(tasks if isinstance(tasks, list) else [])
    return [(f"Tasks[{place}]", task) for place, task in listed if isinstance(task, dict)]


def _is_sink(task: object) -> bool:
    """Whether a task is read as a destination of messages (`tasks.py`)."""
    return _text(task, "Type") != TaskType.SRC and _text(task, "Driver") in _DESTS


def _text(task: object, key: str) -> str:
    value = task.get(key) if isinstance(task, dict) else None
    return value if isinstance(value, str) else ""
