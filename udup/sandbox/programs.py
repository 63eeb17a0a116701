"""MySQL's programs and how to call them, wherever they come from."""

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

#: The oldest server that has everything Udup relies on (caching_sha2, dependency tracking by write set, roles).
OLDEST_VERSION = (8, 0, 0)

#: The client programs that are looked for beside mysqld.
CLIENTS = ("mysql", "mysqldump", "mysqladmin", "mysqlbinlog")

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
    """A set of MySQL programs of one version.

    `paths` maps a program's name to its file; `loader` stands before each of them on the command line (empty for
    an installed MySQL); the options follow at once.
    """

    version: tuple[int, int, int]
    description: str  # what `mysqld --version` prints
    paths: Mapping[str, Path]
    loader: tuple[str, ...] = ()
    server_options: tuple[str, ...] = ()
    client_options: tuple[str, ...] = ()

    @property
    def version_text(self) -> str:
        return ".".join(str(part) for part in self.version)

    def has(self, program: str) -> bool:
        return program in self.paths

    def command(self, program: str) -> list[str]:
        """The beginning of a command line, to which the caller adds its options.

        No option file of the machine is read, so that a run means the same everywhere. `UdupError` if this MySQL
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
            command.append("--user=root")  # mysqld refuses to run as root unless it is told to
        return command + list(self.server_options)


def installed_programs(mysqld: Path) -> MysqlPrograms:
    """An installed server and its clients; `UdupError` if it is not MySQL 8.0 or newer."""
    description = version_line([str(mysqld)])
    if "mariadb" in description.lower():
        raise UdupError(f"{mysqld} is MariaDB ({description})")
    beside = [mysqld.parent, mysqld.resolve().parent, mysqld.resolve().parent.parent / "bin"]
    paths = {"mysqld": mysqld}
    for client in CLIENTS:
        found = _find_client(client, beside)
        if found is not None:
            paths[client] = found
    return MysqlPrograms(parse_version(description, mysqld), description, paths)


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
    version = (int(match[1]), int(match[2]), int(match[3]))
    if version < OLDEST_VERSION:
        raise UdupError(f"{mysqld} is MySQL {match[1]}.{match[2]}.{match[3]}; 8.0 or newer is needed")
    return version


def search_path() -> str:
    """PATH with the usual folders behind it, in the form that `shutil.which` takes."""
    return os.pathsep.join([os.environ.get("PATH", os.defpath), *USUAL_FOLDERS])


def _find_client(name: str, beside: Sequence[Path]) -> Path | None:
    """The client program nearest to the server that is MySQL's own: MariaDB installs the same names."""
    for path in (os.pathsep.join(str(folder) for folder in beside), search_path()):
        found = shutil.which(name, path=path)
        if found is not None and _is_mysql_client(found):
            return Path(found)
    return None


def _is_mysql_client(path: str) -> bool:
    try:
        return "mariadb" not in version_line([path]).lower()
    except UdupError:
        return False  # a client that does not run is as good as none; the server is what counts
