"""MySQL out of Debian unstable, unpacked into the cache folder and run with its own libraries.

Debian's stable releases carry MariaDB only; unstable carries MySQL, built for libraries newer than a stable system's.
So apt downloads the server with every library that it needs, down to the C library, into a folder, and the programs
are run through the dynamic loader of that folder. apt works on private lists and a private, nearly empty state, which
needs no root and leaves the system alone; it checks Debian's signature as always.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from udup.base.environment import without_own
from udup.base.errors import UdupError
from udup.sandbox.cache import Say, cache_folder, only_one_maker, partial_folder
from udup.sandbox.mirror import debian_mirrors
from udup.sandbox.programs import CLIENTS, MysqlPrograms, parse_version, version_line

_PACKAGES = ("mysql-server-core", "mysql-client-core")

_KEYRINGS = (
    Path("/usr/share/keyrings/debian-archive-keyring.gpg"),
    Path("/usr/share/keyrings/debian-archive-keyring.pgp"),
)

#: Not read by any program: a tenth of the tree.
_DISPENSABLE = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/lintian", "usr/share/perl5")

_REMEDY = (
    "install a MySQL server 8.0 or newer (https://dev.mysql.com/downloads/mysql/)"
    " or set UDUP_MYSQLD to the path of its mysqld"
)

#: Claims that perl is installed: mysql-server-core wants it for scripts that are not used here.
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


def debian_programs(say: Say) -> MysqlPrograms:
    """The programs of the tree in the cache, downloaded first if there is none; `UdupError` if there is no way.

    A newer version in Debian is fetched only when the tree is removed: a demo should not wait for the network.
    """
    folder = cache_folder()
    with only_one_maker(folder, say):
        trees = sorted(folder.glob(f"mysql-*-{os.uname().machine}"), key=lambda tree: tree.stat().st_mtime)
        return tree_programs(trees[-1] if trees else _fetch(folder, say))


def tree_programs(tree: Path) -> MysqlPrograms:
    """The programs of an unpacked tree, called through the tree's own dynamic loader."""
    loaders = sorted(tree.glob("usr/lib/*-linux-gnu*/ld-linux*.so*"))
    if not loaders:
        raise UdupError(f"{tree} holds no dynamic loader -- remove the folder to have it fetched again")
    loader = (str(loaders[0]), "--library-path", str(loaders[0].parent))
    mysqld = tree / "usr/sbin/mysqld"
    clients = {name: tree / "usr/bin" / name for name in CLIENTS}
    paths = {"mysqld": mysqld} | {name: path for name, path in clients.items() if path.exists()}
    share = tree / "usr/share/mysql"
    charsets = f"--character-sets-dir={share / 'charsets'}"
    description = version_line([*loader, str(mysqld)])
    return MysqlPrograms(
        version=parse_version(description, mysqld),
        description=description,
        paths=paths,
        loader=loader,
        server_options=(
            f"--basedir={tree / 'usr'}",
            f"--lc-messages-dir={share}",
            f"--plugin-dir={tree / 'usr/lib/mysql/plugin'}",
            charsets,
        ),
        client_options=(charsets,),
    )


def _fetch(folder: Path, say: Say) -> Path:
    """Downloads and unpacks into `folder`; the tree appears there complete or not at all."""
    keyring = _check_tools()
    with partial_folder(folder) as work:
        _write_settings(work)
        _update_lists(work, keyring, say)
        uris = _apt(work, "install", "--print-uris", "--quiet=2", *_PACKAGES)
        megabytes = sum(int(size) for size in re.findall(r"^'\S+' \S+ (\d+)", uris, re.MULTILINE)) / 1e6
        say(f"downloading MySQL from Debian unstable into {folder}, {megabytes:.0f} MB, once")
        _apt(work, "install", "--download-only", "--assume-yes", "--quiet=2", *_PACKAGES)
        say("unpacking MySQL")
        tree = work / "tree"
        _unpack(work / "cache/archives", tree)
        programs = tree_programs(tree)
        final = folder / f"mysql-{programs.version_text}-{os.uname().machine}"
        tree.rename(final)
        say(f"MySQL {programs.version_text} is in {final}")
    return final


def _check_tools() -> Path:
    """Debian's keyring; `UdupError` on a system that is not Debian or like it."""
    missing = [tool for tool in ("apt-get", "dpkg", "dpkg-deb") if shutil.which(tool) is None]
    if missing:
        raise UdupError(f"no MySQL server was found, and this system has no {missing[0]} to get one with -- {_REMEDY}")
    for keyring in _KEYRINGS:
        if keyring.exists():
            return keyring
    raise UdupError(
        f"no MySQL server was found, and without {_KEYRINGS[0]} Debian's cannot be checked"
        f" -- install the package debian-archive-keyring, or {_REMEDY}"
    )


def _write_settings(work: Path) -> None:
    for name in ("state/lists/partial", "cache/archives/partial", "log"):
        (work / name).mkdir(parents=True)
    (work / "apt.conf").write_text(_APT_CONF.format(work=work))
    (work / "state/status").write_text(_STATUS.format(architecture=_architecture()))


def _update_lists(work: Path, keyring: Path, say: Say) -> None:
    """Reads the list of packages from the first mirror that has it: a company's own may lack unstable."""
    failures = []
    for mirror in debian_mirrors():
        # The lists of packages are all that is needed: no translations, no package contents, no icons.
        options = f"arch={_architecture()} target=Packages signed-by={keyring}"
        (work / "sources.list").write_text(f"deb [{options}] {mirror} sid main\n")
        say(f"reading the package list of Debian unstable from {mirror}")
        try:
            _apt(work, "update", "--quiet=2")
            return
        except UdupError as failure:
            failures.append(str(failure))
    raise UdupError("; ".join(failures))


def _unpack(archives: Path, tree: Path) -> None:
    for package in sorted(archives.glob("*.deb")):
        _run(["dpkg-deb", "--extract", str(package), str(tree)])
    for name in _DISPENSABLE:
        shutil.rmtree(tree / name, ignore_errors=True)


def _architecture() -> str:
    return _run(["dpkg", "--print-architecture"]).strip()


def _apt(work: Path, *arguments: str) -> str:
    return _run(["apt-get", f"--config-file={work / 'apt.conf'}", *arguments])


def _run(command: Sequence[str]) -> str:
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
        raise UdupError(f"getting MySQL from Debian unstable: {command[0]} failed: {complaint} -- {_REMEDY}")
    return done.stdout
