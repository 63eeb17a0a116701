"""The consumers that may read from the node's own JetStream: their names, their streams, the hashes of their passwords.

A file beside nats-server's configuration, since that is made of it before there is a server whose store could be read.
A password is 256 random bits, shown once; what is kept of it is a bcrypt hash, the form that nats-server takes.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from udup.base.durable import write_whole
from udup.base.errors import ConfigError

FILE_NAME = "consumers.json"

#: What a user and a stream may be called. NATS's own rule for streams is wider; subjects are made of both.
USER_NAME = r"[A-Za-z0-9_.-]{1,64}"
STREAM_NAME = r"[A-Za-z0-9_-]{1,255}"

#: How many users there may be, and streams of one user.
MAX_USERS, MAX_STREAMS = 1000, 100

#: Random bytes of a password.
PASSWORD_BYTES = 32

#: bcrypt's least cost. A password of 256 random bits cannot be guessed at any cost, and nats-server pays it at each
#: login, of those too who only try.
BCRYPT_ROUNDS = 4


@dataclass(frozen=True)
class NatsUser:
    """One consumer. `since` is nanoseconds since the epoch."""

    name: str
    streams: tuple[str, ...]
    password_hash: str = field(repr=False)
    since: int = 0

    @property
    def token(self) -> str:
        """Return the name as one token of a subject; no two names have the same."""
        return token_of(self.name)


def token_of(name: str) -> str:
    """Return a user's name as one token of a subject: a dot separates tokens, and `~` is in no name."""
    return name.replace(".", "~")


def new_password() -> str:
    return secrets.token_urlsafe(PASSWORD_BYTES)


def hash_of(password: str) -> str:
    """Return what is kept of a password."""
    import bcrypt  # only a user that is added needs it

    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(BCRYPT_ROUNDS)).decode()


def read_users(folder: Path) -> tuple[NatsUser, ...]:
    """Return the users, in the order of their names; `ConfigError` if the file is damaged."""
    path = folder / FILE_NAME
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {path}, the users of the node's NATS server: {error}") from error
    try:
        found = tuple(_user(each) for each in json.loads(text)["users"])
    except (ValueError, TypeError, KeyError) as error:
        raise ConfigError(
            f"{path}, the users of the node's NATS server, is damaged: {error}; put back a copy of it, or remove it and"
            " add the users again"
        ) from error
    return tuple(sorted(found, key=lambda user: user.name))


def write_users(folder: Path, users: Sequence[NatsUser]) -> None:
    """Replace the file; raises `OSError`."""
    value = {"users": [asdict(user) for user in users]}
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / FILE_NAME, json.dumps(value, indent=1).encode() + b"\n")


def restore(folder: Path, content: bytes | None) -> None:
    """Put back what the file held, None for no file; raises `OSError`."""
    if content is None:
        (folder / FILE_NAME).unlink(missing_ok=True)
    else:
        write_whole(folder / FILE_NAME, content)


def content_of(folder: Path) -> bytes | None:
    """Return the file as it is, None if there is none."""
    return (folder / FILE_NAME).read_bytes() if os.path.lexists(folder / FILE_NAME) else None


def _user(value: Mapping[str, Any]) -> NatsUser:
    """Return a user of the file, of which a configuration and subjects are made: nothing else may be in it."""
    name, streams, hashed = value["name"], tuple(value["streams"]), value["password_hash"]
    if not re.fullmatch(USER_NAME, name) or not all(re.fullmatch(STREAM_NAME, stream) for stream in streams):
        raise ValueError(f"{name!r} or one of its streams is no name")
    if not re.fullmatch(r"\$2[aby]\$[0-9]{2}\$[A-Za-z0-9./]{53}", hashed):
        raise ValueError(f"the password of {name!r} is no bcrypt hash")
    return NatsUser(name, streams, hashed, int(value["since"]))
