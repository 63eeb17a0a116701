"""Changing what nodes are: what is refused, and the steps of what is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from udup.base.cluster_settings import Address
from udup.base.errors import ConfigError
from udup.cluster import roles
from udup.cluster.role_steps import Cluster, Member, Step


def _at(last: int) -> Address:
    return Address(f"10.0.0.{last}", 8192)


def _manager(last: int, state: str = "current", *, role: str = "manager", whole: bool = True) -> Member:
    return Member(f"{last}{last}000000-aaaa", f"m{last}", role, state, _at(last), whole)


def _agent(last: int, state: str = "linked") -> Member:
    return Member(f"{last}{last}000000-bbbb", f"a{last}", "agent", state, _at(last))


def _cluster(*members: Member, keeps: bool = True) -> Cluster:
    managers = [each for each in members if each.is_manager]
    places = tuple(each.place for each in managers if each.place)
    return Cluster(managers[0].id, members, places, 3, "/etc/udup.toml", "/var/udup", keeps_authority=keeps)


THREE = _cluster(_manager(1, "leader"), _manager(2), _manager(3), _agent(4), _agent(5))
M1, M2, M3, A4, A5 = THREE.members


def _where(steps: list[Step], words: str) -> list[str]:
    return [each.where for each in steps if words in each.does or any(words in one for one in each.commands)]


def _number(steps: list[Step], words: str) -> int:
    return next(n for n, each in enumerate(steps) if words in each.does or any(words in one for one in each.commands))


def test_an_agent_takes_a_managers_place_which_is_removed_before_those_that_stay_are_restarted() -> None:
    """Removed later it would count: of four with one gone, the restart of another stops the store."""
    steps = roles.replace(THREE, M3, A4)
    assert roles.drains(steps) == [A4.id, M3.id]
    order = [
        "drain",
        "nothing may start it again",
        "join as manager",
        f"remove {M3.id}",
        "restart the server; no",
        "join as agent",
    ]
    numbers = [_number(steps, each) for each in order]
    assert numbers == sorted(numbers)
    assert _where(steps, "restart the server; no") == ["m2 (10.0.0.2)", "m1 (10.0.0.1)"]  # the leader last
    assert _where(steps, 'join = ["10.0.0.1", "10.0.0.4"]') == ["m2 (10.0.0.2)"]
    assert _where(steps, 'join = ["10.0.0.1:8191", "10.0.0.2:8191", "10.0.0.4:8191"]') == ["a5 (10.0.0.5)"]
    assert _where(steps, "token 10.0.0.4 44000000.token") == _where(steps, "token 10.0.0.3 33000000.token")
    assert "2. On a4 (10.0.0.4): stop the server, take the section [cluster] out" in "\n".join(roles.lines(steps))


def test_a_manager_that_is_gone_is_neither_drained_nor_stopped_nor_joined_again() -> None:
    gone = replace(M3, state="offline")
    steps = roles.replace(_cluster(M1, M2, gone, A4), gone, A4)
    assert roles.drains(steps) == [A4.id] and _where(steps, "m3") == [] == _where(steps, "nothing may start it")
    assert "m3 (10.0.0.3)" not in [each.where for each in steps] and _where(steps, "cluster remove") == [
        "any of m1, m2"
    ]


def test_tokens_are_made_where_the_authority_is_and_it_is_handed_on_by_a_manager_that_goes() -> None:
    steps = roles.replace(THREE, M1, A4)
    assert _number(steps, "scp /var/udup/cluster/ca.key 10.0.0.2:") < _number(steps, "cluster token 10.0.0.4")
    assert _where(steps, "cluster token") == ["m2 (10.0.0.2)", "m2 (10.0.0.2)"]
    elsewhere = replace(THREE, keeps_authority=False)
    assert set(_where(roles.grow(elsewhere, [A4, A5]), "cluster token")) == {
        "the manager that has /var/udup/cluster/ca.key"
    }


def test_two_agents_make_five_of_three() -> None:
    steps = roles.grow(THREE, [A4, A5])
    assert roles.drains(steps) == [A4.id, A5.id] and _where(steps, "cluster remove") == []
    assert _where(steps, 'join = ["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5"]') == ["m1 (10.0.0.1)"]
    assert _where(steps, "join as manager") == ["a4 (10.0.0.4)", "a5 (10.0.0.5)"]
    assert _number(steps, "join as manager") < _number(steps, "restart the server; no")
    assert "shows 5 managers, all current" in steps[-2].until
    assert _where(steps, "cluster rebalance") == ["any node"]


def test_one_manager_becomes_three_and_is_restarted_when_the_others_run() -> None:
    """Its jobs stand still for one restart, whatever time the other machines take."""
    one = _cluster(_manager(1, "leader"), A4, A5)
    steps = roles.grow(one, [A4, A5])
    assert _number(steps, "join = [") < _number(steps, "cluster join") < _number(steps, "The store is away")
    assert _where(steps, "The store is away") == ["m1 (10.0.0.1)"] and not _where(steps, "restart the server; no")
    assert "10. On any node: give each" in list(roles.lines(steps))[-2]


def test_three_managers_become_one_that_goes_on_when_nobody_writes_any_more() -> None:
    steps = roles.alone(replace(THREE, own=M1.id), [M2, M3])
    order = ["drain", "nothing may start it again", "join = []", "recover --alone", "join as agent", "rebalance"]
    numbers = [_number(steps, each) for each in order]
    assert numbers == sorted(numbers) and _where(steps, "recover --alone") == ["m1 (10.0.0.1)"]
    assert _where(steps, "nothing may start it again") == ["m2 (10.0.0.2)", "m3 (10.0.0.3)"]
    assert _where(steps, "join as agent") == ["m2 (10.0.0.2)", "m3 (10.0.0.3)"]
    assert _where(steps, 'join = ["10.0.0.1:8191"]') == ["a4 (10.0.0.4)", "a5 (10.0.0.5)"]
    assert _where(steps, "cluster token") == ["m1 (10.0.0.1)"] * 2 and not _where(steps, "scp /var/udup")
    elsewhere = roles.alone(replace(THREE, keeps_authority=False), [M2, M3])
    assert _where(elsewhere, "scp /var/udup/cluster/ca.key 10.0.0.1:") == ["m2 (10.0.0.2)", "m3 (10.0.0.3)"]


@pytest.mark.parametrize(
    ("members", "old", "told"),
    [
        (THREE.members, (M2, M2), "named twice"),
        (THREE.members, (M2, A4), "a4 is an agent already"),
        ((M1, M2, M3, _manager(6), _manager(7)), (M2, M3), "3 managers would be left"),
        ((M1, M2, _manager(3, "behind")), (M1, M2), "m3 (10.0.0.3) would be left, and is behind"),
        ((M1, M2, _manager(3, role="witness")), (M1, M2), "a witness"),
    ],
)
def test_what_would_be_wrong_of_one_that_is_left_is_refused(
    members: tuple[Member, ...], old: tuple[Member, ...], told: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        roles.alone(_cluster(*members), old)
    assert told in str(refused.value)


def test_no_node_that_is_to_drain_gets_the_jobs_of_another_and_nothing_is_moved_into_an_older_folder() -> None:
    steps = roles.grow(THREE, [A4, A5])
    order = [f"udup cluster drain {each.id}" for each in (A4, A5)]
    assert steps[0].commands == (
        f"{order[0]} --config /etc/udup.toml",
        f"{order[1]} --wait --config /etc/udup.toml",
        f"{order[0]} --wait --config /etc/udup.toml",
    )
    assert _where(steps, "mv /var/udup /var/udup.44000000") == ["a4 (10.0.0.4)"]


def test_a_port_that_is_not_the_usual_one_is_named() -> None:
    odd = replace(A4, place=Address("10.0.0.4", 9000))
    assert _where(roles.replace(THREE, M3, odd), 'join = ["10.0.0.1", "10.0.0.4:9000"]') == ["m2 (10.0.0.2)"]


@pytest.mark.parametrize(
    ("members", "new", "told"),
    [
        (THREE.members, (A4,), "there would be 4 managers"),
        (THREE.members, (A4, A4), "named twice"),
        (THREE.members, (M2, A4), "m2 is a manager already"),
        ((M1, _manager(2, role="witness"), M3, A4), (_manager(2, role="witness"), A4), "is a witness"),
        (THREE.members, (A4, _agent(6, "offline")), "a6 is not there"),
        (THREE.members, (A4, replace(A5, place=None)), "--at 55000000=HOST"),
        (THREE.members, (A4, replace(A5, place=_at(1))), "is a manager's address already"),
        ((M1, _manager(2, "offline"), M3, A4, A5), (A4, A5), "m2 (10.0.0.2) is offline"),
        ((M1, _manager(2, whole=False), M3, A4, A5), (A4, A5), "without all parts"),
        ((_manager(1), M2, M3, A4, A5), (A4, A5), "no leader"),
        ((M1, M2, replace(M3, place=None), A4, A5), (A4, A5), "--at 33000000=HOST"),
        ((M1, M2, replace(M3, place=_at(9)), A4, A5), (A4, A5), "10.0.0.9:8192 is no manager's address"),
    ],
)
def test_what_would_be_wrong_of_new_managers_is_refused(
    members: tuple[Member, ...], new: tuple[Member, ...], told: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        roles.grow(replace(_cluster(*members), places=THREE.places), new)
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("members", "old", "new", "told"),
    [
        (THREE.members, A5, A4, "a5 is an agent"),
        (THREE.members, M3, M2, "m2 is a manager already"),
        ((M1, A4), M1, A4, "the only manager"),
        ((M1, _manager(2, "behind"), M3, A4), M3, A4, "1 of 3 managers would have the store"),
        ((M1, _manager(2, whole=False), M3, A4), M3, A4, "m2 (10.0.0.2) is without all parts"),
        ((M1, M2, M3, A4), replace(M3, place=None), A4, "--at 33000000=HOST"),
    ],
)
def test_what_would_be_wrong_of_a_successor_is_refused(
    members: tuple[Member, ...], old: Member, new: Member, told: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        roles.replace(_cluster(*members), old, new)
    assert told in str(refused.value)


def test_a_change_that_is_not_finished_is_to_be_finished_first() -> None:
    with pytest.raises(ConfigError, match=r"counts 3 managers, and cluster\.join of /etc/udup\.toml makes 2"):
        roles.grow(replace(THREE, places=THREE.places[:2]), [A4, A5])


def test_nodes_are_found_by_name_id_and_the_beginning_of_it() -> None:
    assert {roles.find(THREE, each).id for each in ("a4", A4.id, "44")} == {A4.id}
    twins = _cluster(M1, replace(A4, name="twin"), replace(A5, name="twin"))
    for given, told in (("twin", "several nodes"), ("nobody", "there are m1, twin, twin"), ("", "no node")):
        with pytest.raises(ConfigError, match=told):
            roles.find(twins, given)


def test_a_manager_is_at_the_address_of_its_host_or_at_the_one_that_is_left() -> None:
    others = [_at(2), _at(3)]
    assert roles.places_of("a", _at(1), others, {"a": "", "b": "10.0.0.3", "c": ""})["c"] == _at(2)
    assert roles.places_of("a", _at(1), others, {"a": "", "b": "", "c": ""}) == {"a": _at(1)}
    same = [Address("127.0.0.1", 1), Address("127.0.0.1", 2)]
    assert set(roles.places_of("a", _at(1), same, {"b": "127.0.0.1", "c": "127.0.0.1"})) == {"a"}
