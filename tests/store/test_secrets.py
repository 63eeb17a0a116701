"""Passwords: sealed in the job store's files, named by reference in jobs, and never shown."""

from __future__ import annotations

import asyncio
import base64
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from udup.base.errors import ConfigError, Refused
from udup.base.secrets import FILES_DIR_VARIABLE, Unresolvable, read_password, read_setting
from udup.jobs import MASK, JobRecord, accept, masked, parse_job
from udup.node.nats_server import NatsServer
from udup.store.sealing import KEY_BYTES, Keyring, is_sealed, load_keyring
from udup.store.store import JobStore

PASSWORDS = ["pa55wörd-of-the-source", 'with "quotes" and \\', "sealed:1:not really"]
RECORD = {
    "id": "job/1",
    "Tasks": [{"Config": {"ConnectionConfig": {"Host": "h", "Password": text}}} for text in PASSWORDS]
    + [{"PASSWORD": 7, "passwd": None, "Password": "", "LoginSecret": {"a": ["b"]}, "Note": "no secret here"}],
}


def _key() -> str:
    return base64.b64encode(os.urandom(KEY_BYTES)).decode()


def test_only_secrets_are_sealed_and_they_open_as_they_were() -> None:
    keys = load_keyring(Path(), _key())
    sealed = keys.seal("job/1", RECORD)
    text = str(sealed)
    assert not any(word in text for word in ("source", "quotes", "not really", "['b']"))
    assert sealed["id"] == "job/1" and sealed["Tasks"][3]["Note"] == "no secret here"
    assert sealed["Tasks"][3]["Password"] == "" and sealed["Tasks"][3]["passwd"] is None
    assert sealed != keys.seal("job/1", RECORD), "the same password twice looks different"
    assert keys.open("job/1", sealed) == RECORD
    assert keys.open("job/1", RECORD["Tasks"][3]) == RECORD["Tasks"][3], "kept in clear by an older version"


def test_a_sealed_password_that_was_changed_or_moved_is_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = load_keyring(Path(), _key())
    sealed = keys.seal("a", {"Password": "secret"})
    assert keys.open("b", sealed) == sealed
    text = sealed["Password"]
    middle = len(text) - 20
    changed = text[:middle] + ("A" if text[middle] != "A" else "B") + text[middle + 1 :]
    assert keys.open("a", {"Password": changed}) == {"Password": changed}
    with pytest.raises(Refused, match=r"Tasks\[0\].Config.ConnectionConfig.Password: is sealed"):
        parse_job(_job(changed))


def test_keys_change_by_a_new_line_on_top() -> None:
    old, new = _key(), _key()
    before, both, after = (load_keyring(Path(), text) for text in (old, f"{new},{old}", new))
    sealed = before.seal("a", {"Password": "secret"})
    assert both.open("a", sealed) == {"Password": "secret"}
    assert before.is_sealed_now(sealed) and not both.is_sealed_now(sealed) and not both.is_sealed_now(RECORD)
    assert after.open("a", both.seal("a", both.open("a", sealed))) == {"Password": "secret"}
    with pytest.raises(ConfigError, match=f"key {before.current}"):
        after.open("a", sealed)


def test_the_key_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    made = load_keyring(tmp_path)
    file = tmp_path / "secret.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    key = base64.b64encode(next(iter(made.keys.values()))).decode()
    assert load_keyring(tmp_path) == made and key in file.read_text() and "keys=" not in repr(made)
    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]


@pytest.mark.parametrize(
    ("text", "mode", "told"),
    [
        (None, 0o640, "open to other users"),
        ("", 0o600, "holds no key"),
        ("# only a comment\n", 0o600, "holds no key"),
        (base64.b64encode(b"too short").decode(), 0o600, "line 1 is not 32 bytes"),
        ("\x00\xff binary", 0o600, "line 1 is not 32 bytes"),
    ],
)
def test_a_key_file_that_cannot_be_right_is_refused_by_name(
    tmp_path: Path, text: str | None, mode: int, told: str
) -> None:
    load_keyring(tmp_path)
    file = tmp_path / "secret.key"
    if text is not None:
        file.write_text(text, "utf-8")
    file.chmod(mode)
    before = file.read_bytes()
    with pytest.raises(ConfigError, match=told) as caught:
        load_keyring(tmp_path)
    assert str(file) in str(caught.value) and file.read_bytes() == before


def _store(nats: NatsServer, keys: Keyring, *saved: JobRecord, owner: bool = True) -> list[JobRecord]:
    """Everything in the store, after these were saved."""

    async def work() -> list[JobRecord]:
        store = await JobStore.open(nats.url, "test", keys, owner=owner)
        try:
            if owner:
                await store.load()
            for record in saved:
                await store.save(record)
            return (await store.load())[0]
        finally:
            await store.close()

    return asyncio.run(asyncio.wait_for(work(), 30))


def _files_with(folder: Path, text: str) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


def test_no_file_of_the_store_holds_a_password_and_a_wrong_key_loses_nothing(
    server_folder: Path, tmp_path: Path
) -> None:
    nats = NatsServer(tmp_path / "nats", 0)
    nats.start()
    try:
        old, new = _key(), _key()
        record = JobRecord(id="a", document=_job("pa55word-to-be-kept"))
        assert _store(nats, load_keyring(Path(), old), record) == [record]
        with pytest.raises(ConfigError, match="put that key back"):
            _store(nats, load_keyring(Path(), new), owner=False)
        assert _store(nats, load_keyring(Path(), f"{new}\n{old}")) == [record]
        assert _store(nats, load_keyring(Path(), new)) == [record], "the owner has sealed it anew"
        with pytest.raises(ConfigError):
            _store(nats, load_keyring(Path(), old))
    finally:
        nats.stop()
    assert _files_with(tmp_path, '"Host"'), "the record itself is readable"
    assert not _files_with(tmp_path, "pa55word")


def _job(password: str, **connection: Any) -> dict[str, Any]:
    def task(kind: str, port: int) -> dict[str, Any]:
        config = {"Host": "10.0.0.1", "Port": port, "User": "u", "Password": password, **connection}
        return {"Type": kind, "Config": {"ConnectionConfig": config}}

    return {"Name": "j", "Tasks": [task("Src", 1), task("Dest", 2)]}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the node sets aside for jobs: a folder with a file, a way out of it, and a variable."""
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "db").write_text("from a file\r\nsecond line\n")
    (inside / "empty").write_text("\nsecond line")
    (inside / "latin1").write_bytes(b"\xfc\n")
    (tmp_path / "outside").write_text("not for jobs")
    (inside / "out").symlink_to(tmp_path / "outside")
    (inside / "alias").symlink_to("db")
    monkeypatch.setenv(FILES_DIR_VARIABLE, str(inside))
    monkeypatch.setenv("UDUP_SECRET_DB", "from the environment")
    monkeypatch.setenv("UDUP_SECRETS_KEY", "not for jobs")
    return inside


def test_a_job_names_its_passwords_and_they_are_kept_and_shown_as_names(folder: Path) -> None:
    assert read_password("env:UDUP_SECRET_DB") == "from the environment"
    for path in ("db", "./alias", folder / "db", f"../{folder.name}/db"):
        assert read_password(f"file:{path}") == "from a file"
    for plain in ("", "env", "ENV:X", " file:db", "s3cret"):
        assert read_password(plain) == plain
    spec, kept = accept(_job("file:db"))
    assert spec.source_endpoint().password == "file:db", "read when it is needed, so that it may change"
    shown = masked(kept)["Tasks"][0]["Config"]["ConnectionConfig"]["Password"]
    assert shown == "file:db" and masked({"Password": "plain"}) == {"Password": MASK}
    sealed = load_keyring(Path(), _key()).seal("j", kept)
    assert not is_sealed(sealed["Tasks"][0]["Config"]["ConnectionConfig"]["Password"])


@pytest.mark.parametrize(
    ("reference", "why"),
    [
        ("env:HOME", "only those that begin with UDUP_SECRET_"),
        ("env:UDUP_SECRETS_KEY", "only those that begin with UDUP_SECRET_"),
        ("env:UDUP_SECRET_MISSING", "does not have"),
        ("file:/etc/passwd", "only files in the server's folder"),
        ("file:../outside", "only files in the server's folder"),
        ("file:out", "only files in the server's folder"),
        ("file:missing", "No such file"),
        ("file:empty", "first line is empty"),
        ("file:latin1", "UTF-8"),
        ("file:", "it is no regular file"),
        ("file:a\0b", "which is no path"),
    ],
)
def test_what_a_job_may_not_name_or_what_is_not_there_is_a_fault_of_the_field(
    folder: Path, reference: str, why: str
) -> None:
    with pytest.raises(Refused) as caught:
        accept(_job(reference))
    assert [fault.where for fault in caught.value.faults] == [
        f"Tasks[{place}].Config.ConnectionConfig.Password" for place in (0, 1)
    ]
    assert all(why in fault.problem and repr(reference) in fault.problem for fault in caught.value.faults)
    assert "not for jobs" not in str(caught.value)


def test_without_a_folder_no_file_may_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FILES_DIR_VARIABLE, raising=False)
    with pytest.raises(Unresolvable, match=r"secrets\.files_dir"):
        read_password("file:db")


def test_settings_may_name_any_file_and_variable(folder: Path) -> None:
    assert read_setting(f"file:{folder / 'db'}", {}) == "from a file"
    assert read_setting("env:ANY", {"ANY": "x"}) == "x"
    with pytest.raises(Unresolvable, match="'ANY'"):
        read_setting("env:ANY", {})
