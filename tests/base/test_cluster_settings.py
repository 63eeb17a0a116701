"""Settings of a cluster: every fault says which setting, what is wrong with it and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from udup.base.cluster_settings import Address, count_of_managers, joined, parse_address
from udup.base.config import load_settings
from udup.base.errors import ConfigError
from udup.base.settings import Settings

SECRET = "a-secret-of-the-tests"
TOKEN = "a-token-of-the-tests-0123456789"


def loaded(role: str = "manager", **given: Any) -> Settings:
    flags = {"cluster.role": role, "cluster.secret": SECRET, **{_path(name): value for name, value in given.items()}}
    return load_settings(flags=flags)


def refused(role: str = "manager", **given: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        loaded(role, **given)
    told = str(caught.value)
    assert SECRET not in told
    return told


def _path(name: str) -> str:
    if name == "bind_addr" or "__" in name:
        return name.replace("__", ".")
    return f"cluster.{name}"


@pytest.fixture
def tls(tmp_path: Path) -> dict[str, str]:
    """Files that are there; what they hold is looked at by the node's start."""
    for name in ("ca", "cert", "key"):
        (tmp_path / name).touch()
    return {f"tls_{name}": str(tmp_path / name) for name in ("ca", "cert", "key")}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("10.0.0.1", Address("10.0.0.1", 7)),
        ("db-1.example:9", Address("db-1.example", 9)),
        ("::1", Address("::1", 7)),
        ("[::1]:9", Address("::1", 9)),
        ("[::1]", Address("::1", 7)),
        ("", None), ("a:", None), ("a:0", None), ("a:99999", None), ("a:b", None), ("a b", None), ("nats://a:1", None),
        ("[::x]:1", None), ("u@h", None),
    ],
)  # fmt: skip
def test_addresses(text: str, found: Address | None) -> None:
    assert parse_address(text, 7) == found
    if found:
        assert parse_address(str(found), 0) == found


def test_a_node_is_alone_by_default() -> None:
    settings = load_settings()
    assert settings.cluster.role == "" and count_of_managers(settings) == 0
    with pytest.raises(ConfigError, match=r"cluster.join: is of no use without cluster.role; set that"):
        load_settings(flags={"cluster.join": ["10.0.0.1"]})


def test_one_manager_on_loopback_needs_a_secret_alone() -> None:
    assert count_of_managers(loaded()) == 1
    assert "cluster.secret: is missing" in refused(secret="")
    told = refused(secret="too-short")
    assert "cluster.secret: must be at least 16 characters" in told and "too-short" not in told


def test_a_secret_may_be_named(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    settings = loaded(secret=f"file:{tmp_path / 'secret'}")
    assert settings.cluster.secret.get_secret_value() == SECRET and SECRET not in repr(settings)


def test_a_manager_may_name_itself_and_each_other_once(tls: dict[str, str]) -> None:
    all_of_them = ["10.0.0.1", "10.0.0.2:8192", "10.0.0.3:9", "10.0.0.3:9"]
    settings = loaded(join=all_of_them, bind_addr="10.0.0.1", api__token=TOKEN, **tls)
    assert joined(settings) == (Address("10.0.0.2", 8192), Address("10.0.0.3", 9))
    assert count_of_managers(settings) == 3
    witness = loaded("witness", join=all_of_them, advertise="10.0.0.2", cluster__bind_addr="0.0.0.0", **tls)
    assert joined(witness) == (Address("10.0.0.1", 8192), Address("10.0.0.3", 9))


@pytest.mark.parametrize(
    ("others", "told"),
    [
        (1, "would be two managers, and the job store would stop when either is lost; make one of them an agent, or"),
        (3, "are 4 managers; there are 1, 3 or 5"),
        (6, "are 7 managers; there are 1, 3 or 5"),
    ],
)
def test_two_managers_and_even_numbers_are_refused(others: int, told: str) -> None:
    assert told in refused(join=[f"127.0.0.1:{9000 + each}" for each in range(others)])


def test_beyond_loopback_there_is_tls(tls: dict[str, str]) -> None:
    three = ["10.0.0.2", "10.0.0.3"]
    beyond = {"bind_addr": "10.0.0.1", "api__token": TOKEN, "join": three}
    assert "cluster.tls_ca: nodes speak to each other at 10.0.0.1, which is not loopback" in refused(**beyond)
    assert "cluster.tls_ca: nodes speak to each other at 10.0.0.2" in refused(join=three)
    assert "cluster.tls_ca: nodes speak to each other at 10.0.0.2" in refused("agent", join=three)
    assert "cluster.tls_key: is missing beside" in refused(**beyond, **{**tls, "tls_key": ""})
    assert "cluster.tls_ca: there is no file" in refused(**beyond, **{**tls, "tls_ca": "/nowhere/ca.pem"})
    assert count_of_managers(loaded(**beyond, **tls)) == 3


def test_a_manager_that_listens_everywhere_says_how_it_is_called(tls: dict[str, str]) -> None:
    everywhere = {"bind_addr": "0.0.0.0", "api__token": TOKEN, **tls}
    assert "cluster.advertise: is missing, and 0.0.0.0 is no address" in refused(**everywhere)
    assert loaded(**everywhere, advertise="db-1.example")
    assert "cluster.advertise: must be the host name" in refused(**everywhere, advertise="db-1.example:8192")


def test_an_agent_names_managers_where_they_take_agents(tls: dict[str, str]) -> None:
    assert "cluster.join: is empty" in refused("agent")
    assert "an agent joins at their ports.leaf, 10.0.0.1:8191" in refused("agent", join=["10.0.0.1:8192"], **tls)
    settings = loaded("agent", join=["10.0.0.1", "10.0.0.2"], **tls)
    assert joined(settings) == (Address("10.0.0.1", 8191), Address("10.0.0.2", 8191))
    assert count_of_managers(settings) == 0
    assert "consumers.listen" in refused("agent", join=["10.0.0.1"], consumers__listen="127.0.0.1:8194", **tls)


def test_ports_differ_and_the_nats_server_is_the_built_in_one() -> None:
    assert "ports.leaf: 8193 is ports.nats as well" in refused(ports__leaf=8193)
    assert "ports.cluster: 8191 is ports.leaf as well" in refused(ports__cluster=8191)
    assert "ports.cluster: must be a port that other nodes know" in refused(ports__cluster=0)
    assert "ports.leaf: 8191 is the port of consumers.listen" in refused(consumers__listen="127.0.0.1:8191")
    assert "cluster.role: nodes of a cluster use the built-in NATS" in refused(nats__url="nats://h:1")
    assert "cluster.join: must be addresses such as" in refused(join=["nats://10.0.0.1"])
    assert "cluster.role: must be one of" in refused("boss")
