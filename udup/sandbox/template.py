"""Empty data directories. The first of a version takes MySQL 5 seconds, each further one is a copy in under one.

The template has no binary log and no server_uuid (`auto.cnf`): each server makes its own at its first start.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from udup.base.environment import for_program
from udup.base.errors import UdupError
from udup.sandbox.cache import Say, cache_folder, made_once
from udup.sandbox.kinds import MARIADB, MYSQL, MYSQL_5_6, ServerKind
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
            say(f"initialising an empty {programs.name} data directory, once")
            _initialise[programs.kind](programs, layout, folder)
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


def _mysql(programs: MysqlPrograms, layout: Mapping[str, str], folder: Path) -> None:
    _run(
        programs,
        folder,
        "--initialize-insecure",
        "--disable-log-bin",
        "--secure-file-priv=NULL",
        "--loose-innodb-redo-log-capacity=8M",  # halves what is copied; a server extends it to its own size
        *_given(layout),
    )
    (folder / "auto.cnf").unlink()


def _old_mysql(programs: MysqlPrograms, _layout: Mapping[str, str], folder: Path) -> None:
    """It comes with an empty data directory, ready for use."""
    shutil.copytree(_share(programs).parent / "data/mysql", folder, dirs_exist_ok=True)


#: MariaDB's own statements for an empty data directory, in the order of its mariadb-install-db; the last ones, which
#: make the schema `sys`, since 10.6.
_MARIADB_SQL = ("system_tables", "performance_tables", "system_tables_data", "sys_schema")

#: The accounts without a password or a name, and those of this machine's name.
_NO_FURTHER_ACCOUNTS = "DELETE FROM mysql.global_priv WHERE User = '' OR (User = 'root' AND Host <> 'localhost');\n"


def _mariadb(programs: MysqlPrograms, layout: Mapping[str, str], folder: Path) -> None:
    parts = ["CREATE DATABASE IF NOT EXISTS mysql;\nUSE mysql;\n"]
    for name in _MARIADB_SQL:
        parts.extend(path.read_text("utf-8") for path in sorted(_share(programs).glob(f"*_{name}.sql")))
    small = ("--innodb-log-file-size=8M", "--loose-aria-log-file-size=8M")
    statements = "\n".join([*parts, "USE mysql;", _NO_FURTHER_ACCOUNTS])
    _run(programs, folder, "--bootstrap", *small, *_given(layout), statements=statements)


_initialise: Mapping[ServerKind, Callable[[MysqlPrograms, Mapping[str, str], Path], None]] = {
    MYSQL: _mysql,
    MYSQL_5_6: _old_mysql,
    MARIADB: _mariadb,
}


def _given(layout: Mapping[str, str]) -> Sequence[str]:
    return [f"--{name}={value}" for name, value in layout.items()]


def _share(programs: MysqlPrograms) -> Path:
    if programs.share is None:
        raise UdupError(f"{programs.paths['mysqld']} came without what makes an empty data directory")
    return programs.share


def _run(programs: MysqlPrograms, folder: Path, *options: str, statements: str = "") -> None:
    done = subprocess.run(
        [*programs.command("mysqld"), f"--datadir={folder}", *options],
        env=for_program(),
        input=statements,
        capture_output=True,
        text=True,
        errors="replace",
    )
    if done.returncode != 0:
        raise UdupError(
            f"{programs.paths['mysqld']} cannot initialise a data directory in {folder}:"
            f" {done.stderr.strip()[-2000:] or f'exit {done.returncode}'}"
        )
