"""Finds a real server of MySQL's family on this machine, or gets one.

In this order: the one that an environment variable names (UDUP_MYSQLD, UDUP_MARIADBD); an installed one; one of
Debian's, unpacked into the user's cache folder. Nothing is installed, and no root is needed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from udup.base.errors import UdupError
from udup.sandbox.cache import Say, silent
from udup.sandbox.debian import DEBIAN_MARIADB, debian_programs
from udup.sandbox.programs import USUAL_FOLDERS, MysqlPrograms, installed_mariadb, installed_programs

#: Name the server to use, before any other.
MYSQLD_VARIABLE, MARIADBD_VARIABLE = "UDUP_MYSQLD", "UDUP_MARIADBD"

#: The MariaDB that is used where any will do and none is installed.
NEWEST_MARIADB = next(iter(DEBIAN_MARIADB))

_Installed = Callable[[Path], MysqlPrograms]


def provision(say: Say = silent) -> MysqlPrograms:
    """MySQL's programs, 8.0 or newer; `UdupError` that says what to install if there is no way to them."""
    named = os.environ.get(MYSQLD_VARIABLE)
    if named:
        return _named_programs(MYSQLD_VARIABLE, named, installed_programs, "the mysqld of a MySQL 8.0 or newer")
    found = _first_fit("mysqld", installed_programs, say)
    return found or debian_programs(say)


def provision_mariadb(series: str | None = None, say: Say = silent) -> MysqlPrograms:
    """MariaDB's programs of a series ("10.11"), or of any: `UdupError` that says what to install if there is no way.

    A named or installed server of another series than the wanted one is passed over.
    """
    named = os.environ.get(MARIADBD_VARIABLE)
    if named:
        programs = _named_programs(MARIADBD_VARIABLE, named, installed_mariadb, "the mariadbd of a MariaDB server")
        if _is_of_series(programs, series):
            return programs
        say(f"passing over {MARIADBD_VARIABLE}={named}: it is {programs.name}, and {series} is wanted")
    else:
        found = _first_fit("mariadbd", lambda path: _of_series(installed_mariadb(path), series), say)
        if found is not None:
            return found
    wanted = series or NEWEST_MARIADB
    if wanted not in DEBIAN_MARIADB:
        raise UdupError(f"no MariaDB {wanted} was found, and of Debian's there are {', '.join(DEBIAN_MARIADB)} alone")
    return debian_programs(say, DEBIAN_MARIADB[wanted])


def _is_of_series(programs: MysqlPrograms, series: str | None) -> bool:
    return series is None or f"{programs.version_text}.".startswith(f"{series}.")


def _of_series(programs: MysqlPrograms, series: str | None) -> MysqlPrograms:
    if not _is_of_series(programs, series):
        raise UdupError(f"{programs.paths['mysqld']} is {programs.name}, and {series} is wanted")
    return programs


def _first_fit(program: str, read: _Installed, say: Say) -> MysqlPrograms | None:
    for path in _installed_servers(program):
        try:
            return read(path)
        except UdupError as unfit:
            say(f"passing over an installed server: {unfit}")
    return None


def _named_programs(variable: str, named: str, read: _Installed, wanted: str) -> MysqlPrograms:
    path = Path(named).expanduser().absolute()
    remedy = f"set {variable} to {wanted}, or unset it"
    if not path.is_file():
        raise UdupError(f"{variable}={named}: there is no such file -- {remedy}")
    try:
        return read(path)
    except UdupError as error:
        raise UdupError(f"{variable}={named}: {error} -- {remedy}") from error


def _installed_servers(program: str) -> list[Path]:
    """Every server on PATH and in the usual folders, in that order, once."""
    folders = [*os.environ.get("PATH", os.defpath).split(os.pathsep), *USUAL_FOLDERS]
    found = (shutil.which(program, path=folder) for folder in folders if folder)
    return list(dict.fromkeys(Path(path).resolve() for path in found if path))
