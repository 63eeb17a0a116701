"""Empty data directories. The first of a version takes mysqld 5 seconds, each further one is a copy in under one.

The template has no binary log and no server_uuid (`auto.cnf`): each server makes its own at its first start.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from udup.base.environment import for_program
from udup.base.errors import UdupError
from udup.sandbox.cache import Say, cache_folder, made_once
from udup.sandbox.programs import MysqlPrograms

#: Options that a data directory is made with and that cannot change afterwards: each combination has its template.
LAYOUT_OPTIONS = frozenset(
    {"lower-case-table-names", "innodb-page-size", "innodb-data-file-path", "innodb-checksum-algorithm"}
)


def copy_empty_data(programs: MysqlPrograms, options: Mapping[str, str], data: Path, say: Say) -> None:
    """Makes `data`, which must not exist, the data directory of a new server with its root@localhost, no password."""
    layout = {name: value for name, value in sorted(options.items()) if name in LAYOUT_OPTIONS}
    template = cache_folder() / f"data-{programs.version_text}-{_fingerprint(programs, layout)}"
    with made_once(template, say) as folder:
        if folder is not None:
            say(f"initialising an empty MySQL {programs.version_text} data directory, once")
            _initialise(programs, layout, folder)
    try:
        shutil.copytree(template, data)
    except BaseException:
        shutil.rmtree(data, ignore_errors=True)  # half a copy must not be taken for a data directory
        raise
    data.chmod(0o750)


def _fingerprint(programs: MysqlPrograms, layout: Mapping[str, str]) -> str:
    """Tells builds of one version apart, and an upgraded file from the one before."""
    mysqld = programs.paths["mysqld"]
    identity = f"{programs.description} {mysqld} {mysqld.stat().st_mtime_ns} {dict(layout)}"
    return hashlib.sha256(identity.encode()).hexdigest()[:12]


def _initialise(programs: MysqlPrograms, layout: Mapping[str, str], folder: Path) -> None:
    done = subprocess.run(
        [
            *programs.command("mysqld"),
            "--initialize-insecure",
            f"--datadir={folder}",
            "--disable-log-bin",
            "--secure-file-priv=NULL",
            "--loose-innodb-redo-log-capacity=8M",  # halves what is copied; a server extends it to its own size
            *(f"--{name}={value}" for name, value in layout.items()),
        ],
        env=for_program(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
    )
    if done.returncode != 0:
        raise UdupError(
            f"{programs.paths['mysqld']} cannot initialise a data directory in {folder}:"
            f" {done.stderr.strip()[-2000:] or f'exit {done.returncode}'}"
        )
    (folder / "auto.cnf").unlink()
