"""The REST API as a WSGI application, put together from its parts.

Exact paths without a slash at their end; behind /v1/job/, /v1/node/, /v1/allocation/, /v1/evaluation/ and
/v1/agent/allocation/ is an ID, which may be followed by a part of the thing. There is nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
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
    room = room or WaitingRoom()
    here = NodeInfo(node_id, settings, reads, cluster)
    following = Following(reads, here)
    keep(following)
    reading, levels = Reading(region, room, here.freshness), LevelQuestions(control, region, room)
    events = EventReads(control, region, room)
    listed = JobTablesReads(control, region, room)
    moves = MoveResource(orders, region)
    _add_jobs(app, control, reads, settings, here, reading, region, room, levels, events, listed, moves, following)
    app.add_route("/v1/events", StreamResource(control, following, here, region, room, STREAMS))
    _add_node(app, here, region, control)
    app.add_route("/metrics", MetricsResource(control, reads, node_id, settings.data_path))
    app.add_route("/v1/self", SelfResource(here, reads, settings))
    app.add_route("/v1/agent/actors", ActorsResource(control, here))
    app.add_route("/v1/agent/actor/{pid:int(min=1)}/kill", ActorResource(control), suffix="kill")
    app.add_route("/v1/agent/actor/{pid:int(min=1)}/stacks", ActorResource(control), suffix="stacks")
    app.add_route("/v1/nats/users", NatsUsersResource(consumers, region))
    app.add_route("/v1/nats/users/{name}", NatsUserResource(consumers, region))
    health = HealthResource(reads)
    app.add_route("/v1/health", health)
    app.add_route("/v1/health/ready", health)
    app.add_route("/v1/health/live", health, suffix="live")
    app.add_route("/v1/openapi.json", OpenApiResource())
    add_console(app)
    return app


def _add_jobs(
    app: App,
    control: JobControl,
    reads: JobReads,
    settings: Settings,
    here: NodeInfo,
    reading: Reading,
    region: RegionRule,
    room: WaitingRoom,
    levels: LevelQuestions,
    events: EventReads,
    listed: JobTablesReads,
    moves: MoveResource,
    following: Following,
) -> None:
    """Jobs, and what became of them: allocations and evaluations."""
    limit = settings.http.max_body_bytes
    registration = Registration(control, region, limit)

    def tables() -> Tables:
        return Tables(reads, here.places)

    series, timelines = SeriesReads(following, region), TimelineReads(following, region)
    app.add_route("/v1/jobs", JobsResource(reads, registration, reading, BriefList(following, reading)))
    app.add_route("/v1/series", series)
    questions = JobQuestions(control, reads, region, room, shows_values=settings.console.show_values)
    job = JobResource(
        *(control, reads, tables, registration, reading, region, levels, events, listed, series, timelines, questions)
    )
    app.add_route("/v1/job/{path:path}", job)
    app.add_route("/v1/inspect", InspectResource(control, reads, region, room))
    app.add_route("/v1/grants", GrantsResource(control, region, room, limit))
    app.add_route("/v1/validate/job", ValidateResource(control, reads, region, settings.http))
    app.add_route("/v1/allocations", AllocationsResource(tables, reading))
    app.add_route("/v1/allocation/{path:path}", AllocationResource(tables, reading))
    app.add_route("/v1/evaluations", EvaluationsResource(tables, reading))
    app.add_route("/v1/evaluation/{path:path}", EvaluationResource(tables, reading))
    app.add_route("/v1/agent/allocation/{path:path}", StatisticsResource(tables))
    app.add_route("/v1/nodes", NodesResource(here, reading))
    app.add_route("/v1/node/{path:path}", NodeResource(here, tables, reading, region, moves))
    app.add_route("/v1/cluster/rebalance", moves, suffix="rebalance")
    app.add_route("/v1/cluster/move", moves, suffix="job")


def _add_node(app: App, here: NodeInfo, region: RegionRule, control: JobControl) -> None:
    leader, managers = LeaderResource(here, region), ManagersResource(here)
    app.add_route("/v1/members", MembersResource(here))
    app.add_route("/v1/leader", leader)
    app.add_route("/v1/peers", leader, suffix="peers")
    app.add_route("/v1/managers", managers)
    app.add_route("/v1/servers", managers)
    app.add_route("/v1/join", JoinResource(here))
    app.add_route("/v1/leave", LeaveResource(here, control))
