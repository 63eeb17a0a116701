"""Passwords as they are kept: sealed with a key of the node's, so that the job store's files hold none in clear.

Only the secrets of a record are sealed, salts in the names of masks among them; the rest stays readable. A sealed value
is a text:

    sealed:1:KEY-ID:BASE64(12 bytes of nonce + AES-256-GCM of the value's JSON)

It is bound to its job: moved into another job's record it does not open. The keys are 32 bytes in base64, one a line,
in `<data_dir>/secret.key`, which is made at the first start, or in the setting `secrets.key`. The first line seals, all
of them open, so that a key is changed by putting a new line on top; the records are sealed again at the next start. A
key's ID is the beginning of its digest: a record tells which key it needs, and a key needs no name.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from udup.base.durable import write_whole
from udup.base.errors import ConfigError
from udup.base.secrets import SEALED, is_reference, is_secret, salt_in

FILE_NAME = "secret.key"
KEY_BYTES = 32

#: The nonce of AES-GCM; random ones may be used 2**32 times with a key.
NONCE_BYTES = 12

_HEAD = "# Udup's key for the passwords of stored jobs. Keep a copy elsewhere: without it they cannot be read again.\n"


@dataclass(frozen=True)
class Keyring:
    """The keys by their IDs; the first one seals. `place` is where they are from, for messages."""

    keys: dict[str, bytes] = field(repr=False)
    place: str

    @property
    def current(self) -> str:
        return next(iter(self.keys))

    def seal(self, job_id: str, record: Any) -> Any:
        """A copy of a JSON value with every secret in it sealed; references stay as they are."""
        cipher, key_id = AESGCM(self.keys[self.current]), self.current

        def sealed(value: Any) -> Any:
            if value is None or value == "" or is_reference(value):
                return value
            nonce = os.urandom(NONCE_BYTES)
            data = nonce + cipher.encrypt(nonce, json.dumps(value).encode(), job_id.encode())
            return f"{SEALED}{key_id}:{base64.b64encode(data).decode()}"

        return _each_secret(record, sealed)

    def open(self, job_id: str, record: Any) -> Any:
        """The opposite of `seal`. A secret in clear, as other versions kept it, stays; and so does one that is damaged,
        which the job is told of. Raises `ConfigError` if a key is missing.
        """

        def opened(value: Any) -> Any:
            if not is_sealed(value):
                return value
            key_id, _, text = value.removeprefix(SEALED).partition(":")
            if key_id not in self.keys:
                raise ConfigError(
                    f"the passwords of the job {job_id!r} are sealed with the key {key_id}, and {self.place} holds"
                    f" {', '.join(self.keys)}; put that key back, on a line of its own: nothing is lost until then"
                )
            try:
                data = base64.b64decode(text, validate=True)
                return json.loads(
                    AESGCM(self.keys[key_id]).decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], job_id.encode())
                )
            except (InvalidTag, ValueError):
                return value  # `parse_job` refuses it by its beginning, so that this job fails alone

        return _each_secret(record, opened)

    def is_sealed_now(self, record: Any) -> bool:
        """Whether every secret of a stored record is sealed with the first key."""
        stale = []

        def look(value: Any) -> Any:
            if value not in (None, "") and not is_reference(value) and not str(value).startswith(self._current_prefix):
                stale.append(True)
            return value

        _each_secret(record, look)
        return not stale

    @property
    def _current_prefix(self) -> str:
        return f"{SEALED}{self.current}:"


def is_sealed(value: object) -> bool:
    return isinstance(value, str) and value.startswith(SEALED)


def load_keyring(data_dir: Path, setting: str = "") -> Keyring:
    """The keys out of the setting, else out of the file, which is made if there is none. Raises `ConfigError`."""
    if setting:
        return keyring_of(setting.replace(",", "\n").splitlines(), "the setting secrets.key")
    path = data_dir / FILE_NAME
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        _make(path)
        return load_keyring(data_dir)
    except OSError as error:
        raise ConfigError(f"cannot read {path}, the key of the stored passwords: {error.strerror}") from error
    with os.fdopen(descriptor, "rb") as file:
        mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
        if mode & 0o077:
            raise ConfigError(
                f"{path}, the key of the stored passwords, is open to other users (mode {mode:04o}); chmod 600 {path},"
                " and if others may have read it, change the key and the passwords"
            )
        text = file.read().decode("ascii", "replace")
    return keyring_of(text.splitlines(), str(path))


def keyring_of(lines: Iterable[str], place: str) -> Keyring:
    """Return the keys in the lines of a file, or of a setting. `ConfigError` if that is none, or damaged."""
    keys = {}
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        try:
            key = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != KEY_BYTES:
            raise ConfigError(
                f"{place} is damaged: line {number} is not {KEY_BYTES} bytes in base64; put back the copy of it."
                " Without the key the stored passwords cannot be read; jobs posted again with theirs need a new one"
            )
        keys[hashlib.sha256(b"udup key " + key).hexdigest()[:8]] = key
    if not keys:
        raise ConfigError(f"{place} is damaged: it holds no key; put back the copy of it")
    return Keyring(keys, place)


def _make(path: Path) -> None:
    key = base64.b64encode(os.urandom(KEY_BYTES))
    try:
        write_whole(path, _HEAD.encode() + key + b"\n")
    except OSError as error:
        raise ConfigError(f"cannot make {path}, the key for stored passwords: {error.strerror}") from error


def _each_secret(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {
            _named(key, change): change(item) if is_secret(key) else _each_secret(item, change)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_each_secret(item, change) for item in value]
    return value


def _named(key: str, change: Callable[[Any], Any]) -> str:
    """Return a key whose name ends in a secret with that changed."""
    front, salt = salt_in(key)
    return f"{front}{change(salt)}" if salt else key
