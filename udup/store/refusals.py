"""What the job store says where it does not take a record, or is not there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from nats.errors import MaxPayloadError
from nats.js.errors import NotFoundError

from udup.base.errors import Fault, Refused, Transient
from udup.store.buckets import LOST
from udup.store.owned import WrittenByAnother


def no_answer(error: BaseException) -> Transient:
    """Return what NATS's error means: that the store is to be tried again."""
    if isinstance(error, NotFoundError):
        return Transient("the job store is not there yet; try again in a moment")
    return Transient(f"the job store in NATS does not answer: {error or type(error).__name__}")


@contextmanager
def answering() -> Iterator[None]:
    """What NATS does not answer is `Transient`."""
    try:
        yield
    except MaxPayloadError:
        raise  # no try takes it
    except LOST as error:
        raise no_answer(error) from error


def too_large(job_id: str, size: int, most: int) -> Refused:
    """Return that NATS never takes a record of this size."""
    problem = f"the record of job {job_id} has {size:,} bytes, and NATS takes {most:,}"
    return Refused([Fault("NATS", problem, "raise max_payload of the NATS server, or make several jobs of it")])


class TakenByAnother(Refused):
    """The record was written by another than this server: it is not this one's any more."""


def changed(job_id: str, error: WrittenByAnother) -> TakenByAnother:
    """Return that the record is not this server's any more."""
    what = "removed" if error.found.removed else "written"
    problem = f"the record of job {job_id} was {what} by another than this server"
    remedy = (
        "two Udup servers use one job store: stop the other one, or give each a NATS server of its own, and start this"
        " one again; it goes on with what is stored then"
    )
    return TakenByAnother([Fault("the job store", problem, remedy)])
