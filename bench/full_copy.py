"""How long a copy of a schema takes: Udup, `mysqldump | mysql`, mydumper and myloader; the target's binary log on."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial

from bench.contestants import Udup
from bench.results import Line, Result
from bench.servers import Bench, session
from udup.base.endpoint import Endpoint
from udup.base.errors import UdupError
from udup.drivers.mysql.client.connection import query
from udup.drivers.mysql.client.names import qualified
from udup.jobs.words import Stage
from udup.sandbox import shop
from udup.sandbox.server import MysqlServer
from udup.verify.compare import compare

ROWS = 1_000_000
THREADS = 4

#: Seconds that a contestant may take.
DEADLINE = 1200.0

#: Rows a chunk: mydumper's way to have several threads on one table.
CHUNK_ROWS = 100_000

_MISSING = "not installed (Debian: apt install mydumper)"

#: Copies the shop; answers the seconds it took and what is to be said about it.
Copy = Callable[[Bench, MysqlServer, MysqlServer], tuple[float, str]]


def run(bench: Bench) -> Result:
    rows = 100_000 if bench.quick else ROWS
    with bench.server("source") as source:
        made = shop.fill(source.endpoint, rows)
        result = Result("copy", f"a full copy of {made} rows, target's binary log on", "s")
        for name, copy in (("Udup", _udup), ("mysqldump | mysql", _mysqldump), ("mydumper, myloader", _mydumper)):
            result.attempt(name, partial(_timed, bench, source, name, copy))
    return result


def _timed(bench: Bench, source: MysqlServer, name: str, copy: Copy) -> list[Line]:
    with bench.server("target") as target:
        seconds, detail = copy(bench, source, target)
        _disable_events(target.endpoint)
        comparison = compare(source.endpoint, target.endpoint, [shop.SCHEMA])
    verdict = "equal" if comparison.equal else f"not equal: {comparison.report()[:200]}"
    return [Line(name, seconds, f"{detail}; {comparison.rows / seconds:,.0f} rows/s; {verdict}")]


def _udup(bench: Bench, source: MysqlServer, target: MysqlServer) -> tuple[float, str]:
    """From the post of the job to the end of the stage `copying`; the server's start is not counted."""
    with bench.node() as node:
        contestant = Udup(node)
        began = time.monotonic()
        contestant.start(source.endpoint, target.endpoint, "", [shop.SCHEMA])
        node.wait_stage(contestant.job_id, (Stage.CATCHING_UP, Stage.RUNNING), DEADLINE)
        return time.monotonic() - began, "through REST, default settings"


def _mysqldump(bench: Bench, source: MysqlServer, target: MysqlServer) -> tuple[float, str]:
    programs = bench.programs
    dump = [*programs.command("mysqldump"), *_account(source.endpoint), "--single-transaction", "--routines"]
    dump += ["--events", "--triggers", "--set-gtid-purged=OFF", "--databases", shop.SCHEMA]
    load = [*programs.command("mysql"), *_account(target.endpoint)]
    began = time.monotonic()
    with tempfile.TemporaryFile() as errors:
        left = subprocess.Popen(dump, stdout=subprocess.PIPE, stderr=errors, env=_secret(source.endpoint))
        right = subprocess.Popen(load, stdin=left.stdout, stderr=errors, env=_secret(target.endpoint))
        assert left.stdout is not None
        left.stdout.close()
        if any((right.wait(DEADLINE), left.wait(DEADLINE))):
            errors.seek(0)
            raise UdupError(f"{errors.read().decode('utf-8', 'replace').strip()[-500:]}")
    return time.monotonic() - began, f"MySQL {programs.version_text}"


def _mydumper(bench: Bench, source: MysqlServer, target: MysqlServer) -> tuple[float, str]:
    if not shutil.which("mydumper") or not shutil.which("myloader"):
        raise UdupError(_MISSING)
    folder = bench.folder / "mydumper"
    dump = ["mydumper", *_login(bench, source.endpoint), "--database", shop.SCHEMA, "--outputdir", str(folder)]
    dump += ["--rows", str(CHUNK_ROWS), "--triggers", "--events", "--routines", "--trx-consistency-only"]
    load = ["myloader", *_login(bench, target.endpoint), "--directory", str(folder), "--enable-binlog"]
    began = time.monotonic()
    try:
        problems = _run(dump) + _run(load)
        seconds = time.monotonic() - began
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    version = subprocess.run(["mydumper", "--version"], capture_output=True, text=True).stdout.strip()
    return seconds, f"{version}, {THREADS} threads{problems}"


def _run(command: list[str]) -> str:
    """What the program complained of, for the line's detail: myloader goes on after errors, and ends with 0 or 1."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE)
    if done.returncode and command[0] != "myloader":
        raise UdupError(f"{command[0]} ended with {done.returncode}: {done.stderr[-500:]}")
    errors = [line for line in done.stderr.splitlines() if "CRITICAL" in line]
    return "".join(f"; {error.split(': ', 2)[-1][:160]}" for error in errors[:2])


def _login(bench: Bench, endpoint: Endpoint) -> list[str]:
    """Options of mydumper and myloader; the password in a file that only we can read."""
    path = bench.folder / f"{endpoint.port}.cnf"
    path.touch(mode=0o600)
    path.write_text(f"[client]\npassword={endpoint.password}\n")
    return [
        f"--defaults-file={path}",
        f"--host={endpoint.host}",
        f"--port={endpoint.port}",
        f"--user={endpoint.user}",
        f"--threads={THREADS}",
    ]


def _account(endpoint: Endpoint) -> list[str]:
    """Options of MySQL's own clients; the password is in the environment."""
    return [f"--host={endpoint.host}", f"--port={endpoint.port}", f"--user={endpoint.user}"]


def _secret(endpoint: Endpoint) -> dict[str, str]:
    return {**os.environ, "MYSQL_PWD": endpoint.password}


def _disable_events(endpoint: Endpoint) -> None:
    """Udup disables them on the target; here a difference in that should not count against the others."""
    with session(endpoint) as connection:
        events = query(
            connection,
            "SELECT EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA = %s AND STATUS = 'ENABLED'",
            shop.SCHEMA,
        )
        for (name,) in events:
            query(connection, f"ALTER EVENT {qualified(shop.SCHEMA, name)} DISABLE")
