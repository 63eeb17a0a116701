"""Sets of MariaDB's GTIDs: numbers of a domain, with who wrote the last of each range; and where a stream goes on."""

from __future__ import annotations

import random

import pytest

from udup.base.long_text import cut_set
from udup.base.transaction_names import origin_and_number, transaction_name
from udup.drivers.mysql.binlog.gtid import Gtid, GtidSet
from udup.drivers.mysql.mariadb.gtids import as_octets, from_octets
from udup.drivers.mysql.mariadb.places import resume_places

UUID = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("0-1-42", "0-1-42"),
        (" 0-1-42,\n1-2-7 ", "0-1-42,1-2-7"),
        ("10-1-5,2-1-5", "2-1-5,10-1-5"),
        ("0-1-42,0-2-50", "0-2-50"),
        ("0-2-50,0-1-42", "0-2-50"),
        ("0-1-42,0-1-44:46", "0-1-42,0-1-44:46"),
        ("0-1-42,0-3-43:46", "0-3-46"),
        ("0-1-7:7", "0-1-7:7"),
        ("0-0-7:7", "0-0-7:7"),
        (f"0-1-42,{UUID}:1-3", f"{UUID}:1-3,0-1-42"),
    ],
)
def test_a_set_is_read_and_written_as_positions_are(text: str, normal: str) -> None:
    assert str(GtidSet.parse(text)) == normal
    assert str(GtidSet.parse(normal)) == normal


@pytest.mark.parametrize("text", ["0-1-0", "0-1-5:3", "0-1", "0-1-2-3", "4294967296-1-1", "0-1-9223372036854775807"])
def test_what_is_no_position_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=text):
        GtidSet.parse(text)


def test_a_number_belongs_to_the_domain_whichever_server_wrote_it() -> None:
    gtids = GtidSet.parse("0-1-42")
    assert gtids.contains("0-2", 42)
    assert not gtids.contains("1-1", 42)
    assert GtidSet.parse("0-2-40") <= gtids
    assert str(gtids - GtidSet.parse("0-2-40")) == "0-1-41:42"
    assert str(GtidSet.parse("0-1-50") - GtidSet.parse("0-3-41:50")) == "0-0-40"  # who wrote 40 is not known
    gtids.add("0-7", 43)
    assert str(gtids) == "0-7-43"
    assert len(gtids) == 43


def test_a_transaction_is_named_as_its_users_write_it() -> None:
    assert transaction_name("0-1", 42) == "0-1-42" == str(Gtid("0-1", 42, 0, 0, 0))
    assert transaction_name(UUID, 42) == f"{UUID}:42"
    assert origin_and_number("0-1-42") == ("0-1", 42)
    assert origin_and_number(f"{UUID}:tag:42") == (f"{UUID}:tag", 42)


def test_domain_and_server_travel_in_the_place_of_a_uuid() -> None:
    assert from_octets(as_octets(0xFFFFFFFF, 7)) == "4294967295-7"
    assert from_octets(bytes(16)) is None


def test_a_set_that_is_shown_in_part_names_no_transaction_that_it_lacks() -> None:
    text = ",".join(f"0-1-{start}:{start + 1}" for start in range(2, 99, 3))
    shown = cut_set(text, 40).partition(" ")[0]
    assert GtidSet.parse(shown) <= GtidSet.parse(text)


@pytest.mark.parametrize("seed", range(40))
def test_where_a_stream_goes_on_skips_nothing_that_is_not_executed(seed: int) -> None:
    """A log of several domains and servers, with numbers left out; executed in any order, with deaths."""
    chance = random.Random(seed)
    log = _log(chance, 60)
    executed, claims = GtidSet(), [GtidSet() for _ in range(3)]
    sent = list(log)
    chance.shuffle(sent)
    for source, start, number in sent[: chance.randrange(len(sent) + 1)]:
        into = chance.choice([executed, *claims])
        if start < number:  # numbers that nobody has used go before their transaction, as what holds nothing
            into.add_range(source, start, number)
        into.add(source, number)
        if chance.random() < 0.2:  # flushed, and a run ends: everything goes through its text
            executed = GtidSet.parse(",".join(map(str, [executed, *claims])))
            claims = [GtidSet.parse(str(claim - executed)) for claim in claims]
            assert not any(claims)
    everything = GtidSet.parse(",".join(map(str, [executed, *claims])))
    assert GtidSet.parse(str(everything)) == everything
    places = {place.domain: place for place in resume_places(everything)}
    for source, _, number in log:
        domain = int(source.partition("-")[0])
        if not everything.contains(source, number):
            assert domain not in places or places[domain].number < number
    writers = {(int(source.partition("-")[0]), number): int(source.partition("-")[2]) for source, _, number in log}
    for place in places.values():
        assert place.server == writers[place.domain, place.number]


def _log(chance: random.Random, count: int) -> list[tuple[str, int, int]]:
    """Return transactions: who, the first number since the one before, the number."""
    last: dict[int, int] = {}
    found = []
    for _ in range(count):
        domain, server = chance.choice([0, 0, 0, 1, 9]), chance.choice([1, 2, 3])
        before = last.get(domain, 0)
        number = before + (1 if chance.random() < 0.9 else chance.randrange(2, 50))
        found.append((f"{domain}-{server}", before + 1, number))
        last[domain] = number
    return found
