"""A server's programs and how to call them, wherever they come from."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from udup.base.environment import for_program
from udup.base.errors import UdupError
from udup.sandbox.kinds import MARIADB, MYSQL, ServerKind

#: The oldest server that has everything Udup relies on (caching_sha2, dependency tracking by write set, roles).
OLDEST_VERSION = (8, 0, 0)

#: The client programs that are looked for beside the server.
CLIENTS = ("mysql", "mysqldump", "mysqladmin", "mysqlbinlog")

#: Where those of MariaDB are found under a name of their own.
MARIADB_CLIENTS: Mapping[str, str] = {
    "mysql": "mariadb",
    "mysqldump": "mariadb-dump",
    "mysqladmin": "mariadb-admin",
    "mysqlbinlog": "mariadb-binlog",
}

#: Where a server is installed without being on everybody's PATH.
USUAL_FOLDERS = (
    "/usr/sbin",
    "/usr/bin",
    "/usr/libexec",
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/local/mysql/bin",
    "/opt/mysql/bin",
    "/opt/homebrew/bin",
)

#: `--version` only prints a line; a program that takes longer than this many seconds is broken.
_VERSION_TIMEOUT = 30


@dataclass(frozen=True)
class MysqlPrograms:
    """A set of programs of one version, of MySQL unless `kind` says otherwise.

    `paths` maps a program's name, as MySQL calls it, to its file: the server is `mysqld`. `loader` stands before each
    of them on the command line (empty for installed programs); the options follow at once. `share` is where the
    server's own SQL and messages are, where that must be known.
    """

    version: tuple[int, int, int]
    description: str  # what `mysqld --version` prints
    paths: Mapping[str, Path]
    loader: tuple[str, ...] = ()
    server_options: tuple[str, ...] = ()
    client_options: tuple[str, ...] = ()
    kind: ServerKind = MYSQL
    share: Path | None = None

    @property
    def version_text(self) -> str:
        return ".".join(str(part) for part in self.version)

    @property
    def name(self) -> str:
        """Family and version, for people: `MariaDB 11.8.9`."""
        return f"{self.kind.name} {self.version_text}"

    def has(self, program: str) -> bool:
        return program in self.paths

    def command(self, program: str) -> list[str]:
        """The beginning of a command line, to which the caller adds its options.

        No option file of the machine is read, so that a run means the same everywhere. `UdupError` if the server
        came without the program.
        """
        if program not in self.paths:
            raise UdupError(
                f"{program} was not found beside {self.paths['mysqld']} nor on PATH"
                " -- install MySQL's client programs, or set UDUP_MYSQLD to a server that has them"
            )
        command = [*self.loader, str(self.paths[program]), "--no-defaults"]
        if program != "mysqld":
            return command + list(self.client_options)
        if os.geteuid() == 0:
            command.append("--user=root")  # the server refuses to run as root unless it is told to
        return command + list(self.server_options)


def installed_programs(mysqld: Path) -> MysqlPrograms:
    """An installed MySQL server and its clients; `UdupError` if it is not MySQL 8.0 or newer."""
    description = version_line([str(mysqld)])
    if is_mariadb(description):
        raise UdupError(f"{mysqld} is MariaDB ({description})")
    paths = {"mysqld": mysqld}
    for client in CLIENTS:
        found = _find_client([client], _beside(mysqld), mariadb=False)
        if found is not None:
            paths[client] = found
    version = parse_version(description, mysqld)
    if version < OLDEST_VERSION:
        raise UdupError(f"{mysqld} is MySQL {'.'.join(map(str, version))}; 8.0 or newer is needed")
    return MysqlPrograms(version, description, paths)


def installed_mariadb(mariadbd: Path) -> MysqlPrograms:
    """An installed MariaDB server and its clients; `UdupError` if it is something else or lacks its own SQL files."""
    description = version_line([str(mariadbd)])
    if not is_mariadb(description):
        raise UdupError(f"{mariadbd} is not MariaDB ({description})")
    base = mariadbd.resolve().parent.parent
    shares = [folder / "share" / name for folder in (base, Path("/usr")) for name in ("mariadb", "mysql")]
    share = next((share for share in shares if any(share.glob("*_system_tables.sql"))), None)
    if share is None:
        raise UdupError(f"{mariadbd} came without the statements that make its system tables (in {shares[0]})")
    paths = {"mysqld": mariadbd}
    for client in CLIENTS:
        found = _find_client([MARIADB_CLIENTS[client], client], _beside(mariadbd), mariadb=True)
        if found is not None:
            paths[client] = found
    return MysqlPrograms(parse_version(description, mariadbd), description, paths, kind=MARIADB, share=share)


def is_mariadb(description: str) -> bool:
    return "mariadb" in description.lower()


def version_line(command: Sequence[str]) -> str:
    """What a program prints for `--version`; `UdupError` if it does not run."""
    try:
        done = subprocess.run(
            [*command, "--version"],
            env=for_program(),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_VERSION_TIMEOUT,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UdupError(f"cannot run {command[-1]}: {error}") from error
    if done.returncode != 0:
        raise UdupError(f"{command[-1]} --version failed: {done.stderr.strip() or f'exit {done.returncode}'}")
    return done.stdout.strip()


def parse_version(description: str, mysqld: Path) -> tuple[int, int, int]:
    """The version in a line such as `mysqld  Ver 9.7.4-2 for debian-linux-gnu on x86_64 ((Debian))`."""
    match = re.search(r"\bVer (\d+)\.(\d+)\.(\d+)", description)
    if match is None:
        raise UdupError(f"{mysqld} does not look like a MySQL server: its --version says {description[:200]!r}")
    return int(match[1]), int(match[2]), int(match[3])


def search_path() -> str:
    """PATH with the usual folders behind it, in the form that `shutil.which` takes."""
    return os.pathsep.join([os.environ.get("PATH", os.defpath), *USUAL_FOLDERS])


def _beside(server: Path) -> list[Path]:
    return [server.parent, server.resolve().parent, server.resolve().parent.parent / "bin"]


def _find_client(names: Sequence[str], beside: Sequence[Path], *, mariadb: bool) -> Path | None:
    """The client program nearest to the server that is of its family: MySQL and MariaDB install the same names."""
    for path in (os.pathsep.join(str(folder) for folder in beside), search_path()):
        for name in names:
            found = shutil.which(name, path=path)
            if found is not None and _is_of(found, mariadb=mariadb):
                return Path(found)
    return None


def _is_of(path: str, *, mariadb: bool) -> bool:
    try:
        return is_mariadb(version_line([path])) == mariadb
    except UdupError:
        return False  # a client that does not run is as good as none; the server is what counts
