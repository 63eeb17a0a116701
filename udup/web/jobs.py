"""The jobs: /v1/jobs is the collection, /v1/job/<id> the item."""

from __future__ import annotations

from typing import Any

import falcon

from udup.errors import Fault, Refused
from udup.job import to_api, to_stub, unwrap
from udup.web.answers import give, set_read_headers, set_write_headers
from udup.web.bodies import read_json
from udup.web.ports import JobControl, JobReads, Written

#: Ends of /v1/job/<id>/… that name something of a job rather than a job.
PARTS_OF_A_JOB = ("pause", "resume", "allocations", "evaluations")


class RegionRule:
    """One node is one region: a request for another is turned away."""

    def __init__(self, region: str) -> None:
        self._region = region

    def check(self, req: falcon.Request, document: dict[str, Any] | None = None) -> None:
        """The query's word counts before the body's; an empty one is no word."""
        said: object = req.get_param("region")
        where = "region"
        if not said and document:
            said = next((value for key, value in document.items() if key.lower() == "region"), None)
            where = "Region"
        if isinstance(said, str) and said and said != self._region:
            raise Refused([Fault(where, f"No path to region {said!r}", f"this node's is {self._region!r}")])


class Registration:
    """Creating or replacing a job from a request's body; the path's ID is not looked at, the body decides."""

    def __init__(self, control: JobControl, region: RegionRule, max_body_bytes: int) -> None:
        self._control = control
        self._region = region
        self._max_body_bytes = max_body_bytes

    def carry_out(self, req: falcon.Request, resp: falcon.Response) -> None:
        submission = unwrap(read_json(req, self._max_body_bytes))
        self._region.check(req, submission.document)
        written = self._control.register(submission.document, submission.enforce_index)
        _give_written(req, resp, written, with_eval_id=submission.wrapped)


class JobsResource:
    """/v1/jobs"""

    def __init__(self, reads: JobReads, registration: Registration, region: RegionRule) -> None:
        self._reads = reads
        self._registration = registration
        self._region = region

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        self._region.check(req)
        records, index = self._reads.jobs(req.get_param("prefix", default=""))
        set_read_headers(resp, index)
        in_order = sorted(records, key=lambda record: record.id.encode())
        give(req, resp, [to_stub(record) for record in in_order])

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        self._registration.carry_out(req, resp)

    def on_put(self, req: falcon.Request, resp: falcon.Response) -> None:
        self._registration.carry_out(req, resp)


class JobResource:
    """/v1/job/<id>"""

    def __init__(self, control: JobControl, reads: JobReads, registration: Registration, region: RegionRule) -> None:
        self._control = control
        self._reads = reads
        self._registration = registration
        self._region = region

    def on_get(self, req: falcon.Request, resp: falcon.Response, job_id: str) -> None:
        _check_part(job_id)
        self._region.check(req)
        record = self._reads.job(job_id)
        if record is None:
            _, index = self._reads.jobs(job_id)
            set_read_headers(resp, index)
            raise falcon.HTTPNotFound(description="job not found")
        set_read_headers(resp, record.modify_index)
        give(req, resp, to_api(record))

    def on_post(self, req: falcon.Request, resp: falcon.Response, job_id: str) -> None:
        _check_part(job_id)
        self._registration.carry_out(req, resp)

    def on_put(self, req: falcon.Request, resp: falcon.Response, job_id: str) -> None:
        self.on_post(req, resp, job_id)

    def on_delete(self, req: falcon.Request, resp: falcon.Response, job_id: str) -> None:
        _check_part(job_id)
        self._region.check(req)
        if not job_id:
            raise Refused([Fault("ID", "missing job ID", "write it at the end of the path: /v1/job/<id>")])
        _give_written(req, resp, self._control.delete(job_id), with_eval_id=False)


def _check_part(job_id: str) -> None:
    """A part of a job that is not there is an unknown path, not a job of that odd name."""
    owner, slash, part = job_id.rpartition("/")
    if slash and owner and part in PARTS_OF_A_JOB:
        raise falcon.HTTPRouteNotFound


def _give_written(req: falcon.Request, resp: falcon.Response, written: Written, *, with_eval_id: bool) -> None:
    """The JobResponse: four keys in this order; clients that wrap their job also look for EvalID."""
    answer: dict[str, Any] = {"EvalID": written.eval_id} if with_eval_id else {}
    answer |= {"Index": written.index, "KnownLeader": False, "LastContact": 0, "Success": True}
    set_write_headers(resp, written.index, written.job_id)
    give(req, resp, answer)
