"""Servers out of Debian's suites, unpacked into the cache folder and run with their own libraries.

Debian's stable releases carry MariaDB only, each one of its long-term series; unstable carries MySQL, built for
libraries newer than a stable system's. So apt downloads the server with every library that it needs, down to the C
library, into a folder, and the programs are run through the dynamic loader of that folder. apt works on private lists
and a private, nearly empty state, which needs no root and leaves the system alone; it checks Debian's signature as
always.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from udup.base.environment import without_own
from udup.base.errors import UdupError
from udup.sandbox.cache import Say, cache_folder, only_one_maker, partial_folder
from udup.sandbox.kinds import MARIADB, MYSQL, ServerKind
from udup.sandbox.mirror import debian_mirrors
from udup.sandbox.programs import MysqlPrograms
from udup.sandbox.trees import tree_programs

_KEYRINGS = (
    Path("/usr/share/keyrings/debian-archive-keyring.gpg"),
    Path("/usr/share/keyrings/debian-archive-keyring.pgp"),
)

#: Not read by any program: a tenth of the tree.
_DISPENSABLE = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/lintian", "usr/share/perl5")


@dataclass(frozen=True)
class DebianServer:
    """A server that a suite of Debian holds. `series` begins its version; empty: whichever the suite has."""

    kind: ServerKind
    series: str
    suite: str
    release: str  # the suite as people call it
    packages: tuple[str, ...]
    remedy: str

    @property
    def cached(self) -> str:
        """The folders in the cache that hold it."""
        return f"{self.kind.name.lower()}-{f'{self.series}.' if self.series else ''}*-{os.uname().machine}"


DEBIAN_MYSQL = DebianServer(
    MYSQL,
    "",
    "sid",
    "Debian unstable",
    ("mysql-server-core", "mysql-client-core"),
    "install a MySQL server 8.0 or newer (https://dev.mysql.com/downloads/mysql/)"
    " or set UDUP_MYSQLD to the path of its mysqld",
)


def _mariadb(series: str, suite: str, number: int, suffix: str = "") -> DebianServer:
    packages = (f"mariadb-server-core{suffix}", f"mariadb-client-core{suffix}")
    remedy = f"install a MariaDB server {series} or set UDUP_MARIADBD to the path of its mariadbd"
    return DebianServer(MARIADB, series, suite, f"Debian {number}", packages, remedy)


#: By series, the newest first.
DEBIAN_MARIADB: Mapping[str, DebianServer] = {
    "11.8": _mariadb("11.8", "trixie", 13),
    "10.11": _mariadb("10.11", "bookworm", 12),
    "10.5": _mariadb("10.5", "bullseye", 11, "-10.5"),
}

#: Claims that perl is installed: the servers want it for scripts that are not used here.
_STATUS = """\
Package: perl
Status: install ok installed
Architecture: {architecture}
Multi-Arch: allowed
Version: 9:9
Maintainer: nobody
Description: not needed to run the server
"""

#: Read by apt after the system's own settings, so that a proxy set there still counts. What the system hooks on to
#: updates works on the system's own folders, so it is cleared.
_APT_CONF = """\
Dir::Etc::sourcelist "{work}/sources.list";
Dir::Etc::sourceparts "-";
Dir::Etc::preferences "-";
Dir::Etc::preferencesparts "-";
Dir::State "{work}/state";
Dir::State::lists "{work}/state/lists";
Dir::State::status "{work}/state/status";
Dir::Cache "{work}/cache";
Dir::Cache::archives "{work}/cache/archives";
Dir::Log "{work}/log";
APT::Install-Recommends "false";
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
APT::Get::List-Cleanup "false";
Acquire::Retries "3";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Install-Pkgs;
#clear DPkg::Pre-Invoke;
#clear DPkg::Post-Invoke;
"""


def debian_programs(say: Say, server: DebianServer = DEBIAN_MYSQL) -> MysqlPrograms:
    """The programs of the tree in the cache, downloaded first if there is none; `UdupError` if there is no way.

    A newer version in Debian is fetched only when the tree is removed: a demo should not wait for the network.
    """
    folder = cache_folder()
    with only_one_maker(folder, say):
        trees = sorted(folder.glob(server.cached), key=lambda tree: tree.stat().st_mtime)
        tree = trees[-1] if trees else _Fetch(server, folder, say).fetch()
        return tree_programs(tree, server.kind)


@dataclass(frozen=True)
class _Fetch:
    """Downloads and unpacks a server into `folder`; its tree appears there complete or not at all."""

    server: DebianServer
    folder: Path
    say: Say

    def fetch(self) -> Path:
        name, packages = self.server.kind.name, self.server.packages
        keyring = self._check_tools()
        with partial_folder(self.folder) as work:
            self._write_settings(work)
            self._update_lists(work, keyring)
            uris = self._apt(work, "install", "--print-uris", "--quiet=2", *packages)
            megabytes = sum(int(size) for size in re.findall(r"^'\S+' \S+ (\d+)", uris, re.MULTILINE)) / 1e6
            self.say(f"downloading {name} from {self.server.release} into {self.folder}, {megabytes:.0f} MB, once")
            self._apt(work, "install", "--download-only", "--assume-yes", "--quiet=2", *packages)
            self.say(f"unpacking {name}")
            tree = work / "tree"
            self._unpack(work / "cache/archives", tree)
            programs = tree_programs(tree, self.server.kind)
            final = self.folder / f"{name.lower()}-{programs.version_text}-{os.uname().machine}"
            tree.rename(final)
            self.say(f"{programs.name} is in {final}")
        return final

    def _check_tools(self) -> Path:
        """Debian's keyring; `UdupError` on a system that is not Debian or like it."""
        none = f"no {self._wanted} server was found"
        missing = [tool for tool in ("apt-get", "dpkg", "dpkg-deb") if shutil.which(tool) is None]
        if missing:
            raise UdupError(f"{none}, and this system has no {missing[0]} to get one with -- {self.server.remedy}")
        for keyring in _KEYRINGS:
            if keyring.exists():
                return keyring
        raise UdupError(
            f"{none}, and without {_KEYRINGS[0]} Debian's cannot be checked"
            f" -- install the package debian-archive-keyring, or {self.server.remedy}"
        )

    @property
    def _wanted(self) -> str:
        return f"{self.server.kind.name} {self.server.series}".rstrip()

    def _write_settings(self, work: Path) -> None:
        for name in ("state/lists/partial", "cache/archives/partial", "log"):
            (work / name).mkdir(parents=True)
        (work / "apt.conf").write_text(_APT_CONF.format(work=work))
        (work / "state/status").write_text(_STATUS.format(architecture=self._architecture()))

    def _update_lists(self, work: Path, keyring: Path) -> None:
        """Reads the list of packages from the first mirror that has it: a company's own may lack the suite."""
        failures = []
        for mirror in debian_mirrors():
            # The lists of packages are all that is needed: no translations, no package contents, no icons.
            options = f"arch={self._architecture()} target=Packages signed-by={keyring}"
            (work / "sources.list").write_text(f"deb [{options}] {mirror} {self.server.suite} main\n")
            self.say(f"reading the package list of {self.server.release} from {mirror}")
            try:
                self._apt(work, "update", "--quiet=2")
                return
            except UdupError as failure:
                failures.append(str(failure))
        raise UdupError("; ".join(failures))

    def _unpack(self, archives: Path, tree: Path) -> None:
        for package in sorted(archives.glob("*.deb")):
            self._run(["dpkg-deb", "--extract", str(package), str(tree)])
        for name in _DISPENSABLE:
            shutil.rmtree(tree / name, ignore_errors=True)

    def _architecture(self) -> str:
        return self._run(["dpkg", "--print-architecture"]).strip()

    def _apt(self, work: Path, *arguments: str) -> str:
        return self._run(["apt-get", f"--config-file={work / 'apt.conf'}", *arguments])

    def _run(self, command: Sequence[str]) -> str:
        """Its output; `UdupError` with its complaint if it fails."""
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            env=without_own(LC_ALL="C", DEBIAN_FRONTEND="noninteractive"),
        )
        if done.returncode != 0:
            complaint = (done.stderr.strip() or done.stdout.strip())[-1000:]
            raise UdupError(
                f"getting {self._wanted} from {self.server.release}: {command[0]} failed: {complaint}"
                f" -- {self.server.remedy}"
            )
        return done.stdout
