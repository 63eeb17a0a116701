"""/v1/validate/job: what a job would meet if it were started now. Nothing is started and nothing is written.

`Checks` lists everything that was looked at. `ValidationTasks` sums the same up under the names that clients know.

A validation holds a thread of the server for as long as the two MySQL servers take, so that only a part of the threads
may be used for it.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import falcon

from udup.base.errors import Refused
from udup.base.settings import Http
from udup.jobs import TaskType, document_id, unwrap
from udup.jobs.document.known_servers import strange_servers
from udup.web.auth import Role, role_of
from udup.web.ports import Check, JobControl, JobReads, NotReady, Outcome
from udup.web.requests import RegionRule, read_json
from udup.web.responses import give
from udup.web.schemas.jobs import CheckResult, TaskCheck, Validation, ValidationTask

#: Which checks, by their names, belong under which of the names that clients know.
_GROUPS = {
    "connection": frozenset({"connection", "version"}),
    "log_slave_updates": frozenset({"log_replica_updates"}),
    "max_allowed_packet": frozenset({"max_allowed_packet"}),
    "privileges": frozenset({"privileges", "schema_privileges", "snapshot_privilege", "definer_privileges"}),
    "gtid_mode": frozenset({"gtid_mode", "enforce_gtid_consistency", "gtid_position"}),
    "server_id": frozenset({"server_id", "server_uuid"}),
    "binlog": frozenset(
        {"log_bin", "binlog_format", "binlog_row_image", "binlog_row_metadata", "binlog_filters", "binlog_retention"}
        | {"archivelog", "supplemental_logging", "columns_logged"}
    ),
}


class ValidateResource:
    def __init__(self, control: JobControl, reads: JobReads, region: RegionRule, http: Http) -> None:
        self._control = control
        self._reads = reads
        self._region = region
        self._max_body_bytes = http.max_body_bytes
        self._places = threading.BoundedSemaphore(max(1, http.threads // 2))

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        document = unwrap(read_json(req, self._max_body_bytes)).document
        self._region.check(req, document)
        if role_of(req) is Role.READ:
            self._check_known(document)
        if not self._places.acquire(blocking=False):
            raise NotReady("as many jobs are being validated as may be at a time; try again in a moment")
        try:
            checks = self._control.validate(document)
        finally:
            self._places.release()
        give(req, resp, _shown(checks).to_json())

    on_put = on_post

    def _check_known(self, document: dict[str, Any]) -> None:
        """Raise `Refused` for servers that the stored job does not have: who may only look has no others tried."""
        record = self._reads.job(document_id(document) or "")
        if faults := list(strange_servers(document, None if record is None else record.document)):
            raise Refused(faults)


def _shown(checks: Sequence[Check]) -> Validation:
    failed = [check for check in checks if check.outcome == Outcome.FAIL]
    return Validation(
        driver_config_validated=not failed,
        validation_tasks=[_summed_up(task, checks) for task in TaskType],
        error="\n".join(_told(check) for check in failed),
        checks=[
            CheckResult(task=check.task, check=check.name, result=check.outcome, found=check.found, remedy=check.remedy)
            for check in checks
        ],
    )


def _summed_up(task: TaskType, checks: Sequence[Check]) -> ValidationTask:
    own = [check for check in checks if check.task in ("", task) and check.outcome == Outcome.FAIL]
    groups = {}
    for group, names in _GROUPS.items():
        errors = [_told(check) for check in own if check.name in names]
        groups[group] = TaskCheck(success=not errors, error="\n".join(errors))
    return ValidationTask(type=task.value, **groups)


def _told(check: Check) -> str:
    return ": ".join(part for part in (check.task, check.found) if part) + (
        f" -- {check.remedy}" if check.remedy else ""
    )
