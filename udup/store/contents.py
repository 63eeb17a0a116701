"""What stands in the job store, read: the records of jobs, and what stays of deleted ones."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from udup.jobs import JobRecord
from udup.jobs.allocation import Evaluation
from udup.jobs.numbers import last_index
from udup.jobs.unread import read_record
from udup.store.sealing import Keyring
from udup.store.snapshot import Snapshot

#: The key of what stays of deleted jobs: their last evaluations.
GONE = "gone"

#: How the key of a job looks; a newer version may keep other things beside them, which are left alone.
JOB_KEY = re.compile("[0-9a-f]{16}")


def records_of(snapshot: Snapshot, keys: Keyring) -> tuple[list[JobRecord], tuple[Evaluation, ...], int]:
    """Return what a snapshot holds: all jobs, what stays of deleted ones, and the highest index that was given to any.

    `ConfigError` if a key for their passwords is missing.
    """
    stored = {key: data for key, data in snapshot.values.items() if JOB_KEY.fullmatch(key)}
    records = [record_of(key, data, keys) for key, data in stored.items()]
    gone = gone_of(snapshot.values)[0]
    return records, gone, max(index_of(records, gone), last_index(snapshot.position))


def record_of(key: str, data: bytes, keys: Keyring) -> JobRecord:
    """Return the record behind a key, its passwords opened."""
    try:
        job = json.loads(data)
    except ValueError:
        job = None
    job_id = job.get("id") if isinstance(job, dict) else None
    return read_record(keys.open(job_id, job) if isinstance(job_id, str) else job, key)


def index_of(records: Sequence[JobRecord], gone: Iterable[Evaluation]) -> int:
    """Return the highest index that is in there."""
    kept = [*gone, *(each for record in records for each in record.evaluations)]
    return max([0, *(record.modify_index for record in records), *(each.modify_index for each in kept)])


def gone_of(values: Mapping[str, bytes]) -> tuple[tuple[Evaluation, ...], tuple[Any, ...]]:
    """Return what is kept of deleted jobs, and of that what this version cannot read, as it is."""
    read, others = [], []
    for each in json.loads(values.get(GONE, b"[]")):
        try:
            read.append(Evaluation.model_validate_json(json.dumps(each)))
        except ValidationError:
            others.append(each)
    return tuple(read), tuple(others)
