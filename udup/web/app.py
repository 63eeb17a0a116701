"""The REST API as a WSGI application, put together from its parts.

Exact paths without a slash at their end; behind /v1/job/, /v1/node/, /v1/allocation/, /v1/evaluation/ and
/v1/agent/allocation/ is an ID, which may be followed by a part of the thing. There is nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import falcon

from udup.base.config import Settings
from udup.cluster.view import View
from udup.web import errors
from udup.web.auth import HeadersRule, RoleRule, access_rule
from udup.web.blocking import WaitingRoom
from udup.web.live.following import Following
from udup.web.live.stream import STREAMS
from udup.web.middleware import Compression, MethodRule, OriginRule, PathRule
from udup.web.openapi.resource import OpenApiResource
from udup.web.ports import Consumers, JobControl, JobReads, MoveOrders
from udup.web.requests import RegionRule
from udup.web.resources.actors import ActorResource, ActorsResource
from udup.web.resources.agent import SelfResource
from udup.web.resources.allocations import AllocationResource, AllocationsResource, StatisticsResource
from udup.web.resources.cluster import JoinResource, LeaderResource, LeaveResource, ManagersResource, MembersResource
from udup.web.resources.console import add_console
from udup.web.resources.evaluations import EvaluationResource, EvaluationsResource
from udup.web.resources.events import EventReads
from udup.web.resources.grants import GrantsResource
from udup.web.resources.health import HealthResource
from udup.web.resources.inspect import InspectResource
from udup.web.resources.job_questions import JobQuestions
from udup.web.resources.job_tables import JobTablesReads
from udup.web.resources.jobs import JobResource, JobsResource, Registration
from udup.web.resources.level import LevelQuestions
from udup.web.resources.live import BriefList, SeriesReads, StreamResource, TimelineReads
from udup.web.resources.metrics import MetricsResource
from udup.web.resources.moves import MoveResource
from udup.web.resources.nats import NatsUserResource, NatsUsersResource
from udup.web.resources.node_info import NodeInfo
from udup.web.resources.nodes import NodeResource, NodesResource
from udup.web.resources.tables import Tables
from udup.web.resources.validate import ValidateResource
from udup.web.responses import Reading

App = falcon.App[falcon.Request, falcon.Response]


def create_app(
    control: JobControl,
    reads: JobReads,
    settings: Settings,
    node_id: str,
    room: WaitingRoom | None = None,
    consumers: Consumers | None = None,
    cluster: Callable[[], View] | None = None,
    orders: MoveOrders | None = None,
    keep: Callable[[Following], None] = lambda _following: None,
) -> App:
    """The application; `control`, `reads` and `consumers` are called from several threads at once.

    `consumers` is None where the node uses a NATS server that is not its own. `cluster` says how it looks where there
    are several nodes, and `orders` takes what is to change of that.

    `keep` is given what follows all jobs, to have that started and stopped; else it works while somebody asks.

    Requests that block wait in `room`, which whoever ends the server closes first.
    """
    rules: list[Any] = [
        access_rule(settings),
        HeadersRule(settings.http.response_headers),
        Compression(),
        MethodRule(),
        PathRule(),
        OriginRule(),
        RoleRule(),
    ]
    app = falcon.App(middleware=rules, media_type=falcon.MEDIA_JSON)
    errors.install(app)
    region = RegionRule(settings.region)
    here = NodeInfo(node_id, settings, reads, cluster)
    following = Following(reads, here)
    keep(following)
    shared = _Shared(control, reads, settings, here, region, room or WaitingRoom(), following)
    _add_jobs(app, shared)
    _add_outcomes(app, shared, MoveResource(orders, region))
    _add_node(app, shared)
    app.add_route("/v1/nats/users", NatsUsersResource(consumers, region))
    app.add_route("/v1/nats/users/{name}", NatsUserResource(consumers, region))
    app.add_route("/v1/openapi.json", OpenApiResource())
    add_console(app)
    return app


@dataclass(frozen=True)
class _Shared:
    """What the routes have in common."""

    control: JobControl
    reads: JobReads
    settings: Settings
    here: NodeInfo
    region: RegionRule
    room: WaitingRoom
    following: Following

    def reading(self) -> Reading:
        """Return what waits for a view and gives it."""
        return Reading(self.region, self.room, self.here.freshness)

    def tables(self) -> Tables:
        """Return allocations and evaluations as they are now."""
        return Tables(self.reads, self.here.places)


def _add_jobs(app: App, shared: _Shared) -> None:
    """Add jobs, what is followed of them, and what is asked of servers before there is one."""
    control, reads, settings, following = shared.control, shared.reads, shared.settings, shared.following
    region, room, reading = shared.region, shared.room, shared.reading()
    limit = settings.http.max_body_bytes
    registration = Registration(control, region, limit)
    series = SeriesReads(following, region)
    questions = JobQuestions(control, reads, region, room, shows_values=settings.console.show_values)
    answers = {
        "level": LevelQuestions(control, region, room).answer,
        "events": EventReads(control, region, room).answer,
        "tables": JobTablesReads(control, region, room).answer,
        "series": series.answer,
        "timeline": TimelineReads(following, region).answer,
    }
    job = JobResource(control, reads, shared.tables, registration, reading, region, questions, answers)
    app.add_route("/v1/jobs", JobsResource(reads, registration, reading, BriefList(following, reading)))
    app.add_route("/v1/job/{path:path}", job)
    app.add_route("/v1/series", series)
    app.add_route("/v1/events", StreamResource(control, following, shared.here, region, room, STREAMS))
    app.add_route("/v1/inspect", InspectResource(control, reads, region, room))
    app.add_route("/v1/grants", GrantsResource(control, region, room, limit))
    app.add_route("/v1/validate/job", ValidateResource(control, reads, region, settings.http))


def _add_outcomes(app: App, shared: _Shared, moves: MoveResource) -> None:
    """Add what became of jobs, allocations and evaluations, and where they are."""
    here, tables, reading = shared.here, shared.tables, shared.reading()
    app.add_route("/v1/allocations", AllocationsResource(tables, reading))
    app.add_route("/v1/allocation/{path:path}", AllocationResource(tables, reading))
    app.add_route("/v1/evaluations", EvaluationsResource(tables, reading))
    app.add_route("/v1/evaluation/{path:path}", EvaluationResource(tables, reading))
    app.add_route("/v1/agent/allocation/{path:path}", StatisticsResource(tables))
    app.add_route("/v1/nodes", NodesResource(here, reading))
    app.add_route("/v1/node/{path:path}", NodeResource(here, tables, reading, shared.region, moves))
    app.add_route("/v1/cluster/rebalance", moves, suffix="rebalance")
    app.add_route("/v1/cluster/move", moves, suffix="job")


def _add_node(app: App, shared: _Shared) -> None:
    """Add the node itself, its processes and its health, and the cluster that it is in."""
    here, region, control, reads = shared.here, shared.region, shared.control, shared.reads
    app.add_route("/metrics", MetricsResource(control, reads, here.node_id, shared.settings.data_path))
    app.add_route("/v1/self", SelfResource(here, reads, shared.settings))
    app.add_route("/v1/agent/actors", ActorsResource(control, here))
    app.add_route("/v1/agent/actor/{pid:int(min=1)}/kill", ActorResource(control), suffix="kill")
    app.add_route("/v1/agent/actor/{pid:int(min=1)}/stacks", ActorResource(control), suffix="stacks")
    health = HealthResource(reads)
    app.add_route("/v1/health", health)
    app.add_route("/v1/health/ready", health)
    app.add_route("/v1/health/live", health, suffix="live")
    leader, managers = LeaderResource(here, region), ManagersResource(here)
    app.add_route("/v1/members", MembersResource(here))
    app.add_route("/v1/leader", leader)
    app.add_route("/v1/peers", leader, suffix="peers")
    app.add_route("/v1/managers", managers)
    app.add_route("/v1/servers", managers)
    app.add_route("/v1/join", JoinResource(here))
    app.add_route("/v1/leave", LeaveResource(here, control))
