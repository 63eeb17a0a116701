"""A throw-away server of MySQL's family on the loopback interface: real, with GTIDs and a row-based binary log.

Everything it has is in one folder (`data/`, `mysqld.err`), which is removed at the end. It dies with the process that
started it, so that neither Ctrl-C nor `kill -9` of a demo leaves a server behind.
"""

from __future__ import annotations

import secrets
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from pymysql.converters import escape_string

from udup.base.endpoint import Endpoint
from udup.base.environment import for_program
from udup.base.errors import UdupError
from udup.drivers.mysql.client.connection import MySQLError, connect, scalar
from udup.sandbox.cache import Say, silent
from udup.sandbox.child import spawn
from udup.sandbox.kinds import MARIADB
from udup.sandbox.ports import HOST, free_port
from udup.sandbox.programs import MysqlPrograms
from udup.sandbox.template import copy_empty_data

#: Seconds from exec to an answer; a busy machine takes 5, crash recovery longer.
START_DEADLINE = 90.0

#: Seconds of a clean shutdown, which waits for the end of running transactions' rollback and flushes the buffer pool.
STOP_DEADLINE = 60.0

_POLL_INTERVAL = 0.05

#: Another program may take a free port between our look and mysqld's.
_PORT_TRIES = 5

_TAIL_LINES = 20


class MysqlServer:
    """One server, of the kind of its programs: `with MysqlServer(programs, folder) as server:` starts and wipes it.

    `folder` must not exist or be empty, and belongs to the server from its first start on. `options` are the
    server's, without the dashes before them (`{"max_allowed_packet": "1M"}`), and override those of its kind. A
    password is generated and a free port is found unless they are given. The account is root, from 127.0.0.1 and
    localhost.
    """

    def __init__(
        self,
        programs: MysqlPrograms,
        folder: Path,
        *,
        password: str | None = None,
        port: int | None = None,
        options: Mapping[str, str | int] | None = None,
        say: Say = silent,
    ) -> None:
        self.programs = programs
        self.folder = folder.absolute()
        self._password = secrets.token_urlsafe(12) if password is None else password
        self._port = port
        self._options = dict(programs.kind.default_options) | {
            name.replace("_", "-"): str(value) for name, value in (options or {}).items()
        }
        self._say = say
        self._process: subprocess.Popen[bytes] | None = None
        self._owns_folder = False
        self._has_accounts = False
        self._log_start = 0

    @property
    def kind(self) -> str:
        """Its family's name, for people."""
        return self.programs.kind.name

    @property
    def endpoint(self) -> Endpoint:
        """Where it answers, the same over restarts; `UdupError` before the first start, unless the port was given."""
        if self._port is None:
            raise UdupError(f"the {self.kind} server in {self.folder} has no port before its first start")
        return Endpoint(HOST, self._port, "root", self._password)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def error_log(self) -> Path:
        return self.folder / "mysqld.err"

    @property
    def socket(self) -> Path:
        """The unix socket. mysqld makes it by its relative name: a deep folder is no matter, but a client that uses the
        absolute path is bound by the 107 bytes of sockaddr_un."""
        return self.data / "mysql.sock"

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        return self._live_process().pid

    def __enter__(self) -> MysqlServer:
        try:
            self.start()
        except BaseException:
            self.wipe()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.wipe()

    def start(self) -> None:
        """Returns when it answers; `UdupError` with the end of its error log if it does not within START_DEADLINE."""
        if self.running:
            raise UdupError(f"the {self.kind} server in {self.folder} runs already")
        if not self._owns_folder or not self.data.exists():
            self._prepare_folder()
        ports = [self._port] if self._port is not None else [free_port() for _ in range(_PORT_TRIES)]
        for port in ports:
            self._launch(port)
            if self._await_answer(Endpoint(HOST, port, "root", self._password)):
                self._port = port
                return
        raise UdupError(
            f"the {self.kind} server in {self.folder} cannot listen on {HOST}:{ports[-1]}: the port is taken"
        )

    def stop(self) -> None:
        """A clean shutdown; nothing if it does not run."""
        if not self.running:
            return
        process = self._live_process()
        process.terminate()
        try:
            process.wait(STOP_DEADLINE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise UdupError(
                f"the {self.kind} server in {self.folder} did not stop in {STOP_DEADLINE:.0f} s and was killed;"
                f" its error log ends with:\n{self._log_tail()}"
            ) from None

    def kill(self) -> None:
        """SIGKILL, as a crash would; returns when the process is gone. Nothing if it does not run."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def restart(self) -> None:
        """Stops it if it runs, and starts it on the same port and data."""
        self.stop()
        self.start()

    def wipe(self) -> None:
        """Ends it at once and removes its folder."""
        self.kill()
        if self._owns_folder:
            shutil.rmtree(self.folder)
        self._owns_folder = self._has_accounts = False

    def _live_process(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            raise UdupError(f"the {self.kind} server in {self.folder} does not run")
        return self._process

    def _prepare_folder(self) -> None:
        if not self._owns_folder and self.folder.exists() and any(self.folder.iterdir()):
            raise UdupError(f"{self.folder} is not empty: a new {self.kind} server would mix its files with others'")
        self.folder.mkdir(parents=True, exist_ok=True)
        self._owns_folder = True
        (self.folder / "tmp").mkdir(exist_ok=True)
        copy_empty_data(self.programs, self._options, self.data, self._say)

    def _launch(self, port: int) -> None:
        options = {
            "datadir": str(self.data),
            "port": str(port),
            "bind-address": HOST,
            "socket": self.socket.name,  # relative to the data directory: a path of any depth will do
            "pid-file": str(self.folder / "mysqld.pid"),
            "log-error": str(self.error_log),
            "tmpdir": str(self.folder / "tmp"),  # a server that starts removes what it finds there, whoever's it is
            "server-id": str(port),  # unique among the servers of this machine
        } | self._options
        if (
            self.programs.kind is MARIADB
        ):  # at its start it removes all temporary tables from a folder that others share
            options["tmpdir"] = str(self.folder)
        if not self._has_accounts:
            options["init-file"] = str(self._write_accounts())
        self._log_start = self.error_log.stat().st_size if self.error_log.exists() else 0
        arguments = [f"--{name}={value}" for name, value in options.items()]
        self._process = spawn([*self.programs.command("mysqld"), *arguments], self.error_log, for_program())

    def _write_accounts(self) -> Path:
        """Statements that run before the first connection is let in; they leave no trace in the binary log."""
        path = self.folder / "accounts.sql"
        path.touch(mode=0o600)
        path.write_text(self.programs.kind.accounts(escape_string(self._password)))
        return path

    def _await_answer(self, endpoint: Endpoint) -> bool:
        """True when it answers, False if its port is taken; `UdupError` if it died of something else or is too slow."""
        deadline = time.monotonic() + START_DEADLINE
        while self.running:
            refusal = self._refusal(endpoint)
            if refusal is None:
                self._has_accounts = True
                (self.folder / "accounts.sql").unlink(missing_ok=True)
                return True
            if time.monotonic() > deadline:
                self.kill()
                raise UdupError(
                    f"the {self.kind} server in {self.folder} did not answer in {START_DEADLINE:.0f} s ({refusal});"
                    f" its error log ends with:\n{self._log_tail()}"
                )
            time.sleep(_POLL_INTERVAL)
        tail = self._log_tail()
        if any(mark in tail for mark in self.programs.kind.port_taken_marks):
            return False
        raise UdupError(f"the {self.kind} server in {self.folder} ended at its start; its error log ends with:\n{tail}")

    def _refusal(self, endpoint: Endpoint) -> str | None:
        """None if it is this very server that answers on the port, else what came instead."""
        try:
            connection = connect(endpoint, connect_timeout=2, read_timeout=2)
            try:
                answering = Path(str(scalar(connection, "SELECT @@datadir")))
            finally:
                connection.close()
        except (UdupError, MySQLError) as error:
            return str(error)
        if answering.resolve() != self.data.resolve():
            return f"on its port answers the server of {answering}"
        return None

    def _log_tail(self) -> str:
        """The last lines since the last start."""
        with self.error_log.open("rb") as log:
            log.seek(self._log_start)
            lines = log.read().decode("utf-8", "replace").splitlines()
        return "\n".join(lines[-_TAIL_LINES:])
