"""What is followed of jobs: /v1/jobs?brief, a job's series and time line, /v1/series; and /v1/events, the stream."""

from __future__ import annotations

import gzip
import hashlib
import threading
from contextlib import ExitStack
from typing import Any

import falcon

from udup.base.errors import Fault, Refused
from udup.jobs.record_events import Kind
from udup.jobs.series import COARSER, POINTS, STEP_S, end_of
from udup.pipeline.ports import TailRequest
from udup.web.auth import role_of
from udup.web.blocking import HUNG_UP, WaitingRoom
from udup.web.live.briefs import as_json
from udup.web.live.following import Following
from udup.web.live.stream import UNSENT, Client, Stream, place_of
from udup.web.live.tails import RATE, RATE_MAX, TailReader, TailTopic
from udup.web.live.topics import JOBS, NODES, TAIL, Asked, JobsTopic, JobTopic, NodesTopic, Topic, asked_of
from udup.web.middleware import GZIP_LEVEL, takes_gzip
from udup.web.ports import JobControl, NotReady
from udup.web.requests import RegionRule, read_count, read_number
from udup.web.resources.events import READERS
from udup.web.resources.node_info import NodeInfo
from udup.web.responses import Reading, View, give
from udup.web.schemas.live import AllSeries, JobSeries, JobTimeline, entry_of
from udup.web.schemas.shape import rfc3339

#: Jobs of a page, entries of a page of a time line when a request does not say, and at most.
_JOBS_MAX, _ENTRIES, _ENTRIES_MAX = 10_000, 100, 500

_NS = 1_000_000_000

TOTAL_HEADER = "X-Udup-Total"


class BriefList:
    """GET /v1/jobs?brief. A page is put together once for all who ask for it while nothing has changed."""

    def __init__(self, following: Following, reading: Reading) -> None:
        self._following, self._reading = following, reading
        self._lock = threading.Lock()
        self._edition = -1
        self._pages: dict[tuple[str, str, int, int], _Page] = {}

    def answer(self, req: falcon.Request, resp: falcon.Response) -> None:
        wanted = (
            req.get_param("prefix", default=""),
            req.get_param("q", default="").casefold(),
            read_count(req, "offset"),
            min(read_number(req, "limit") or _JOBS_MAX, _JOBS_MAX),
        )

        def look() -> View:
            return View(self._following.look(), dict)

        self._reading.read(req, resp, look)
        page = self._page(wanted)
        resp.set_header(TOTAL_HEADER, str(page.total))
        resp.set_header("ETag", page.etag)
        if _has(req.get_header("If-None-Match") or "", page.etag):
            resp.status = falcon.HTTP_304
        elif req.get_param("pretty", default="0") != "0":
            give(req, resp, page.briefs)
        else:
            resp.content_type = falcon.MEDIA_JSON
            if takes_gzip(req):
                resp.data = page.packed()
                resp.set_header("Content-Encoding", "gzip")
            else:
                resp.data = page.body

    def _page(self, wanted: tuple[str, str, int, int]) -> _Page:
        with self._lock:
            edition = self._following.edition
            if edition != self._edition or len(self._pages) >= _PAGES_KEPT:
                self._edition, self._pages = edition, {}
            page = self._pages.get(wanted)
            if page is None:
                page = self._pages[wanted] = self._made(*wanted)
            return page

    def _made(self, prefix: str, q: str, offset: int, limit: int) -> _Page:
        found = [
            each
            for each in self._following.all()
            if each[0]["ID"].startswith(prefix) and (not q or _speaks_of(each[0], q))
        ]
        return _Page(found[offset : offset + limit], len(found))


#: Pages of the list that are kept put together.
_PAGES_KEPT = 16

#: What of a job is searched for a word.
_SEARCHED = ("ID", "Name", "Source", "Target", "Reason")


def _speaks_of(brief: dict[str, Any], q: str) -> bool:
    return any(q in brief[key].casefold() for key in _SEARCHED)


class _Page:
    def __init__(self, found: list[tuple[dict[str, Any], str]], total: int) -> None:
        self.briefs, self.total = [brief for brief, _ in found], total
        self.body = f"[{','.join(text for _, text in found)}]".encode("utf-8", "backslashreplace")
        self.etag = f'W/"{hashlib.sha256(self.body + str(total).encode()).hexdigest()[:24]}"'
        self._packed = b""
        self._lock = threading.Lock()

    def packed(self) -> bytes:
        with self._lock:
            self._packed = self._packed or gzip.compress(self.body, GZIP_LEVEL, mtime=0)
            return self._packed


def _has(if_none_match: str, etag: str) -> bool:
    """Return whether a client has this already; a tag is the same whether it is called weak or not."""
    tags = {each.strip().removeprefix("W/") for each in if_none_match.split(",")}
    return "*" in tags or etag.removeprefix("W/") in tags


class SeriesReads:
    """A job's figures of the last hour, and the lags of all jobs."""

    def __init__(self, following: Following, region: RegionRule) -> None:
        self._following, self._region = following, region

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Answer /v1/series."""
        points = self._points(req, 60)
        self._following.look()
        last = self._following.slot
        with self._following.series() as series:
            jobs = series.lags(last, points)
        shown = AllSeries(step=_step(points), end=_end(last, points), jobs=jobs)
        give(req, resp, shown.to_json())

    def answer(self, req: falcon.Request, resp: falcon.Response, job_id: str) -> None:
        points = self._points(req, POINTS)
        self._following.look()
        self._following.check_job(job_id)
        last = self._following.slot
        with self._following.series() as series:
            found = series.of(job_id)
            shown = JobSeries(
                step=_step(points),
                end=_end(last, points),
                lag_ms=found.lags(last, points),
                rows_per_second=found.rows(last, points),
                transactions_per_second=found.transactions(last, points),
            )
        give(req, resp, shown.to_json())

    def _points(self, req: falcon.Request, default: int) -> int:
        self._region.check(req)
        points = read_number(req, "points") or default
        if points not in COARSER:
            remedy = f"write one of {', '.join(map(str, COARSER))}"
            raise Refused(
                [Fault("points", f"an hour of {POINTS} steps is not put together to {points} points", remedy)]
            )
        return points


def _step(points: int) -> int:
    return STEP_S * POINTS // points


def _end(last: int, points: int) -> str:
    return rfc3339(end_of(last, points) * _NS)


class TimelineReads:
    """GET /v1/job/<id>/timeline."""

    def __init__(self, following: Following, region: RegionRule) -> None:
        self._following, self._region = following, region

    def answer(self, req: falcon.Request, resp: falcon.Response, job_id: str) -> None:
        self._region.check(req)
        after, limit = read_count(req, "after"), min(read_number(req, "limit") or _ENTRIES, _ENTRIES_MAX)
        kinds = frozenset(kind for kind in (req.get_param("kind") or "").split(",") if kind)
        if wrong := sorted(kinds - set(Kind)):
            raise Refused([Fault("kind", f"{wrong[0][:40]!r} is none", f"write some of {', '.join(Kind)}, by comma")])
        self._following.look()
        self._following.check_job(job_id)
        entries, oldest = self._following.page(job_id, after, limit, kinds)
        last = entries[-1].number if entries else after
        shown = JobTimeline(entries=[entry_of(each) for each in entries], next=last, oldest=oldest)
        give(req, resp, shown.to_json())


class StreamResource:
    """GET /v1/events: server-sent events of what is asked for, until the client goes or the server ends."""

    def __init__(
        self,
        control: JobControl,
        following: Following,
        here: NodeInfo,
        region: RegionRule,
        room: WaitingRoom,
        streams: int,
    ) -> None:
        self._control, self._following, self._here = control, following, here
        self._region, self._room = region, room
        self._streams = streams
        self._places = threading.BoundedSemaphore(streams)
        self._readers = threading.BoundedSemaphore(READERS)

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        self._region.check(req)
        asked = asked_of(req.get_param_as_list("topics", default=[]))
        wanted, rate = _tail_of(req), min(read_number(req, "rate") or RATE, RATE_MAX)
        with ExitStack() as held:
            if not self._places.acquire(blocking=False):
                raise NotReady(f"{self._streams} streams are open already; try again later")
            held.callback(self._places.release)
            held.enter_context(self._following.followed())
            resp.stream = self._stream(req, asked, wanted, rate, held)
        resp.content_type = "text/event-stream; charset=utf-8"
        resp.set_header("X-Accel-Buffering", "no")  # proxies that keep answers back until they are whole

    def _stream(
        self, req: falcon.Request, asked: list[Asked], wanted: TailRequest, rate: int, held: ExitStack
    ) -> Stream:
        """Return a stream that gives back what is held, whatever becomes of it."""
        following, events = self._following, []
        last = req.get_header("Last-Event-ID")
        place = None if last is None else place_of(last, following.epoch)
        if place is not None and (place.order > following.order or following.since(place.order).changed is None):
            place = None
        events.append(
            ("hello", as_json({"Node": self._here.name, "Epoch": following.epoch, "Role": role_of(req).value}))
        )
        if last is not None and place is None:
            events.append(("reset", "{}"))
        topics: list[Topic] = []
        for each in asked:
            topic = self._topic(each, wanted, rate, whole=place is None or not place.jobs)
            held.callback(topic.close)
            topics.append(topic)
        unsent = req.env.get(UNSENT, lambda: 0)
        client = Client(unsent, lambda: self._room.lets_go(req), stays=HUNG_UP in req.env)
        told = None if place is None else place.order
        return Stream(following, client, events, topics, told, held.pop_all())

    def _topic(self, asked: Asked, wanted: TailRequest, rate: int, *, whole: bool) -> Topic:
        if asked.kind == JOBS:
            return JobsTopic(self._following, whole=whole)
        if asked.kind == NODES:
            return NodesTopic(self._following)
        if asked.kind == TAIL:
            return TailTopic(TailReader(self._control, asked, wanted, self._readers), asked, rate)
        return JobTopic(self._following, asked)


def _tail_of(req: falcon.Request) -> TailRequest:
    named = req.get_param("table")
    schema, dot, table = (named or "").partition(".")
    if named is not None and not (schema and dot and table):
        raise Refused([Fault("table", f"{named[:80]!r} names no table", "write table=SCHEMA.TABLE")])
    return TailRequest(table=(schema, table) if named is not None else None)
