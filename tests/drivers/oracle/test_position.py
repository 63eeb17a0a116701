"""SCNs as a GTID set: the same transaction has the same number, and reading begins again early enough."""

from __future__ import annotations

import pytest

from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.oracle.position import Progress, position_at, source_uuid

SOURCE = source_uuid(1234567, 1)


def progress(text: str) -> Progress:
    return Progress(SOURCE, GtidSet.parse(text))


def test_an_incarnation_has_a_uuid_of_its_own() -> None:
    assert source_uuid(1234567, 1) == SOURCE
    assert len({SOURCE, source_uuid(1234567, 2), source_uuid(7, 1), source_uuid(1234567, 1, "PDB1")}) == 4


def test_a_position_of_another_incarnation_is_refused() -> None:
    with pytest.raises(Unsupported, match="RESETLOGS"):
        progress(position_at(source_uuid(1234567, 2), 100, 90))


def test_what_was_committed_before_is_executed_and_what_lies_between_is_told_as_skipped() -> None:
    run = progress(f"{SOURCE}:1-100:105,{SOURCE}:resume:1-90")
    assert run.resume == 90
    assert [run.is_executed(scn) for scn in (95, 100, 101, 105)] == [True, True, False, True]
    assert run.skipped(102) == f"{SOURCE}:101-102"
    assert run.committed(103, 101, 0).gtid == f"{SOURCE}:103"
    assert run.skipped(103) == ""
    assert run.skipped(110) == f"{SOURCE}:104-110"


def test_a_transaction_depends_on_what_was_committed_before_its_last_change() -> None:
    run = progress(position_at(SOURCE, 100, 100))
    first, second = run.committed(110, 105, 0).order, run.committed(120, 108, 0).order
    third, after = run.committed(130, 110, 0).order, run.committed(140, 125, 0).order
    assert [each.sequence for each in (first, second, third, after)] == [1, 2, 3, 4]
    assert [each.last_committed for each in (first, second, third, after)] == [0, 0, 1, 2]
    definition = run.defined(150, 0).order
    assert (definition.last_committed, definition.sequence) == (4, 5)
    assert run.committed(160, 10, 0).order.last_committed == 5


def test_the_place_to_begin_again_counts_when_all_before_it_is_executed() -> None:
    executed = GtidSet.parse(position_at(SOURCE, 100, 90))
    run = Progress(SOURCE, executed)
    advance = run.resumes(98, 0)
    assert advance is not None
    of, skipped = advance
    assert of.order.last_committed == of.order.sequence - 1
    executed.update(GtidSet.parse(skipped))  # noted at once
    assert Progress(SOURCE, executed).resume == 90
    executed.add(of.source, of.number)
    assert Progress(SOURCE, executed).resume == 98


def test_what_a_killed_run_has_told_is_not_taken_for_the_next_ones() -> None:
    executed = GtidSet.parse(position_at(SOURCE, 100, 90))
    told = Progress(SOURCE, executed).resumes(200, 0)
    assert told is not None
    executed.update(GtidSet.parse(told[1]))
    again = Progress(SOURCE, executed)
    assert again.resume == 90
    assert again.resumes(150, 0) is None, "the numbers up to 200 are in the set: all of them would count"
    assert again.resumes(201, 0) is not None


def test_a_start_at_an_scn_of_the_users_is_noted() -> None:
    executed = GtidSet.parse(f"{SOURCE}:1-100")
    run = Progress(SOURCE, executed)
    assert run.begins_unknown
    executed.update(GtidSet.parse(run.introduction()))
    again = Progress(SOURCE, executed)
    assert again.introduction() == ""
    assert again.begins_unknown
    advance = again.resumes(120, 0)
    assert advance is not None
    executed.add(advance[0].source, advance[0].number)
    executed.update(GtidSet.parse(advance[1]))
    assert not Progress(SOURCE, executed).begins_unknown


def test_the_position_of_a_snapshot_is_not_one_of_the_users() -> None:
    assert not progress(position_at(SOURCE, 100, 90)).begins_unknown
