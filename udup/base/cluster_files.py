"""What makes a machine a node of a cluster, in files: certificates, the secret, and the section `cluster` of settings.

They lie in `<data_dir>/cluster`. The node that began the cluster has the authority's key there too, and it alone makes
tokens. A token is a file that holds all that another node needs, also the secret and the key of stored passwords: who
has it is a node of the cluster.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from udup.base.authority import Certificate, issue, make_authority
from udup.base.durable import write_whole
from udup.base.errors import ConfigError

#: The folder in `data_dir`, and what lies in it.
FOLDER, CA, CA_KEY, CERT, KEY, SECRET = "cluster", "ca.pem", "ca.key", "cert.pem", "key.pem", "secret"

#: Random bytes of a secret.
SECRET_BYTES = 32

#: What a token begins with, with the version of its form.
_HEAD = "udup cluster token 1\n"

_SECTION = re.compile(r"^\[cluster\][^\n]*\n(?:(?!^\[).*\n?)*", re.MULTILINE)


@dataclass(frozen=True)
class Token:
    """What a node is handed: its place, and what opens the cluster to it. `keys` are lines of the file secret.key."""

    cluster: str
    role: str
    host: str
    join: tuple[str, ...]
    ca: str
    cert: str
    key: str = field(repr=False)
    secret: str = field(repr=False)
    keys: str = field(repr=False)

    def write(self, path: Path) -> None:
        """Write it for its owner alone, where nothing is yet."""
        if path.exists():
            raise ConfigError(f"{path} is there already; name another file, or remove it")
        _write(path, _HEAD + json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> Token:
        """Return what was written; `ConfigError` if it is something else."""
        try:
            head, _, body = path.read_text("utf-8").partition("\n")
            told = json.loads(body) if f"{head}\n" == _HEAD else {}
            return cls(**{**told, "join": tuple(told["join"])})
        except OSError as error:
            raise ConfigError(f"cannot read the token {path}: {error.strerror}") from error
        except (ValueError, TypeError, KeyError) as error:
            raise ConfigError(
                f"{path} is no token of this version of Udup; make one with udup cluster token"
            ) from error


def begin_cluster(data_dir: Path, name: str, host: str) -> None:
    """Make the authority, this node's certificate and the secret of a new cluster."""
    folder = data_dir / FOLDER
    if (folder / CA).exists():
        raise ConfigError(f"{folder} has the certificates of a cluster already; remove the folder to begin another one")
    authority = make_authority(name)
    own = issue(authority, host, [host])
    _make_folder(folder)
    for file, text in ((CA_KEY, authority.key), (KEY, own.key), (CERT, own.cert)):
        _write(folder / file, text)
    _write(folder / SECRET, secrets.token_urlsafe(SECRET_BYTES) + "\n")
    _write(folder / CA, authority.cert)  # last: it says that all is there


def make_token(
    data_dir: Path, *, cluster: str, role: str, host: str, join: Sequence[str], secret: str, keys: str
) -> Token:
    """Make what a new node is handed; `ConfigError` if this is not the node that has the authority."""
    folder = data_dir / FOLDER
    try:
        authority = Certificate((folder / CA).read_text("ascii"), (folder / CA_KEY).read_text("ascii"))
    except OSError as error:
        raise ConfigError(
            f"{folder / CA_KEY}, the key of the cluster's authority, cannot be read ({error.strerror}); ask the node"
            " that began the cluster with udup cluster init, or put a copy of the file here"
        ) from error
    made = issue(authority, host, [host])
    return Token(cluster, role, host, tuple(join), authority.cert, made.cert, made.key, secret, keys)


def unpack(token: Token, data_dir: Path, key_file: Path) -> None:
    """Write a token's files; keys of passwords that are there already stay, below the cluster's."""
    folder = data_dir / FOLDER
    _make_folder(folder)
    for file, text in ((KEY, token.key), (CERT, token.cert), (SECRET, f"{token.secret}\n"), (CA, token.ca)):
        _write(folder / file, text)
    known = key_file.read_text("ascii").splitlines() if key_file.exists() else []
    wanted = token.keys.splitlines()
    _write(key_file, "\n".join([*wanted, *(each for each in known if each not in wanted)]) + "\n")


def section_of(data_dir: Path, values: Mapping[str, object]) -> str:
    """Return the section `cluster` with these values and the files of this node."""
    folder = (data_dir / FOLDER).absolute()
    files = {"secret": f"file:{folder / SECRET}"}
    files |= {name: str(folder / file) for name, file in (("tls_ca", CA), ("tls_cert", CERT), ("tls_key", KEY))}
    given = {**values, **files}
    return "[cluster]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in given.items() if value)


def put_section(file: Path, section: str) -> None:
    """Put the section into a settings file, in place of the one that is there; the rest stays as it is."""
    text = file.read_text("utf-8") if file.exists() else ""
    if _SECTION.search(text):
        text = _SECTION.sub(lambda _: f"{section}\n", text, count=1)
    else:
        text = f"{text.rstrip()}\n\n{section}" if text.strip() else section
    _write(file, text)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot make {folder}: {error.strerror}") from error


def _write(path: Path, text: str) -> None:
    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}") from error
