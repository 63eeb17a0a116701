"""What every source keeps to."""

from __future__ import annotations

import threading
from contextlib import closing

import pytest

from tests.drivers.contract.pair import Pair
from udup.base.errors import Refused, Transient
from udup.pipeline.ports import ChangeLog, LogPlan, StartPoint
from udup.pipeline.records import Definition, Part, Record, Skipped, Transaction


def _plan(pair: Pair, start_after: str) -> LogPlan:
    return LogPlan("contract", pair.scope, start_after)


def _until_quiet(pair: Pair, log: ChangeLog, start_after: str) -> list[Record]:
    """Return the records up to what the source has executed now, and the first pause behind them."""
    until = pair.source.position(pair.executed()) - pair.source.position(start_after)
    read = pair.source.position("")
    found: list[Record] = []
    for record in log:
        if record is None:
            if until <= read:
                return found
            continue
        found.append(record)
        if isinstance(record, Skipped):
            read.update(pair.source.position(record.gtids))
        elif isinstance(record, (Transaction, Definition)) or (isinstance(record, Part) and record.last):
            read.add(record.id.source, record.id.number)
    raise AssertionError("a log ends by an error alone")


class SourceContract:
    def test_a_position_is_the_same_as_text_and_back(self, pair: Pair) -> None:
        text = pair.executed()
        position = pair.source.position(text)
        assert str(pair.source.position(str(position))) == str(position) == str(pair.target.position(text))
        assert position <= position.copy() and not position - position
        assert not pair.source.position("") and pair.source.position("") <= position

    def test_the_clock_tells_what_is_executed_now(self, pair: Pair) -> None:
        with closing(pair.source.open_clock()) as clock:
            before = clock.read()
            pair.create("t")
            gtid = pair.write("t", insert=["a"])
            after = clock.read()
            assert not clock.awaits_acknowledgement()
        missing = pair.source.position(gtid)
        assert missing <= pair.source.position(after.executed)
        assert not missing <= pair.source.position(before.executed)
        assert after.now_us >= before.now_us
        assert before.server_uuid == after.server_uuid == pair.source.look(pair.scope).info.uuid

    def test_what_is_committed_before_the_question_is_in_its_answer(self, pair: Pair) -> None:
        pair.create("t")
        before = pair.source.executed()
        gtid = pair.source.position(pair.write("t", insert=["a"]))
        assert gtid <= pair.source.executed() and not gtid <= before
        assert str(pair.source.executed()) == str(pair.source.position(pair.executed()))

    def test_the_log_after_a_position_of_now_is_kept(self, pair: Pair) -> None:
        with closing(pair.source.open_clock()) as clock:
            position = pair.executed()
            pair.create("t")
            clock.check_kept(position)

    def test_its_look_says_which_server_it_is(self, pair: Pair) -> None:
        look = pair.source.look(pair.scope)
        assert look.info.uuid and look.info.address and look.faults == ()
        with closing(pair.source.open_log(_plan(pair, pair.executed()))) as log:
            assert log.begin().server_uuid == look.info.uuid

    def test_the_tables_of_a_job_are_those_of_its_selection(self, pair: Pair) -> None:
        pair.create("t")
        pair.create("u")
        found = pair.source.tables(pair.scope, None)
        assert sorted(table for _, table, _, _ in found.tables) == ["t", "u"]
        assert not found.all_of_them and found.server_uuid
        with closing(pair.source.open_copy(pair.scope, readers=1, chunk_rows=None)) as copy:
            copied = pair.source.tables(pair.scope, copy)
        assert copied.all_of_them and sorted(copied.tables) == sorted(found.tables)

    def test_a_log_begins_behind_its_position_and_keeps_the_order(self, pair: Pair) -> None:
        pair.create("t")
        pair.write("t", insert=["before"])
        position = pair.executed()
        gtids = [pair.write("t", insert=["a"]), pair.write("t", update=["a"]), pair.write("t", insert=["b"])]
        with closing(pair.source.open_log(_plan(pair, position))) as log:
            log.begin()
            found = [each for each in _until_quiet(pair, log, position) if isinstance(each, Transaction)]
            assert [each.id.gtid for each in found] == gtids
            assert [bool(each.new_maps) for each in found] == [True, False, False], "a table is told of once a run"
            assert found[1].id.order.last_committed >= found[0].id.order.sequence, "it changes the same row"
            assert log.place.file

    def test_what_holds_nothing_for_the_job_is_told_as_skipped(self, pair: Pair) -> None:
        pair.create("t")
        pair.create("other")
        position = pair.executed()
        gtid = pair.write("other", insert=["a"])
        scope = type(pair.scope)(type(pair.scope.selection).of([(pair.schema, ["t"])]))
        with closing(pair.source.open_log(LogPlan("contract", scope, position))) as log:
            log.begin()
            found = _until_quiet(pair, log, position)
        assert not [each for each in found if isinstance(each, (Transaction, Part))]
        [skipped] = [each for each in found if isinstance(each, Skipped)]
        assert pair.source.position(gtid) <= pair.source.position(skipped.gtids)

    def test_a_start_now_is_after_everything_that_is_executed(self, pair: Pair) -> None:
        pair.create("t")
        gtid = pair.write("t", insert=["a"])
        before = pair.source.position(pair.executed())
        found = pair.source.find_start(StartPoint())
        assert before <= pair.source.position(found.position) <= pair.source.position(pair.executed())
        assert pair.source.position(gtid) <= before
        assert found.server_uuid == pair.source.tables(pair.scope, None).server_uuid

    def test_a_start_with_a_transaction_is_after_those_in_front_of_it(self, pair: Pair) -> None:
        pair.create("t")
        before = pair.source.position(pair.executed())
        first = pair.write("t", insert=["a"])
        second = pair.write("t", insert=["b"])
        assert str(pair.source.position(pair.source.find_start(StartPoint(gtid=first)).position)) == str(before)
        after = pair.source.position(pair.source.find_start(StartPoint(gtid=second)).position)
        assert pair.source.position(first) <= after and not pair.source.position(second) <= after

    def test_a_start_with_the_next_transaction_is_after_everything_and_says_that_it_is_awaited(
        self, pair: Pair
    ) -> None:
        pair.create("t")
        gtid = pair.write("t", insert=["a"])
        origin, _, number = gtid.rpartition(":")
        found = pair.source.find_start(StartPoint(gtid=f"{origin}:{int(number) + 1}"))
        assert found.awaited and pair.source.position(gtid) <= pair.source.position(found.position)
        assert not pair.source.find_start(StartPoint(gtid=gtid)).awaited
        assert not pair.source.find_start(StartPoint()).awaited

    def test_a_start_at_an_offset_is_after_what_stands_in_front_of_it(self, pair: Pair) -> None:
        pair.create("t")
        file, offset = pair.place()
        before = pair.executed()
        gtid = pair.write("t", insert=["a"])
        end = pair.place()
        found = pair.source.find_start(StartPoint(file=file, offset=offset))
        assert str(pair.source.position(found.position)) == str(pair.source.position(before))
        found = pair.source.find_start(StartPoint(file=end[0], offset=end[1]))
        assert pair.source.position(gtid) <= pair.source.position(found.position)

    def test_a_start_that_is_not_in_the_log_is_refused(self, pair: Pair) -> None:
        pair.create("t")
        source, _, number = pair.write("t", insert=["a"]).rpartition(":")
        file, offset = pair.place()
        for point in (
            StartPoint(gtid=f"{source}:{int(number) + 1000}"),
            StartPoint(file=f"{file}9", offset=offset),
            StartPoint(file=file, offset=offset + 1),
        ):
            with pytest.raises(Refused):
                pair.source.find_start(point)

    def test_a_large_transaction_comes_in_numbered_parts(self, pair: Pair) -> None:
        pair.create("t")
        position = pair.executed()
        pair.write("t", insert=[f"k{number}" for number in range(pair.large_rows)])
        with closing(pair.source.open_log(_plan(pair, position))) as log:
            log.begin()
            parts = [each for each in _until_quiet(pair, log, position) if isinstance(each, Part)]
        assert len(parts) > 1 and [each.index for each in parts] == list(range(len(parts)))
        assert [each.last for each in parts] == [False] * (len(parts) - 1) + [True]
        assert len({each.id for each in parts}) == 1

    def test_a_log_that_is_closed_ends_its_reader_by_an_error(self, pair: Pair) -> None:
        position = pair.executed()
        log = pair.source.open_log(_plan(pair, position))
        log.begin()
        ended: list[BaseException] = []

        def read() -> None:
            try:
                for _ in log:
                    pass
            except Transient as error:
                ended.append(error)

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        log.close()
        thread.join(20)
        assert not thread.is_alive() and len(ended) == 1

    def test_a_snapshot_stands_still_while_the_source_goes_on(self, pair: Pair) -> None:
        pair.create("t")
        pair.write("t", insert=["a", "b"])
        with closing(pair.source.open_copy(pair.scope, readers=2, chunk_rows=10)) as copy:
            gtid = pair.write("t", insert=["c"])
            position = pair.source.position(copy.plan.position)
            assert not pair.source.position(gtid) <= position
            assert [table.rows_estimate >= 0 for table in copy.plan.tables] == [True]

    @pytest.mark.parametrize("readers", [1, 3])
    def test_each_chunk_is_read_by_one_reader_and_every_table_is_told_of(self, pair: Pair, readers: int) -> None:
        from udup.pipeline.ports import Piece
        from udup.pipeline.records import CopyTotals, StartRows

        for name, count in (("t", 35), ("u", 5), ("v", 0)):
            pair.create(name)
            if count:
                pair.write(name, insert=[f"k{number}" for number in range(count)])
        totals: list[CopyTotals] = []
        pieces: list[Piece] = []
        with closing(pair.source.open_copy(pair.scope, readers=readers, chunk_rows=10)) as copy:
            copy.start(StartRows("load"), totals.append)
            threads = [threading.Thread(target=copy.read, args=(each, pieces.append)) for each in range(readers)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(60)
            names = [table.name for table in copy.plan.tables]
        rows = {names[each.table]: each.rows for each in totals}
        assert rows == {"t": 35, "u": 5, "v": 0} and len(totals) == 3
        ends = [piece for piece in pieces if piece.last]
        assert len({(piece.table, piece.chunk) for piece in ends}) == len(ends) == sum(each.chunks for each in totals)
        assert sum(piece.rows for piece in ends) == 40
