"""The configuration of nats-server for each place among others, as text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.node.cluster_lab import Lab
from udup.base.authority import certificate_fault, make_authority
from udup.base.cluster_settings import Address
from udup.base.config import load_settings
from udup.base.errors import ConfigError
from udup.node.nats_cluster import ALONE, SHARED, Member, Tls, member_of
from udup.node.nats_server import NatsServer
from udup.node.taking_along import check_place

SECRET = "a-secret-of-the-tests"

OTHERS = (Address("10.0.0.2", 8192), Address("10.0.0.3", 8192))
MANAGER = Member(
    *("11111111-2222-3333-4444-555555555555", "udup", SECRET, True, OTHERS),
    routes=Address("10.0.0.1", 8192),
    leaves=Address("10.0.0.1", 8191),
    tls=Tls("/tls/ca.pem", "/tls/cert.pem", "/tls/key.pem"),
)
AGENT = replace(MANAGER, manager=False, others=(Address("10.0.0.1", 8191),))


def _text(tmp_path: Path, member: Member | None) -> str:
    return NatsServer(tmp_path, 8193, member=member)._config_text()


def test_one_of_several_managers_shares_a_store_in_a_folder_of_its_own(tmp_path: Path) -> None:
    text = _text(tmp_path, MANAGER)
    assert f'store_dir: "{tmp_path / SHARED}"' in text and "domain: udup" in text
    assert 'server_name: "11111111-2222-3333-4444-555555555555"' in text
    assert all(f'listen: "{each}"' in text for each in ("10.0.0.1:8192", "10.0.0.1:8191", "127.0.0.1:8193"))
    assert text.count("no_advertise: true") == 2 and text.count("verify: true") == 2
    assert "@10.0.0.2:8192" in text and "@10.0.0.3:8192" in text
    assert "advertise:" not in text.replace("no_advertise:", "")
    assert 'advertise: "db-1:8192"' in _text(tmp_path, replace(MANAGER, advertised="db-1"))


def test_a_manager_alone_keeps_the_store_that_it_has(tmp_path: Path) -> None:
    text = _text(tmp_path, replace(MANAGER, others=()))
    assert f'store_dir: "{tmp_path / ALONE}"' in text and "cluster {" not in text and "leafnodes {" in text
    assert f'store_dir: "{tmp_path / ALONE}"' in _text(tmp_path, None)
    assert "leafnodes" not in _text(tmp_path, None) and "server_name" not in _text(tmp_path, None)


def test_an_agent_has_no_store_and_asks_the_managers_one(tmp_path: Path) -> None:
    text = _text(tmp_path, AGENT)
    assert "jetstream" not in text and "cluster {" not in text and 'listen: "10.' not in text
    assert "default_js_domain: { UDUP: udup }" in text and "account: UDUP" in text
    assert 'urls: [ "tls://leaf:' in text and "@10.0.0.1:8191" in text


def test_passwords_are_made_of_the_secret_and_tell_nothing_of_it(tmp_path: Path) -> None:
    text = _text(tmp_path, MANAGER)
    assert SECRET not in text and SECRET not in repr(MANAGER)
    passwords = {name: MANAGER._password(name) for name in ("route", "leaf")}
    assert len(set(passwords.values())) == 2 and all(each in text for each in passwords.values())
    for other in (replace(MANAGER, secret=f"{SECRET}!"), replace(MANAGER, cluster="other")):
        assert other._password("route") != passwords["route"]


def test_settings_become_a_place(tmp_path: Path) -> None:
    assert member_of(load_settings(), "id") is None
    flags = {"cluster.role": "agent", "cluster.join": ["127.0.0.1:7"], "cluster.secret": SECRET}
    member = member_of(load_settings(flags=flags), "id")
    assert member and not member.manager and member.managers == 0 and not member.store
    assert member.others == (Address("127.0.0.1", 7),)
    member = member_of(load_settings(flags={**flags, "cluster.role": "witness", "cluster.join": []}), "id")
    assert member and member.managers == 1 and member.store == ALONE


def test_a_node_that_was_elsewhere_is_not_started_where_its_jobs_would_be_lost_or_doubled(tmp_path: Path) -> None:
    check_place(tmp_path, MANAGER)
    (tmp_path / ALONE / "jetstream" / "UDUP" / "streams" / "KV_udup_jobs").mkdir(parents=True)
    with pytest.raises(ConfigError, match="an agent keeps no jobs"):
        check_place(tmp_path, AGENT)
    shared = tmp_path / SHARED / "jetstream" / "UDUP" / "streams" / "KV_udup_jobs"
    shared.mkdir(parents=True)
    with pytest.raises(ConfigError, match="was one of several managers"):
        check_place(tmp_path, None)
    shared.rmdir()
    (tmp_path / "store-seen").touch()
    check_place(tmp_path, AGENT)
    for alone in (None, replace(MANAGER, others=())):
        with pytest.raises(ConfigError, match="was one of several managers"):
            check_place(tmp_path, alone)


def test_a_certificate_that_others_would_refuse_is_found_at_the_start(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    made, foreign = lab.tls("a"), lab.tls("b", make_authority("another"))

    def fault(ca: str, cert: str, key: str, host: str = "") -> str:
        return certificate_fault(Path(ca), Path(cert), Path(key), host)

    assert fault(made.ca, made.cert, made.key, "127.0.0.1") == fault(made.ca, made.cert, made.key, "localhost") == ""
    assert "is not made out to 10.0.0.1" in fault(made.ca, made.cert, made.key, "10.0.0.1")
    assert "is not signed by the cluster's authority" in fault(foreign.ca, foreign.cert, foreign.key)
    assert "is not the key" in fault(made.ca, made.cert, foreign.key)
    assert "cannot be read" in fault(made.ca, made.key, made.key)
