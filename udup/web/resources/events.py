"""GET /v1/job/<id>/events: the messages that a subscription has put into its sink, as a consumer sees them.

The sink is read for one request, in the request's thread, and the answer says where the next request goes on: so
nothing is held for a client between two of them, none waits for longer than it has asked for, and a client that goes
away frees its place at the next look, which is after half a second. A reader has connections and buffers of its own,
so that few are let in at a time.
"""

from __future__ import annotations

import base64
import binascii
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager

import falcon

from udup.base.errors import Fault, Refused, Transient
from udup.jobs.document.gtid_text import is_one_gtid
from udup.pipeline.ports import Seen, Tail, TailRequest
from udup.pipeline.ports.tail import NOW, START
from udup.web.blocking import WaitingRoom
from udup.web.ports import JobControl, NotReady
from udup.web.requests import RegionRule, is_false, read_timeout
from udup.web.responses import give
from udup.web.schemas.jobs import Event, Events
from udup.web.schemas.shape import rfc3339

#: Messages and bytes of an answer: it ends with the reading of some messages that reaches one of them.
EVENTS_MAX, BYTES_MAX = 1000, 2 << 20

#: Seconds that a request waits for the first message when it does not say how long, and at most.
WAIT_S, LONGEST_WAIT_S = 20.0, 50.0

#: Requests that read sinks at a time.
READERS = 8

#: Bytes of a cursor, unpacked.
_CURSOR_MAX = 4 << 20


class EventReads:
    def __init__(self, control: JobControl, region: RegionRule, room: WaitingRoom, readers: int = READERS) -> None:
        self._control = control
        self._region = region
        self._room = room
        self._readers = readers
        self._places = threading.BoundedSemaphore(readers)

    def answer(self, req: falcon.Request, resp: falcon.Response, job_id: str) -> None:
        """Read until there is something to tell, or the time is up; then tell it, and where to go on."""
        self._region.check(req)
        request = _request(req)
        end = time.monotonic() + self._room.at_most(read_timeout(req, WAIT_S, LONGEST_WAIT_S))
        with self._room.place(), self._place(), closing(self._control.tail(job_id, request)) as tail:
            found = self._gathered(req, tail, request, end)
            shown = Events(events=[shown_event(each) for each in found], cursor=packed(tail.cursor), end=tail.at_end)
        give(req, resp, shown.to_json())

    def _gathered(self, req: falcon.Request, tail: Tail, request: TailRequest, end: float) -> list[Seen]:
        found: list[Seen] = []
        size = 0
        while True:
            try:
                some = tail.read()
            except Transient:
                if not found:
                    raise
                return found
            found += some
            size += sum(len(each.value or b"") + len(each.key or b"") for each in some)
            if len(found) >= EVENTS_MAX or size >= BYTES_MAX or self._room.lets_go(req) or time.monotonic() > end:
                return found
            if tail.at_end and (found or not request.follow):
                return found

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise NotReady(f"{self._readers} requests are reading events already; try again later")
        try:
            yield
        finally:
            self._places.release()


def _request(req: falcon.Request) -> TailRequest:
    """Return what `from`, `cursor`, `table` and `follow` ask for."""
    since = req.get_param("from", default=NOW) or NOW
    if since not in (START, NOW) and not is_one_gtid(since):
        remedy = "write from=start, from=now, or from=UUID:NUMBER (0-1-42) with a transaction that was delivered"
        raise Refused([Fault("from", f"{since[:80]!r} is neither start, now nor the GTID of one transaction", remedy)])
    named, cursor = req.get_param("table"), req.get_param("cursor")
    schema, dot, table = (named or "").partition(".")
    if named is not None and not (schema and dot and table):
        raise Refused([Fault("table", f"{named[:80]!r} names no table", "write table=SCHEMA.TABLE")])
    return TailRequest(
        since=since.lower(),  # as servers tell UUIDs and tags
        cursor=unpacked(cursor) if cursor else "",
        table=(schema, table) if named is not None else None,
        follow=not is_false(req, "follow"),
    )


def shown_event(seen: Seen) -> Event:
    """Return a message as the API shows it."""
    return Event(
        subject=seen.subject,
        key=_text(seen.key),
        value=_text(seen.value),
        id=seen.id,
        operation=seen.operation,
        time=rfc3339(seen.ms * 1_000_000),
    )


def _text(data: bytes | None) -> str | None:
    return None if data is None else data.decode("utf-8", "backslashreplace")


def packed(cursor: str) -> str:
    """Return a sink's cursor as the API tells it: short, and no text to be taken apart."""
    return base64.urlsafe_b64encode(zlib.compress(cursor.encode())).decode()


def unpacked(text: str) -> str:
    """Return what was packed; `Refused` for anything else."""
    try:
        unpacking = zlib.decompressobj()
        cursor = unpacking.decompress(base64.b64decode(text, altchars=b"-_", validate=True), _CURSOR_MAX)
        if not unpacking.eof:
            raise ValueError
        return cursor.decode()
    except (zlib.error, binascii.Error, ValueError) as error:
        remedy = "write the Cursor of the answer before, or leave it out"
        raise Refused([Fault("cursor", f"{text[:40]!r} is none", remedy)]) from error
