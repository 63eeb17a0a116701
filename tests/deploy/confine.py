"""Runs a command under what a unit forbids, as far as that goes without systemd: `confine.py UNIT DATA COMMAND…`.

That is: no capability and no new ones, the filter of system calls, no memory that is writable and executable, and a
file system that is read-only but for the folder DATA. It takes root, systemd-analyze and libseccomp.
"""

from __future__ import annotations

import ctypes
import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

_PR_SET_MDWE, _PR_MDWE_REFUSE_EXEC_GAIN, _PR_SET_NO_NEW_PRIVS = 65, 1, 38
_CLONE_NEWNS = 0x20000
_MS_RDONLY, _MS_REMOUNT, _MS_BIND, _MS_REC, _MS_PRIVATE = 1, 32, 4096, 16384, 1 << 18
_SCMP_ACT_ALLOW = 0x7FFF0000
_SCMP_ACT_EPERM = 0x00050000 | errno.EPERM

_C = ctypes.CDLL(None, use_errno=True)


def main(unit: Path, data: str, command: list[str]) -> None:
    lines = unit.read_text().splitlines()
    if "ProtectSystem=strict" in lines:
        _read_only_but(data)
    if "MemoryDenyWriteExecute=yes" in lines:
        _done(_C.prctl(_PR_SET_MDWE, _PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0))
    allowed = system_calls([line.partition("=")[2] for line in lines if line.startswith("SystemCallFilter=")])
    bounded = ["setpriv", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all", *command]
    _done(_C.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    _filter(allowed | {"capget", "capset", "prctl", "execve"})
    os.execvp(bounded[0], bounded)


def system_calls(filters: list[str]) -> set[str]:
    """Return which calls are left by a unit's filters: those that begin with ~ take away what others allow."""
    left: set[str] = set()
    for each in filters:
        names = {name for word in each.lstrip("~").split() for name in _of(word)}
        left = left - names if each.startswith("~") else left | names
    return left


def _of(word: str) -> Iterator[str]:
    """Yield the calls of a group, and of those in it."""
    if not word.startswith("@"):
        yield word
        return
    told = subprocess.run(["systemd-analyze", "syscall-filter", word], capture_output=True, text=True, check=True)
    for line in told.stdout.splitlines()[1:]:
        if (name := line.strip()) and not name.startswith("#"):
            yield from _of(name)


def _filter(allowed: set[str]) -> None:
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_rule_add.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint]
    context = library.seccomp_init(_SCMP_ACT_EPERM)
    for name in sorted(allowed):
        if (number := library.seccomp_syscall_resolve_name(name.encode())) >= 0:
            _done(library.seccomp_rule_add(context, _SCMP_ACT_ALLOW, number, 0))
    library.seccomp_load.argtypes = [ctypes.c_void_p]
    _done(library.seccomp_load(context))


def _read_only_but(folder: str) -> None:
    _done(_C.unshare(_CLONE_NEWNS))
    _mount("none", "/", _MS_REC | _MS_PRIVATE)
    _mount(folder, folder, _MS_BIND | _MS_REC)
    for place in _mounts():
        if place != folder and not place.startswith(("/proc", "/dev", "/sys")):
            _mount("none", place, _MS_BIND | _MS_REMOUNT | _MS_RDONLY)


def _mounts() -> list[str]:
    return [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]


def _mount(what: str, where: str, flags: int) -> None:
    _done(_C.mount(what.encode(), where.encode(), None, flags, None))


def _done(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno() or -result
        raise OSError(number, os.strerror(number))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
