"""One node: NATS, the actors, the job store and the REST API, started in an order that matters and kept alive.

The actor system forks, so it comes first, before any thread. The main thread then watches: nats-server and the
JobSupervisor are started again when they die. When the main process itself dies, however it does, everything else
dies with it; started again, it finds the jobs in the store and carries them on from their checkpoints.
"""

from __future__ import annotations

import asyncio
import ipaddress
import itertools
import os
import signal
import threading
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from udup import __version__
from udup.actors.messages import Begin, Begun, Drain, NodeSettings
from udup.actors.pulse import PULSE
from udup.actors.supervisor import JobSupervisor
from udup.actors.system import Actors as ActorSystem
from udup.base import logs, runtime
from udup.base.cluster_settings import Address, count_of_managers, joined, own_host
from udup.base.config import Settings
from udup.base.errors import ConfigError, Transient, UdupError
from udup.base.identity import described, load_node_id, removed_told, twin_told
from udup.base.secrets import FILES_DIR_VARIABLE
from udup.base.service import LIVES, READY, STOPPING, tell_service_manager
from udup.base.tls import TLS_DIR_VARIABLE
from udup.cluster.beats import Role
from udup.cluster.node_of import NodeOfCluster
from udup.drivers.registry import Registry
from udup.jobs.shown import Watch
from udup.node.actor_control import ASK_SECONDS
from udup.node.cluster_admin import leave_managers, remove_manager
from udup.node.cluster_orders import ClusterOrders
from udup.node.cluster_watch import ClusterWatch
from udup.node.data_lock import lock_folder
from udup.node.ends import AnswersHere
from udup.node.health import Health
from udup.node.link_watch import LinkWatch
from udup.node.nats_access import NatsAccess
from udup.node.nats_cluster import Member, member_of
from udup.node.nats_config import Listener
from udup.node.nats_server import NatsServer
from udup.node.neighbours import Neighbours
from udup.node.reads import Reads
from udup.node.restoring import check_restored
from udup.node.service import Control
from udup.node.shared_store import SharedStore
from udup.node.sharing import merge_memory, share_memory
from udup.node.taking_along import check_certificate, check_place, take_along
from udup.pipeline.transport.address import FILES, connect_options, shown, with_files
from udup.store.contents import records_of
from udup.store.sealing import Keyring, load_keyring
from udup.store.snapshot import FILE_NAME, SnapshotDamaged, read_snapshot
from udup.store.store import JobStore
from udup.web.app import create_app
from udup.web.blocking import WaitingRoom
from udup.web.live.following import Following
from udup.web.serve import WebServer

#: Seconds between looks at the processes.
WATCH_SECONDS = 0.5

#: Looks at the processes for one at the links to other nodes.
LINKS_EVERY = 5

#: Seconds until nats-server is tried once more, if it could not be started.
NATS_AGAIN_SECONDS = 2.0

#: Seconds for jobs to reach a transaction boundary at the end; the whole end takes 10 at most.
DRAIN_SECONDS = 4.0

#: Seconds in a cluster, behind `cluster.leave_s`, for other nodes to be told that this one is gone.
GONE_SECONDS = 2.0


def run_node(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT. Raises `ConfigError` or `UdupError` if it cannot start."""
    logs.configure(settings.log.level, settings.log.format)
    lock = lock_folder(settings.data_path)
    try:
        check_restored(settings.data_path)
        _Node(settings).run()
    finally:
        lock.close()


class _Node:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._log = logs.logger("node")
        self._stopping = threading.Event()
        self._supervisor: Any = None
        self._supervisor_fd = -1
        self._supervisors = 0
        self._nats: NatsServer | None = None
        self._access: NatsAccess | None = None
        self._member: Member | None = None
        self._shared: SharedStore | None = None
        self._links: LinkWatch | None = None
        self._restart_nats = threading.Event()
        self._health: Health

    def run(self) -> None:
        """Start everything in its order, keep it alive until a signal, and end it."""
        settings = self._settings
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stopping.set())
        os.environ[FILES_DIR_VARIABLE] = settings.secrets.files_dir  # every process of the node is a fork of this one
        os.environ[TLS_DIR_VARIABLE] = settings.secrets.tls_dir
        drivers = Registry()
        drivers.load()
        keys = load_keyring(settings.data_path, settings.secrets.key.get_secret_value())
        self._share_memory()
        self._actors = ActorSystem(settings.data_path)
        try:
            if not settings.nats.url:
                self._start_nats()
            url = self._nats.url if self._nats else _external_nats(settings)
            connect_options(url)  # its files are there and fit, or the start ends here
            _check_keys(url, keys, settings.data_path / FILE_NAME)
            self._node_settings = self._told_to_actors(url, keys, drivers)
            reads = self._made_reads(url, keys)
            if self._nats is not None and self._nats.store:
                self._access = NatsAccess(self._nats)
                self._access.open()
            self._serve(url, reads, self._made_control(url, reads, keys, drivers))
        finally:
            if self._access is not None:
                self._access.close()
            self._actors.shutdown()
            if self._shared is not None:
                self._shared.close()
            if self._nats is not None:
                self._nats.stop()

    def _share_memory(self) -> None:
        share_memory()
        if self._settings.jobs.merge_memory and (why := merge_memory()):
            self._log.warning("memory_not_merged", setting="jobs.merge_memory", why=why)

    def _told_to_actors(self, url: str, keys: Keyring, drivers: Registry) -> NodeSettings:
        """Return what the supervisor and its children need to know of the node."""
        settings = self._settings
        return NodeSettings(
            nats_url=url,
            data_dir=settings.data_dir,
            buffer_bytes=settings.nats.max_buffer_mb << 20,
            log_level=settings.log.level,
            log_format=settings.log.format,
            retry_attempts=settings.retry.attempts,
            backoff_max_s=settings.retry.backoff_max_s,
            keys=keys,
            drivers=drivers,
            max_jobs=settings.jobs.max,
            share_processes=settings.jobs.share_processes,
            share_dumps=settings.jobs.share_dumps,
            region=settings.region,
            datacenter=settings.datacenter,
            writer=runtime.new_id(),
            shared_store=self._store_is_shared,
            cluster=node_of_cluster(settings),
        )

    def _made_reads(self, url: str, keys: Keyring) -> Reads:
        """Return what the API reads of jobs, with the node's health, and in a cluster with how that looks."""
        settings = self._settings
        shown_by = Watch(settings.console.lag_s, settings.console.lag_for_s)
        reads = Reads(url, keys, settings.data_path / FILE_NAME, shared=self._store_is_shared, watch=shown_by)
        restart = self._restart_nats.set if self._nats is not None else None
        keeps = self._nats is not None and bool(self._nats.store)
        reads.health = self._health = Health(
            url, settings.data_path, self.ask, restart, shared=self._store_is_shared, keeps=keeps
        )
        reads.cluster = None if self._member is None else ClusterWatch(self.ask).view
        return reads

    def _made_control(self, url: str, reads: Reads, keys: Keyring, drivers: Registry) -> Control:
        """Return what the API orders, in a cluster joined to the other nodes."""
        settings = self._settings
        node = described(str(settings.data_dir))
        control = Control(self.ask, lambda: self._supervisors - 1, reads, drivers, node, url)
        if self._member is None:
            return control
        if managers := count_of_managers(settings):
            control.remove = partial(remove_manager, settings.data_path, managers)
        own = load_node_id(settings.data_path)
        control.neighbours = Neighbours(url, own, control.actors, AnswersHere(control.servers, keys))
        if reads.cluster is not None:
            control.ends.join(own, control.neighbours, reads.cluster, keys)
        return control

    def _serve(self, url: str, reads: Reads, control: Control) -> None:
        """Answer the API until a signal, then end the runs. The supervisor is started before the first request."""
        settings, cluster = self._settings, reads.cluster
        room = WaitingRoom()
        followings: list[Following] = []
        app = create_app(
            control,
            reads,
            settings,
            load_node_id(settings.data_path),
            room,
            self._access,
            cluster,
            None if cluster is None else ClusterOrders(self.ask),
            followings.append,
        )
        web = WebServer(app, settings, before_stop=room.close)
        self._start_supervisor()
        web.start()
        for following in followings:
            following.start()
        self._log.info("server_ready", version=__version__, api=web.url, nats=shown(url), data_dir=settings.data_dir)
        tell_service_manager(READY, f"STATUS=API at {web.url}")
        self._watch()
        tell_service_manager(STOPPING)
        self._log.info("server_stops")
        web.stop()
        for following in followings:
            following.stop()
        self._health.close()
        self._drain()
        if control.neighbours is not None:
            control.neighbours.close()
        reads.close()

    def _drain(self) -> None:
        """End all runs; others are told that this node is gone, also of runs that had to be broken off."""
        if self._member is None:
            self.ask(Drain(), DRAIN_SECONDS)
        else:
            seconds = self._settings.cluster.leave_s
            self.ask(Drain(seconds), seconds + GONE_SECONDS)

    @property
    def _store_is_shared(self) -> bool:
        return self._member is not None and self._member.managers != 1

    def _start_nats(self) -> None:
        """Start the node's own nats-server, in the place that it has among others."""
        settings, folder = self._settings, self._settings.data_path / "nats"
        given, file = settings.consumers, settings.data_path / FILE_NAME
        self._member = member_of(settings, load_node_id(settings.data_path))
        check_place(folder, self._member)
        if self._member is not None:
            check_certificate(self._member, own_host(settings) if self._member.manager else "")
        if self._member is not None and self._member.shares_store:
            take_along(folder, file, settings.cluster.leave_streams)
        door = Listener(given.listen, given.tls_cert, given.tls_key)
        self._nats = NatsServer(folder, settings.ports.nats, door, self._member)
        self._links = LinkWatch(self._nats.log) if self._member is not None else None
        self._nats.start()
        if self._member is not None and self._member.shares_store:
            self._shared = SharedStore(self._nats.url, self._member, folder)
            self._shared.start()

    def _start_supervisor(self) -> None:
        self._supervisor = self._actors.create(JobSupervisor)
        self._supervisors += 1
        answer = self.ask(Begin(self._node_settings), ASK_SECONDS)
        if not isinstance(answer, Begun):
            raise UdupError(f"the JobSupervisor did not start (it answered {answer!r})")
        if self._supervisor_fd >= 0:
            os.close(self._supervisor_fd)
        self._supervisor_fd = os.pidfd_open(answer.pid)

    def _watch(self) -> None:
        for looks in itertools.count():
            if self._stopping.wait(WATCH_SECONDS):
                return
            tell_service_manager(LIVES)
            self._watch_nats()
            if PULSE.is_twin:
                raise ConfigError(twin_told(self._settings.data_path))
            if PULSE.is_removed:
                leave_managers(self._settings.data_path)
                raise ConfigError(removed_told(self._settings.data_path))
            if self._links is not None and looks % LINKS_EVERY == 0:
                self._links.look()
            if _has_ended(self._supervisor_fd):
                self._log.warning("supervisor_died")
                self._start_supervisor()
            if not Path(f"/proc/{self._actors.admin_pid}").exists():
                raise UdupError("the actor system's admin process died, and all actors with it; start the server again")

    def _watch_nats(self) -> None:
        """Start nats-server again if it has died, or must be; what fails now is tried again at the next look."""
        if self._nats is None or (self._nats.alive and not self._restart_nats.is_set()):
            return
        try:
            if self._restart_nats.is_set():
                self._nats.restart()
            else:
                self._log.warning("nats_server_died")
                self._nats.spawn()
            self._restart_nats.clear()
        except OSError as error:
            self._log.error("nats_server_not_started", error=str(error))
            self._stopping.wait(NATS_AGAIN_SECONDS)

    def ask(self, message: object, seconds: float) -> Any:
        """Return what the supervisor answers; None if there is none in time, or no supervisor yet."""
        return None if self._supervisor is None else self._actors.ask(self._supervisor, message, seconds)


def node_of_cluster(settings: Settings) -> NodeOfCluster | None:
    """Return what this node is to others; None if it is alone."""
    if not settings.cluster.role:
        return None
    managers = count_of_managers(settings)
    host = settings.bind_addr if _names_a_host(settings.bind_addr) else own_host(settings)
    return NodeOfCluster(
        node=load_node_id(settings.data_path),
        role=Role(settings.cluster.role),
        voters=managers or len(joined(settings)),
        replicas=managers,
        name=settings.node.name,
        datacenter=settings.datacenter,
        address=str(Address(host, settings.ports.http)),
        build=__version__,
        max_jobs=settings.jobs.max,
    )


def _names_a_host(address: str) -> bool:
    return not ipaddress.ip_address(address).is_unspecified


def _external_nats(settings: Settings) -> str:
    return with_files(settings.nats.url, {name: getattr(settings.nats, name) for name in FILES})


def _check_keys(url: str, keys: Keyring, file: Path) -> None:
    """`ConfigError` if stored jobs need a key that is not here.

    A store that is not there yet is waited for later; until then what the node's file has of it counts.
    """

    async def look() -> None:
        store = await JobStore.open(url, "udup start", keys)
        try:
            await store.load()
        finally:
            await store.close()

    try:
        asyncio.run(look())
    except Transient:
        with suppress(SnapshotDamaged):
            if (snapshot := read_snapshot(file)) is not None:
                records_of(snapshot, keys)


def _has_ended(pidfd: int) -> bool:
    try:
        signal.pidfd_send_signal(pidfd, 0)
    except ProcessLookupError:
        return True
    return False
