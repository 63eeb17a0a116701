"""The REST API as a WSGI application, put together from its parts.

Exact paths without a slash at their end; everything after /v1/job/ is a job's ID. There is nothing else.
"""

from __future__ import annotations

from typing import Any

import falcon

from udup.config import Settings
from udup.web import errors
from udup.web.actors import ActorsResource
from udup.web.health import HealthResource
from udup.web.jobs import JobResource, JobsResource, RegionRule, Registration
from udup.web.middleware import Compression, MethodRule, OriginRule, PathRule
from udup.web.ports import JobControl, JobReads


def create_app(control: JobControl, reads: JobReads, settings: Settings) -> falcon.App[falcon.Request, falcon.Response]:
    """The application; `control` and `reads` are called from several threads at once."""
    rules: list[Any] = [Compression(), MethodRule(), PathRule(), OriginRule()]
    app = falcon.App(middleware=rules, media_type=falcon.MEDIA_JSON)
    errors.install(app)
    region = RegionRule(settings.region)
    registration = Registration(control, region, settings.http.max_body_bytes)
    job = JobResource(control, reads, registration, region)
    health = HealthResource(reads)
    app.add_route("/v1/jobs", JobsResource(reads, registration, region))
    app.add_route("/v1/job/{job_id:path}", job)
    app.add_route("/v1/agent/actors", ActorsResource(control))
    app.add_route("/v1/health", health)
    app.add_route("/v1/health/ready", health)
    app.add_route("/v1/health/live", health, suffix="live")
    return app
