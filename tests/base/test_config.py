"""Settings: where they come from, which wins, and that every fault is told at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from udup.base.config import Settings, load_settings, paths, variable_of
from udup.base.errors import ConfigError

TOKEN = "a-token-of-the-tests-0123456789"

EXAMPLE = Path(__file__).parents[2] / "config" / "udup.toml"


def written(folder: Path, text: str) -> Path:
    file = folder / "udup.toml"
    file.write_text(text, "utf-8")
    return file


def refused(file: Path | None = None, environment: dict[str, str] | None = None, **flags: object) -> str:
    with pytest.raises(ConfigError) as caught:
        load_settings(file, environment, flags)
    return str(caught.value)


def test_the_example_file_holds_every_default() -> None:
    assert load_settings(EXAMPLE) == load_settings()
    text = EXAMPLE.read_text("utf-8")
    assert [path for path in paths() if f"{path.rpartition('.')[2]} = " not in text] == []


def test_flags_overrule_the_environment_and_that_the_file(tmp_path: Path) -> None:
    file = written(tmp_path, "region = 'file'\ndatacenter = 'file'\n[ports]\nhttp = 1\nnats = 2\n[http]\nthreads = 3\n")
    environment = {"UDUP_PORTS_HTTP": "11", "UDUP_DATACENTER": "env", "UDUP_PORTS_NATS": "12", "UDUP_ADDR": "http://x"}
    settings = load_settings(file, environment, {"ports.http": 21, "data_dir": tmp_path / "d", "ports.nats": None})
    assert (settings.ports.http, settings.ports.nats, settings.http.threads) == (21, 12, 3)
    assert (settings.region, settings.datacenter, settings.data_path) == ("file", "env", tmp_path / "d")


def test_every_setting_has_a_variable() -> None:
    everything = {variable_of(path): "not one/word" for path in paths()}
    told = refused(environment=everything)
    taken = {"UDUP_DATA_DIR", "UDUP_SECRETS_KEY", "UDUP_SECRETS_FILES_DIR", "UDUP_SECRETS_TLS_DIR"} | {
        variable_of(path)
        for path in paths()
        if path.startswith(("nats.creds", "nats.tls", "consumers.tls", "cluster.tls"))
    }
    assert {name for name in everything if name not in told} == taken


def test_lists_and_tables_are_json_in_the_environment() -> None:
    environment = {"UDUP_API_HOSTS": '["a.example"]', "UDUP_HTTP_RESPONSE_HEADERS": '{"X-A": "b"}'}
    settings = load_settings(environment=environment)
    assert (settings.api.hosts, settings.http.response_headers) == (["a.example"], {"X-A": "b"})
    assert "must be a list of texts" in refused(environment={"UDUP_API_HOSTS": "a.example"})
    for headers in ({"a b": "c"}, {"A": "b\r\nC: d"}, {"A": "ü"}):
        assert "http.response_headers" in refused(**{"http.response_headers": headers})


def test_relative_folders_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_settings().data_path == tmp_path / "data"


def test_every_fault_is_told_at_once_with_its_source(tmp_path: Path) -> None:
    text = "reigon = 'x'\nregion = 7\n[ports]\nhttp = '8190'\nserf = 1\n[log]\nlevel = 'loud'\n"
    told = refused(written(tmp_path, text), {"UDUP_HTTP_THREADS": "many"}, **{"retry.attempts": -1}).splitlines()
    assert [line.strip().partition(":")[0] for line in told[1:]] == [
        "region", "ports.http", "ports.serf", "log.level", "http.threads", "retry.attempts", "reigon",
    ]  # fmt: skip
    assert "must be text in quotes, got 7" in told[1]
    assert "must be a whole number, got '8190'" in told[2]
    assert "is not a setting; known are ports.http, ports.nats" in told[3]
    assert "from the variable UDUP_HTTP_THREADS" in told[5]
    assert "from the command line" in told[6]


def test_a_section_must_be_a_section(tmp_path: Path) -> None:
    assert "ports: must be a section, written [ports], got 7" in refused(written(tmp_path, "ports = 7"))


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.168.1.1"])
def test_only_loopback_is_bound_without_a_token(address: str) -> None:
    assert "is refused without api.token" in refused(bind_addr=address)
    assert load_settings(flags={"bind_addr": address, "api.token": TOKEN}).bind_addr == address


@pytest.mark.parametrize("address", ["db.example", "", "127.0.0.1:80"])
def test_an_address_is_an_ip_address(address: str) -> None:
    assert "must be an IP address" in refused(bind_addr=address, **{"api.token": TOKEN})


def test_secrets_are_read_from_where_they_are_named_and_never_shown(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text(f"{TOKEN}\nsecond line\n")
    file = written(tmp_path, f"[api]\ntoken = 'file:{secret}'\n[nats]\nurl = 'env:NATS'\n")
    settings = load_settings(file, {"NATS": "nats://u:s3cret@h:1"})
    assert settings.api.token.get_secret_value() == TOKEN and settings.nats.url == "nats://u:s3cret@h:1"
    assert load_settings(environment={"UDUP_API_TOKEN": TOKEN}).api.token == settings.api.token
    assert TOKEN not in repr(settings) + str(settings.model_dump_json())
    assert "'NATS', which the server's environment does not have" in refused(file)
    assert "nats.url" in refused(file)


@pytest.mark.parametrize(
    "token", ["too short", "with a space in the middle of it", "umlaut-äöü-0123456789", 12345678901234567]
)
def test_a_token_that_is_refused_is_not_shown(token: object) -> None:
    told = refused(**{"api.token": token})
    assert "api.token: must be" in told and str(token) not in told


def test_files_for_nats_must_be_there_and_belong_to_a_server_by_url(tmp_path: Path) -> None:
    there = written(tmp_path, "")
    assert "nats.creds: is for an external NATS" in refused(**{"nats.creds": there})
    url = {"nats.url": "tls://h:4222"}
    told = refused(**url, **{"nats.tls_ca": tmp_path / "no.pem", "nats.tls_key": there})
    assert f"nats.tls_ca: there is no file {tmp_path / 'no.pem'}" in told and "nats.tls_cert, which is not set" in told
    assert load_settings(flags={**url, "nats.creds": there}).nats.creds == str(there)


@pytest.mark.parametrize("address", ["0.0.0.0:8194", "10.0.0.7:8194", "[::]:8194"])
def test_consumers_of_other_machines_are_let_in_over_tls_only(tmp_path: Path, address: str) -> None:
    assert "is refused without TLS" in refused(**{"consumers.listen": address})
    files = {f"consumers.{name}": written(tmp_path, "") for name in ("tls_cert", "tls_key")}
    assert load_settings(flags={"consumers.listen": address, **files}).consumers.listen == address


@pytest.mark.parametrize("address", ["127.0.0.1:8194", "[::1]:8194"])
def test_consumers_of_this_machine_need_no_certificate(address: str) -> None:
    found = load_settings(flags={"consumers.listen": address}).consumers
    assert (found.port, found.listen) == (8194, address)


@pytest.mark.parametrize("address", ["8194", "db.example:8194", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:x", "::1:8194"])
def test_where_consumers_connect_is_an_address_and_a_port(address: str) -> None:
    assert "consumers.listen: must be IP:port" in refused(**{"consumers.listen": address})


def test_what_contradicts_itself_about_consumers_is_told(tmp_path: Path) -> None:
    there, here = written(tmp_path, ""), {"consumers.listen": "127.0.0.1:8194"}
    assert "of no use without consumers.tls_key" in refused(**here, **{"consumers.tls_cert": there})
    assert "consumers.tls_key: there is no file" in refused(**here, **{"consumers.tls_key": tmp_path / "no.pem"})
    both = {"consumers.tls_cert": there, "consumers.tls_key": there}
    assert "is for consumers.listen, which is not set" in refused(**both)
    assert "nats.url names another one" in refused(**here, **{"nats.url": "nats://h:4222"})
    assert "8193 is ports.nats as well" in refused(**{"consumers.listen": "127.0.0.1:8193"})


@pytest.mark.parametrize(("given", "bound"), [("localhost", "127.0.0.1"), ("::1", "::1"), ("127.0.0.2", "127.0.0.2")])
def test_loopback_is_bound(given: str, bound: str) -> None:
    assert load_settings(flags={"bind_addr": given}).bind_addr == bound


def test_two_services_cannot_share_a_port() -> None:
    assert "give each its own port" in refused(**{"ports.http": 8193})
    assert load_settings(flags={"ports.http": 0, "ports.nats": 0}).ports.http == 0


@pytest.mark.parametrize("url", ["127.0.0.1:4222", "http://x:1", "nats://", "nats://x:99999", "nats://[x"])
def test_a_nats_url_that_cannot_be(url: str) -> None:
    assert "nats.url: must be nats://host:port" in refused(**{"nats.url": url})


def test_the_password_in_a_nats_url_stays_inside() -> None:
    assert "s3cret" not in repr(load_settings(flags={"nats.url": "nats://udup:s3cret@host:4222"}))


def test_files_that_cannot_be_read_are_told_by_name(tmp_path: Path) -> None:
    assert "cannot read the settings file" in refused(tmp_path / "none.toml")
    assert "is not TOML" in refused(written(tmp_path, "ports = = 1"))


def test_a_data_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    assert "is not a folder" in refused(data_dir=written(tmp_path, ""))


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().region = "x"  # type: ignore[misc]
