"""The jobs: /v1/jobs is the collection, /v1/job/<id> the item, and what belongs to it is behind another slash.

A job's ID may hold slashes. So whatever is behind /v1/job/ is an ID, unless its last part names something of a job.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import falcon

from udup.base.errors import Fault, Refused
from udup.jobs import JobRecord, skipping, to_api, to_stub, unwrap
from udup.web.ports import JobControl, JobReads, Written
from udup.web.requests import RegionRule, is_false, is_true, read_gtid, read_json, read_number, read_settlement
from udup.web.resources.job_questions import JobQuestions
from udup.web.resources.live import BriefList
from udup.web.resources.tables import Tables
from udup.web.responses import Reading, View, give, invalid_method, set_write_headers, split_part
from udup.web.schemas.compare import compare_options_of, comparison_of, differences_of, read_limit, repair_options_of
from udup.web.schemas.cutover import cutover_of, options_of
from udup.web.schemas.jobs import (
    EvaluatedJobResponse,
    JobResponse,
    ReloadResponse,
    SnapshotResponse,
    WarnedEvaluatedJobResponse,
    WarnedJobResponse,
)
from udup.web.schemas.versions import versions_of

_PAUSE, _RESUME, _ALLOCATIONS, _EVALUATIONS = "pause", "resume", "allocations", "evaluations"
_SETTLE, _SKIP, _FINISH, _LEVEL = "settle", "skip", "finish", "level"
_HISTORY, _REVERT, _CUTOVER, _EVENTS, _SNAPSHOT = "history", "revert", "cutover", "events", "snapshot"
_COMPARE, _REPAIR, _DIFFERENCES = "compare", "repair", "differences"
_RELOAD, _TABLES = "reload", "tables"
_SERIES, _TIMELINE = "series", "timeline"
_ROW, _ESTIMATE = "row", "estimate"

#: What is asked of a job by POST or PUT, and what is read of it by GET, behind its ID.
COMMANDS = frozenset(
    {_PAUSE, _RESUME, _SETTLE, _SKIP, _FINISH, _REVERT, _CUTOVER, _SNAPSHOT, _COMPARE, _REPAIR, _RELOAD}
)
VIEWS = frozenset(
    {
        *(_ALLOCATIONS, _EVALUATIONS, _LEVEL, _HISTORY, _CUTOVER, _EVENTS, _COMPARE, _DIFFERENCES, _TABLES),
        *(_SERIES, _TIMELINE, _ROW, _ESTIMATE),
    }
)
PARTS = COMMANDS | VIEWS

#: Answers a GET of what is behind a job's ID.
Answer = Callable[[falcon.Request, falcon.Response, str], None]

#: Bytes of what is asked of a cut-over.
_CUTOVER_BYTES = 4096

#: Bytes of what is to be compared: names of tables.
_COMPARE_BYTES = 1 << 20


class Registration:
    """Creating or replacing a job from a request's body; the path's ID is not looked at, the body decides."""

    def __init__(self, control: JobControl, region: RegionRule, max_body_bytes: int) -> None:
        self._control = control
        self._region = region
        self._max_body_bytes = max_body_bytes

    def carry_out(self, req: falcon.Request, resp: falcon.Response) -> None:
        submission = unwrap(read_json(req, self._max_body_bytes))
        self._region.check(req, submission.document)
        check = not is_false(req, "check")
        written = self._control.register(submission.document, submission.enforce_index, check=check)
        give_written(req, resp, written, with_eval_id=submission.wrapped)


class _Stubs:
    """The stubs of records, each made once: a list of hundreds is asked for often, and little of it changes."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[JobRecord, dict[str, Any]]] = {}

    def of(self, records: Iterable[JobRecord]) -> list[dict[str, Any]]:
        """From any thread. Keeps those of the last list; who asks for another one has them made."""
        before, made = self._made, {}
        for record in records:
            known = before.get(record.id)
            made[record.id] = known if known is not None and known[0] is record else (record, to_stub(record))
        self._made = made
        return [stub for _, stub in made.values()]


class JobsResource:
    """/v1/jobs"""

    def __init__(self, reads: JobReads, registration: Registration, reading: Reading, briefs: BriefList) -> None:
        self._reads = reads
        self._registration = registration
        self._reading = reading
        self._briefs = briefs
        self._stubs = _Stubs()

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        if "brief" in req.params:
            self._briefs.answer(req, resp)
            return
        prefix = req.get_param("prefix", default="")

        def look() -> View:
            records, index = self._reads.jobs(prefix)
            in_order = sorted(records, key=lambda record: record.id.encode())
            return View(index, lambda: self._stubs.of(in_order))

        self._reading.answer(req, resp, look)

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        self._registration.carry_out(req, resp)

    on_put = on_post


class JobResource:
    """/v1/job/<id>, and what is behind it: COMMANDS and VIEWS.

    `answers` give those views that are asked of more than the job's record, by their words.
    """

    def __init__(
        self,
        control: JobControl,
        reads: JobReads,
        tables: Callable[[], Tables],
        registration: Registration,
        reading: Reading,
        region: RegionRule,
        questions: JobQuestions,
        answers: Mapping[str, Answer],
    ) -> None:
        self._control = control
        self._reads = reads
        self._tables = tables
        self._registration = registration
        self._reading = reading
        self._region = region
        self._questions = questions
        self._answers = {
            **answers,
            _ROW: questions.row,
            _ESTIMATE: questions.estimate,
            _DIFFERENCES: self._differences,
        }

    def on_get(self, req: falcon.Request, resp: falcon.Response, path: str) -> None:
        job_id, part = _named(req, path)
        if part in COMMANDS - VIEWS:
            raise invalid_method()  # reading must never change anything
        if (answer := self._answers.get(part)) is not None:
            answer(req, resp, job_id)
            return
        every = is_true(req, "all")
        looks: dict[str, Callable[[], View]] = {
            "": lambda: self._job(job_id),
            _ALLOCATIONS: lambda: self._allocations(job_id, every=every),
            _EVALUATIONS: lambda: self._evaluations(job_id),
            _HISTORY: lambda: self._history(job_id),
            _CUTOVER: lambda: self._cutover(job_id),
            _COMPARE: lambda: self._comparison(job_id),
        }
        self._reading.answer(req, resp, looks[part])

    def on_post(self, req: falcon.Request, resp: falcon.Response, path: str) -> None:
        job_id, part = split_part(path, PARTS)
        if part in VIEWS - COMMANDS:
            raise invalid_method()
        if not part:
            self._registration.carry_out(req, resp)
            return
        self._region.check(req)
        tables = req.get_param_as_list("table", default=[])
        if part == _RELOAD and f"/{_TABLES}/" in job_id:  # /v1/job/<id>/tables/<schema.table>/reload
            job_id, _, table = job_id.rpartition(f"/{_TABLES}/")
            tables = [table, *tables]
        options, dry_run = repair_options_of(_body(req)) if part == _REPAIR else (None, False)
        if options is not None and dry_run:
            self._questions.repair_plan(req, resp, job_id, options.tables)
            return
        commands: dict[str, Callable[[], Written]] = {
            _PAUSE: lambda: self._control.pause(job_id),
            _RESUME: lambda: self._control.resume(job_id),
            _SETTLE: lambda: self._settle(req, job_id),
            _FINISH: lambda: self._control.finish(job_id),
            _REVERT: lambda: self._control.revert(job_id, read_number(req, "to"), check=not is_false(req, "check")),
            _SKIP: lambda: self._control.skip(job_id, read_gtid(req)),
            _CUTOVER: lambda: self._cut_over(req, job_id),
            _COMPARE: lambda: self._compare(req, job_id),
            _REPAIR: lambda: self._control.compare(job_id, options),
            _SNAPSHOT: lambda: self._control.snapshot(job_id, tables),
            _RELOAD: lambda: self._control.reload(job_id, tables),
        }
        written = commands[part]()
        if part in (_SNAPSHOT, _RELOAD):
            set_write_headers(resp, written.index, written.job_id)
            if part == _SNAPSHOT:
                made = SnapshotResponse(index=written.index, success=written.changed, tables=tables).to_json()
            else:
                made = ReloadResponse(
                    index=written.index, success=written.changed, tables=tables, warning=written.warning
                ).to_json()
            give(req, resp, made)
            return
        give_written(req, resp, written, warning=skipping.WARNING if part == _SKIP else None)

    def _differences(self, req: falcon.Request, resp: falcon.Response, job_id: str) -> None:
        after, limit = req.get_param("after", default=""), read_limit(req)
        give(req, resp, differences_of(self._control.differences(job_id, after, limit), limit))

    def _settle(self, req: falcon.Request, job_id: str) -> Written:
        gtid, applied = read_settlement(req)
        return self._control.settle(job_id, gtid, applied=applied)

    def _cut_over(self, req: falcon.Request, job_id: str) -> Written:
        body = read_json(req, _CUTOVER_BYTES) if req.content_length else {}
        return self._control.cut_over(job_id, options_of(body))

    def _compare(self, req: falcon.Request, job_id: str) -> Written:
        return self._control.compare(job_id, compare_options_of(_body(req)))

    on_put = on_post

    def on_delete(self, req: falcon.Request, resp: falcon.Response, path: str) -> None:
        """`?purge=true` removes the job's checkpoint from the target.

        A cut-over is undone, a comparison ends, and tables that are under way are given up.
        """
        job_id, part = _named(req, path)
        if part not in ("", _CUTOVER, _COMPARE, _RELOAD) or f"/{_TABLES}/" in job_id:
            raise invalid_method()
        self._region.check(req)
        if part == _COMPARE:
            give_written(req, resp, self._control.compare(job_id, None))
            return
        if part == _RELOAD:
            written = self._control.give_up(job_id)
            give_written(req, resp, written, warning=written.warning)
            return
        if part:
            written = self._control.abort_cutover(job_id)
            give_written(req, resp, written, warning=self._given_up(job_id))
            return
        if not job_id:
            remedy = "write it at the end of the path: /v1/job/<id>"
            raise Refused([Fault("ID", "missing job ID for evaluation", remedy)])
        give_written(req, resp, self._control.delete(job_id, purge=is_true(req, "purge")))

    def _job(self, job_id: str) -> View:
        record = self._reads.job(job_id)
        if record is None:
            return View(self._reads.jobs("")[1], dict, "job not found")
        return View(record.modify_index, lambda: to_api(record))

    def _given_up(self, job_id: str) -> str:
        """Return what is to be known of a cut-over that could not be undone any more, "" of one that could."""
        record = self._reads.job(job_id)
        cutover = record.cutover if record is not None else None
        return cutover.text if cutover is not None and cutover.switched else ""

    def _history(self, job_id: str) -> View:
        record = self._reads.job(job_id)
        if record is None:
            return View(self._reads.jobs("")[1], list, "job not found")
        return View(record.modify_index, lambda: versions_of(record))

    def _cutover(self, job_id: str) -> View:
        record = self._reads.job(job_id)
        if record is None:
            return View(self._reads.jobs("")[1], dict, "job not found")
        cutover = record.cutover
        if cutover is None:
            return View(record.modify_index, dict, "the job has no cut-over")
        return View(record.modify_index, lambda: cutover_of(cutover))

    def _comparison(self, job_id: str) -> View:
        record = self._reads.job(job_id)
        if record is None:
            return View(self._reads.jobs("")[1], dict, "job not found")
        comparison = record.comparison
        if comparison is None:
            return View(record.modify_index, dict, "the job has not been compared")
        return View(record.modify_index, lambda: comparison_of(comparison))

    def _allocations(self, job_id: str, *, every: bool) -> View:
        tables = self._tables()
        index = tables.allocations_index
        return View(index, lambda: tables.stubs(tables.allocations_of_job(job_id, every=every)))

    def _evaluations(self, job_id: str) -> View:
        tables = self._tables()
        return View(tables.evaluations_index, lambda: tables.shown(tables.evaluations(job_id=job_id)))


def _body(req: falcon.Request) -> object:
    return read_json(req, _COMPARE_BYTES) if req.content_length else {}


def _named(req: falcon.Request, path: str) -> tuple[str, str]:
    """Job and part that a path names. `/v1/job/?id=…` names a job whose ID cannot stand in a path."""
    return split_part(path, PARTS) if path else (req.get_param("id", default=""), "")


def give_written(
    req: falcon.Request,
    resp: falcon.Response,
    written: Written,
    *,
    with_eval_id: bool = False,
    warning: str | None = None,
) -> None:
    """The JobResponse; clients that wrap their job also look for EvalID. `warning` is what is to be known of it."""
    set_write_headers(resp, written.index, written.job_id)
    warning = warning if warning is not None else written.warning or None
    if with_eval_id and warning is not None:
        answer: JobResponse = WarnedEvaluatedJobResponse(
            index=written.index, success=written.changed, eval_id=written.eval_id, warning=warning
        )
    elif with_eval_id:
        answer = EvaluatedJobResponse(index=written.index, success=written.changed, eval_id=written.eval_id)
    elif warning is not None:
        answer = WarnedJobResponse(index=written.index, success=written.changed, warning=warning)
    else:
        answer = JobResponse(index=written.index, success=written.changed)
    give(req, resp, answer.to_json())
