"""Finds a real MySQL server on this machine, or gets one.

In this order: the one that the environment variable UDUP_MYSQLD names; an installed one; the newest of Debian
unstable, unpacked into the user's cache folder. Nothing is installed, and no root is needed.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from udup.base.errors import UdupError
from udup.sandbox.cache import Say, silent
from udup.sandbox.debian import debian_programs
from udup.sandbox.programs import USUAL_FOLDERS, MysqlPrograms, installed_programs

#: Names the mysqld to use, before any other.
MYSQLD_VARIABLE = "UDUP_MYSQLD"


def provision(say: Say = silent) -> MysqlPrograms:
    """MySQL's programs, 8.0 or newer; `UdupError` that says what to install if there is no way to them."""
    named = os.environ.get(MYSQLD_VARIABLE)
    if named:
        return _named_programs(named)
    for mysqld in _installed_servers():
        try:
            return installed_programs(mysqld)
        except UdupError as unfit:
            say(f"passing over an installed server: {unfit}")
    return debian_programs(say)


def _named_programs(named: str) -> MysqlPrograms:
    path = Path(named).expanduser().absolute()
    remedy = f"set {MYSQLD_VARIABLE} to the mysqld of a MySQL 8.0 or newer, or unset it"
    if not path.is_file():
        raise UdupError(f"{MYSQLD_VARIABLE}={named}: there is no such file -- {remedy}")
    try:
        return installed_programs(path)
    except UdupError as error:
        raise UdupError(f"{MYSQLD_VARIABLE}={named}: {error} -- {remedy}") from error


def _installed_servers() -> list[Path]:
    """Every mysqld on PATH and in the usual folders, in that order, once."""
    folders = [*os.environ.get("PATH", os.defpath).split(os.pathsep), *USUAL_FOLDERS]
    found = (shutil.which("mysqld", path=folder) for folder in folders if folder)
    return list(dict.fromkeys(Path(path).resolve() for path in found if path))
