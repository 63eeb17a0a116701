"""The programs of a server that is unpacked into a folder and not installed.

It is run through the tree's own dynamic loader with the tree's own libraries, so that it runs on any system.
"""

from __future__ import annotations

from pathlib import Path

from udup.base.errors import UdupError
from udup.sandbox.kinds import MARIADB, MYSQL, ServerKind
from udup.sandbox.programs import CLIENTS, MARIADB_CLIENTS, MysqlPrograms, parse_version, version_line

#: Where the libraries of a Debian tree are: below one of these, by architecture. Newer ones have the second only.
_LIBRARIES = ("lib/*-linux-gnu*", "usr/lib/*-linux-gnu*")


def tree_programs(tree: Path, kind: ServerKind = MYSQL) -> MysqlPrograms:
    """Return the programs of Debian's packages in `tree`, called through the tree's own dynamic loader."""
    libraries = [folder for pattern in _LIBRARIES for folder in sorted(tree.glob(pattern))]
    loaders = [loader for folder in libraries for loader in sorted(folder.glob("ld-linux*.so*"))]
    if not loaders:
        raise UdupError(f"{tree} holds no dynamic loader -- remove the folder to have it fetched again")
    loader = (str(loaders[0]), "--library-path", ":".join(str(folder) for folder in libraries))
    server = tree / "usr/sbin" / kind.server
    share = _share(tree)
    charsets = f"--character-sets-dir={share / 'charsets'}"
    description = version_line([*loader, str(server)])
    return MysqlPrograms(
        version=parse_version(description, server),
        description=description,
        paths={"mysqld": server} | _clients(tree / "usr/bin", kind),
        loader=loader,
        server_options=(
            f"--basedir={tree / 'usr'}",
            f"--lc-messages-dir={share}",
            f"--plugin-dir={tree / 'usr/lib/mysql/plugin'}",
            charsets,
        ),
        client_options=(charsets,),
        kind=kind,
        share=share,
    )


def _share(tree: Path) -> Path:
    """MariaDB has moved it."""
    folders = (tree / "usr/share/mariadb", tree / "usr/share/mysql")
    return next((folder for folder in folders if (folder / "charsets").is_dir()), folders[-1])


def _clients(folder: Path, kind: ServerKind) -> dict[str, Path]:
    names = MARIADB_CLIENTS if kind is MARIADB else {name: name for name in CLIENTS}
    return {name: folder / own for name, own in names.items() if (folder / own).exists()}
