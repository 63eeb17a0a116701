"""Secrets that are named instead of written: `env:NAME` is a variable, `file:PATH` the first line of a file.

Settings may name any: who writes them owns the server. A job may name only variables that begin with `UDUP_SECRET_`
and files in the folder `secrets.files_dir`: what it names is sent to a server that the job names too, so that anything
more would let whoever may post jobs read whatever the server's user can. Every process of a node reads both from its
environment, into which the node puts the folder at its start.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from udup.base.errors import UdupError
from udup.base.files import Unreadable, inside, read_regular

#: What is shown instead of a password.
MASK = "******"

#: What an exported document has in place of a password; taken for the mask where it is posted.
PLACEHOLDER = f"{MASK} put the password here, or env:UDUP_SECRET_NAME, or file:NAME"

#: Parts of a key's name, in any case, that mark a secret value. Clients may keep keys of their own in a document.
SECRET = ("password", "passwd", "secret")

#: A key whose name ends in a secret: `column.mask.hash.v2.SHA-256.with.salt.SALT`, misspelt ones too.
_SALT = re.compile(r"(column\.mask\.hash\..*?salt\.)(.+)", re.DOTALL | re.IGNORECASE)

#: What a password begins with that the job store could not open (`store/sealing.py`), with the version of the form.
SEALED = "sealed:1:"

ENV, FILE = "env:", "file:"

#: What the names of variables begin with that a job may name.
JOB_VARIABLES = "UDUP_SECRET_"

#: The variable that tells every process of the node the setting `secrets.files_dir`.
FILES_DIR_VARIABLE = "UDUP_SECRETS_FILES_DIR"

#: Bytes of a first line; no secret is longer.
LINE_MAX = 64 << 10


class Unresolvable(UdupError):
    """A reference that leads to no secret; the message says why, and never holds what was read."""


def is_secret(key: str) -> bool:
    """Return whether a key of this name holds a secret. What a salt in the name says is no name."""
    name = salt_in(key)[0].lower()
    return any(word in name for word in SECRET)


def salt_in(key: str) -> tuple[str, str]:
    """Return what stands in front of the salt in the name of a mask (Debezium's options have it there), and the salt.

    Without one the salt is "".
    """
    found = _SALT.fullmatch(key)
    return (found[1], found[2]) if found else (key, "")


def shown_name(key: str) -> str:
    """Return a key as it may be shown: a salt in it is masked, unless it is a reference."""
    front, salt = salt_in(key)
    return key if not salt or is_reference(salt) else f"{front}{MASK}"


def is_reference(value: object) -> bool:
    return isinstance(value, str) and value.startswith((ENV, FILE))


def read_setting(text: str, environment: Mapping[str, str]) -> str:
    """The secret behind a setting's reference, or the text itself if it is none. Raises `Unresolvable`."""
    if text.startswith(ENV):
        return _variable(text.removeprefix(ENV), environment)
    if text.startswith(FILE):
        return _first_line(Path(text.removeprefix(FILE)))
    return text


def read_password(text: str) -> str:
    """The same for a job's password, where only what was set aside for jobs may be named."""
    if text.startswith(ENV):
        name = text.removeprefix(ENV)
        if not name.startswith(JOB_VARIABLES):
            raise Unresolvable(
                f"names the variable {name!r}: a job may name only those that begin with {JOB_VARIABLES}"
            )
        return _variable(name, os.environ)
    if text.startswith(FILE):
        return _first_line(_in_files_dir(text.removeprefix(FILE)))
    return text


def _in_files_dir(path: str) -> Path:
    """The file, with links followed, if it is in the folder; a relative path counts from there."""
    folder = os.environ.get(FILES_DIR_VARIABLE, "")
    if not folder:
        raise Unresolvable("names a file, and the server has no folder for that: set secrets.files_dir")
    if "\0" in path:
        raise Unresolvable(f"names {path!r}, which is no path")
    if not (found := inside(folder, path)):
        raise Unresolvable(
            f"names {path!r}: a job may name only files in the server's folder for that, secrets.files_dir"
        )
    return Path(found)


def _variable(name: str, environment: Mapping[str, str]) -> str:
    value = environment.get(name)
    if not value:
        raise Unresolvable(f"names the variable {name!r}, which the server's environment does not have, or has empty")
    return value


def _first_line(path: Path) -> str:
    try:
        line = read_regular(path, LINE_MAX + 1, whole=False).split(b"\n", 1)[0]
        text = line.decode("utf-8").rstrip("\r")
    except Unreadable as error:
        raise Unresolvable(f"names the file {path}, which cannot be read: {error}") from error
    except ValueError as error:
        raise Unresolvable(f"names the file {path}, which cannot be read: it is no text in UTF-8") from error
    if not text or len(line) > LINE_MAX:
        raise Unresolvable(f"names the file {path}, whose first line is {'empty' if not text else 'too long'}")
    return text
