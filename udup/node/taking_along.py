"""What a node has held alone, when it becomes one among others: its job store goes along, its streams cannot.

nats-server in a cluster cannot read the store that it has had without one, so that each has a folder of its own. The
old one is read once, by a nats-server for that alone, and written into a file that `SharedStore` begins the cluster's
store with. The folder stays as it is.

Streams of subscriptions in the node's own JetStream would be left behind there, with messages that nobody has read
perhaps: a start says so and refuses, until they are gone or `cluster.leave_streams` says that they may stay.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import nats
from nats.errors import Error as NatsError
from nats.js.client import JetStreamContext
from nats.js.errors import NotFoundError

from udup.base import logs
from udup.base.authority import certificate_fault
from udup.base.errors import ConfigError, UdupError
from udup.node.nats_cluster import ALONE, SHARED, Member
from udup.node.nats_server import NatsServer
from udup.node.shared_store import BRINGS, SEEN
from udup.store.batch import BatchReader
from udup.store.mark import COMPLETE, Mark
from udup.store.mirror import Mirror
from udup.store.snapshot import Snapshot, read_snapshot, write_snapshot
from udup.store.store import JOBS_BUCKET, TIMEOUT

#: Streams of Udup's own begin so, or are read by nobody else.
_OWN = "KV_udup_"


def check_place(folder: Path, member: Member | None) -> None:
    """`ConfigError` if this node's folder holds what a node in this place cannot have; `folder` is nats-server's.

    What was once to be taken along is forgotten by a node that is alone: it goes on, and is read anew another time.
    """
    alone = member is None or member.managers == 1
    if alone and ((folder / SEEN).exists() or _has_jobs(folder, SHARED)):
        raise ConfigError(
            f"cluster: this node was one of several managers ({folder / SHARED}), and alone it would carry out all jobs"
            " of theirs; put cluster.join back. If that cluster is gone for good: udup cluster recover --alone"
        )
    if alone:
        (folder / BRINGS).unlink(missing_ok=True)
    elif member is not None and not member.manager and not (folder / SEEN).exists() and _has_jobs(folder):
        raise ConfigError(
            f"cluster.role: an agent keeps no jobs, and this node has kept its own in {folder / ALONE}; make this one"
            " the manager and another one the agent, or start this one with an empty data_dir"
        )


def check_certificate(member: Member, host: str) -> None:
    """`ConfigError` if others would refuse this node's certificate. `host` is how they call a manager."""
    tls = member.tls
    if tls.ca and (fault := certificate_fault(Path(tls.ca), Path(tls.cert), Path(tls.key), host)):
        raise ConfigError(f"cluster.{fault}; join this node again with a token of udup cluster token")


def take_along(folder: Path, file: Path, leave_streams: bool) -> None:
    """Write what the node held alone into the file that the cluster's store is begun with, unless that was done.

    `file` is the node's snapshot of its store. `ConfigError` if streams would be left behind.
    """
    if not _has_jobs(folder) or any((folder / each).exists() for each in (SEEN, BRINGS)):
        return
    server = NatsServer(folder, 0)
    server.start()
    try:
        streams, brought = asyncio.run(_read(server.url, file))
    except (NatsError, OSError, TimeoutError) as error:
        raise UdupError(
            f"the job store that this node had alone, in {folder / ALONE}, cannot be read: {error or type(error)}"
        ) from error
    finally:
        server.stop()
    if streams and not leave_streams:
        raise ConfigError(
            f"cluster.join: the streams {', '.join(streams)} of this node's own JetStream are not taken along into the"
            " managers' one. Start it alone once more, have them read, and delete them with their subscriptions; or set"
            f" cluster.leave_streams = true, and they stay behind in {folder / ALONE}"
        )
    if brought is not None:
        write_snapshot(folder / BRINGS, brought)
        logs.logger("cluster").info("job_store_is_taken_along", jobs=len(brought.values), left_behind=streams)


def _has_jobs(folder: Path, store: str = ALONE) -> bool:
    """Whether there is a job store in one of the two folders for it, of this version or one before."""
    return any((folder / store / "jetstream").glob(f"*/streams/KV_{JOBS_BUCKET}"))


async def _read(url: str, file: Path) -> tuple[list[str], Snapshot | None]:
    """Return the streams that are not Udup's own, and what the job store holds."""
    client = await nats.connect(url, name="udup taking along", connect_timeout=2, allow_reconnect=False)
    try:
        context = client.jetstream(timeout=TIMEOUT)
        names = await _stream_names(context)
        bucket = f"KV_{JOBS_BUCKET}"
        mirror = Mirror(context, JOBS_BUCKET, BatchReader(client, bucket, f"$KV.{JOBS_BUCKET}.>", TIMEOUT))
        try:
            await mirror.refresh()
        except NotFoundError:
            mirror.values = {}
        return [each for each in names if not each.startswith(_OWN)], _right(mirror, read_snapshot(file))
    finally:
        await client.close()


def _right(mirror: Mirror, kept: Snapshot | None) -> Snapshot | None:
    """Return what is right of the store and the node's file (`store/snapshot.py`)."""
    if COMPLETE not in mirror.values:
        return kept
    mark = Mark.of(mirror.values[COMPLETE])
    values = {key: data for key, data in mirror.values.items() if key != COMPLETE}
    found = Snapshot(mark.store, str(mirror.made), mark.base, mirror.last, values)
    if kept is not None and (kept.store == mark.store if mark.store else kept.made == found.made):
        return kept if kept.position > found.position else found
    return found


async def _stream_names(context: JetStreamContext) -> list[str]:
    found: list[str] = []
    while some := await context.streams_info(offset=len(found)):
        found += [str(each.config.name) for each in some]
    return sorted(found)
