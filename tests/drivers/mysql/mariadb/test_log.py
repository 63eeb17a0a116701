"""A MariaDB log in MySQL's form: what three versions have sent, event by event; order, gaps, and what comes again."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest

from tests.drivers.mysql.mariadb.recorded import LOGS, events_of
from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.event import HEADER, EventType, checksum_is_right, has_checksums, resized
from udup.drivers.mysql.binlog.gtid import Gtid, GtidSet, parse_gtid_event
from udup.drivers.mysql.binlog.query import parse_query, parse_status
from udup.drivers.mysql.binlog.table_map import table_name
from udup.drivers.mysql.ddl.classify import classify
from udup.drivers.mysql.ddl.query_classifier import QueryClassifier
from udup.drivers.mysql.mariadb.events import MariaEvent, gtid_list, inflated, parse_gtid, status_to_mysql
from udup.drivers.mysql.mariadb.log import Translation
from udup.drivers.mysql.mariadb.modes import to_mysql, words_of
from udup.drivers.mysql.mariadb.passed import PASSED, parse_passed
from udup.drivers.mysql.mariadb.reading import Reading
from udup.drivers.mysql.mariadb.sequences import without_sequence
from udup.drivers.mysql.rows.codec import RowCodecs
from udup.drivers.mysql.stream.assembly import Assembler
from udup.pipeline.records import Definition, Skipped, Transaction, XaEnd
from udup.pipeline.selection.selection import Selection

#: The server of each version, which its GTIDs have.
SERVERS = {"10.5.23": 10, "10.11.18": 11, "11.8.9": 12}

VERSIONS = pytest.mark.parametrize("version", LOGS)


def _translated(version: str, start_after: str = "", last: dict[int, int] | None = None) -> list[bytes]:
    translation = Translation(GtidSet.parse(start_after))
    translation.begin(last or {})
    return [made for event in events_of(version) for made in translation.events_of(event)]


def _gtids(events: list[bytes]) -> list[Gtid]:
    return [parse_gtid_event(event, has_crc=True) for event in events if event[4] == EventType.GTID]


@VERSIONS
def test_every_event_is_one_of_mysql_with_its_size_and_its_checksum(version: str) -> None:
    events = _translated(version)
    known = {*EventType, PASSED}
    for event in events:
        assert event[4] in known
        assert HEADER.unpack_from(event)[3] == len(event)
        assert checksum_is_right(event)
    assert not {event[4] for event in events} & {*MariaEvent, 23, 24, 25} - {PASSED}


@VERSIONS
def test_each_transaction_begins_with_a_gtid_of_domain_and_server(version: str) -> None:
    server = SERVERS[version]
    names = [str(gtid) for gtid in _gtids(_translated(version))]
    assert names[:3] == [f"0-{server}-1", f"0-{server}-2", f"0-{server}-3"]
    assert f"5-{server}-1" in names
    assert names.index(f"0-{server}-100") == names.index(f"5-{server}-1") + 1
    assert all(gtid.committed_us % 1_000_000 == 0 and gtid.committed_us > 1e15 for gtid in _gtids(_translated(version)))


@VERSIONS
def test_numbers_that_nobody_has_used_are_told_as_passed(version: str) -> None:
    passed = [parse_passed(event) for event in _translated(version) if event[4] == PASSED]
    assert passed[0] == (f"0-{SERVERS[version]}", 18, 100)
    everything = GtidSet()
    for gtid in _gtids(_translated(version)):
        everything.add(gtid.source, gtid.number)
    for each in passed:
        everything.add_range(*each)
    assert [len(ranges) for _, ranges in everything.items()] == [1, 1]


@VERSIONS
def test_statements_are_as_mysql_writes_them(version: str) -> None:
    statements = [parse_query(event, has_crc=True) for event in _translated(version) if event[4] == EventType.QUERY]
    for each in statements:
        each.variables()
    texts = [each.sql.decode() for each in statements]
    assert "XA START X'7831',X'62',3" in texts
    assert "XA COMMIT X'7831',X'62',3" in texts
    [made] = [text for text in texts if text.startswith("CREATE TABLE `s`")]
    assert made.endswith(" START TRANSACTION")
    [long] = [text for text in texts if text.startswith("create table c")]
    assert long.count("long ") == 100
    # of an ALTER in two halves, the end runs; what failed does not
    altered = [text for text in texts if text.startswith("alter")]
    assert altered == ([] if version == "10.5.23" else ["alter table t add x int", "alter table t drop x"])


@VERSIONS
def test_rows_are_read_as_they_were_written_compressed_or_in_any_image(version: str) -> None:
    codecs, found, maps = RowCodecs(), [], {}
    for event in _translated(version):
        if event[4] == EventType.TABLE_MAP:
            maps[event[19:25]] = event
        elif event[4] in (EventType.WRITE_ROWS, EventType.UPDATE_ROWS, EventType.DELETE_ROWS):
            table_map = maps[event[19:25]]
            if table_name(table_map).table == "t":
                found.append((EventType(event[4]).name, len(event)))
            codecs.of(table_map, has_crc=True).read(event, has_crc=True)
    assert any(kind == "WRITE_ROWS" and size > 3000 for kind, size in found)
    assert any(kind == "UPDATE_ROWS" and size > 6000 for kind, size in found)


def test_what_committed_together_depends_on_nothing_within() -> None:
    events = _translated("11.8.9")
    order = [(gtid.number, gtid.last_committed, gtid.sequence) for gtid in _gtids(events)]
    orders = {number: (before, own) for number, before, own in order}
    assert [orders[number] for number in range(112, 121)] == [
        (1, 2),
        *[(2, 3), (2, 4), (2, 5)],
        *[(5, 6), (5, 7), (5, 8)],
        *[(8, 9), (9, 10)],
    ]
    assert [orders[number] for number in (5, 6, 7)] == [(4, 5), (5, 6), (6, 7)]


@VERSIONS
def test_what_is_executed_is_left_out_and_all_else_comes(version: str) -> None:
    server = SERVERS[version]
    executed = GtidSet.parse(f"0-{server}-6,0-{server}-9:101,5-{server}-1")
    found = [str(gtid) for gtid in _gtids(_translated(version, str(executed)))]
    all_of_it = _gtids(_translated(version))
    assert found == [str(gtid) for gtid in all_of_it if not executed.contains(gtid.source, gtid.number)]


@pytest.mark.parametrize("seed", range(20))
def test_a_stream_that_begins_again_anywhere_tells_each_once(seed: int) -> None:
    """What a stream has told is a set, and one that begins with all of the log and that set tells the rest."""
    events = events_of("11.8.9")
    cut = seed * len(events) // 20
    first = Translation(GtidSet())
    told = [made for event in events[:cut] for made in first.events_of(event)]
    again = Translation(first.passed)
    told += [made for event in events for made in again.events_of(event)]
    names = [str(gtid) for gtid in _gtids(told)]
    assert names == [str(gtid) for gtid in _gtids(_translated("11.8.9"))]
    assert again.passed == GtidSet.parse("0-12-122,5-12-1")


def test_numbers_that_do_not_grow_stop_the_job() -> None:
    events = events_of("11.8.9")
    translation = Translation(GtidSet())
    translation.begin({0: 50})
    with pytest.raises(Unsupported, match="0-12-1 stands in the log behind number 50 of its domain"):
        [translation.events_of(event) for event in events]


def test_a_log_that_begins_behind_what_the_job_has_stops_it() -> None:
    """A replica that was made of a copy begins its log with the number behind that."""
    events = events_of("11.8.9")
    begins = next(at for at, event in enumerate(events) if event[4] == MariaEvent.GTID and event[19] == 9)
    made = [events[0], *events[begins:]]
    for has, stops in (("0-12-7", True), ("0-12-7,0-12-9:20", True), ("0-12-8", False), ("0-12-30", False)):
        translation = Translation(GtidSet.parse(has))
        translation.begin({})
        if stops:
            with pytest.raises(Unsupported, match="begins with 0-12-9, and the job goes on after number 7"):
                [translation.events_of(event) for event in made]
        else:
            [translation.events_of(event) for event in made]
    told_before = Translation(GtidSet.parse("0-12-7"))
    told_before.begin({0: 6})
    [told_before.events_of(event) for event in made]  # 8 is a number that this log has never had


@VERSIONS
def test_a_log_becomes_records(version: str) -> None:
    selection = Selection()
    assembler = Assembler(selection, QueryClassifier(selection, False).decide)
    records = [record for event in _translated(version) for record in assembler.feed(event)]
    records += assembler.flush_skipped()
    server = SERVERS[version]
    named = {record.id.gtid: record for record in records if isinstance(record, Transaction | Definition | XaEnd)}
    made = named[f"0-{server}-13"]
    assert isinstance(made, Transaction)
    assert made.create
    prepared, ended = named[f"0-{server}-14"], named[f"0-{server}-15"]
    assert isinstance(prepared, Transaction)
    assert isinstance(ended, XaEnd)
    assert prepared.xid == ended.xid
    assert ended.commit
    everything = GtidSet.parse(",".join(record.gtids for record in records if isinstance(record, Skipped)))
    for record in named.values():
        everything.add(record.id.source, record.id.number)
    last = {"10.5.23": 115, "10.11.18": 121, "11.8.9": 122}[version]
    assert str(everything) == f"0-{server}-{last},5-{server}-1"


@VERSIONS
def test_rows_of_a_sequence_are_nobodys(version: str) -> None:
    maps = [event for event in _translated(version) if event[4] == EventType.TABLE_MAP]
    assert sum(table_name(event).schema == "mysql" for event in maps) == 1
    [logged] = [event for event in events_of(version) if event[4] == EventType.TABLE_MAP and b"cycle_count" in event]
    without_names = resized(logged[: logged.index(b"\x15next_") - 2] + logged[-4:], has_crc=True)
    with pytest.raises(Unsupported, match="binlog_row_metadata"):
        without_sequence(without_names, has_crc=True)
    renamed = logged.replace(b"cycle_count", b"cycle_COUNT")
    assert without_sequence(renamed, has_crc=True) == renamed


#: As 11.8 has logged it.
SMALL_SEQUENCE = bytes.fromhex(
    "1b00000000000100016400027371000802020202080801080000010106046c156e6578745f6e6f745f6361636865645f76616c7565"
    "0d6d696e696d756d5f76616c75650d6d6178696d756d5f76616c75650b73746172745f76616c756509696e6372656d656e740a6361"
    "6368655f73697a650c6379636c655f6f7074696f6e0b6379636c655f636f756e74"
)


def _table_map(body: bytes) -> bytes:
    return resized(HEADER.pack(1, EventType.TABLE_MAP, 1, 0, 0, 0) + body + bytes(4), has_crc=True)


def test_a_sequence_of_small_numbers_is_nobodys_too() -> None:
    event = _table_map(SMALL_SEQUENCE)
    assert table_name(event).schema == "d"
    assert table_name(without_sequence(event, has_crc=True)).schema == "mysql"


@pytest.mark.parametrize(
    ("types", "nulls"),
    [("0808080808080801080f00", "0000"), ("0f0808080808080108", "0000"), ("0808080808080108", "10")],
)
def test_a_table_that_has_a_few_of_its_columns_is_none(types: str, nulls: str) -> None:
    kinds = bytes.fromhex(types)
    metadata = b"\x64\x00" * kinds.count(0x0F)
    body = bytes.fromhex("1b00000000000100016400017400") + bytes([len(kinds)]) + kinds
    event = _table_map(body + bytes([len(metadata)]) + metadata + bytes.fromhex(nulls))
    assert without_sequence(event, has_crc=True) == event


def test_the_list_of_gtids_in_front_of_a_file_is_read() -> None:
    lists = [event for event in events_of("11.8.9") if event[4] == MariaEvent.GTID_LIST]
    assert gtid_list(lists[0][19:-4]) == []
    assert sorted(gtid_list(lists[-1][19:-4])) == [(0, 12, 110), (5, 12, 1)]


def test_a_gtid_of_an_old_server_is_filled_up_with_zeros() -> None:
    [first] = [event for event in events_of("10.5.23") if event[4] == MariaEvent.GTID][:1]
    assert has_checksums(next(event for event in events_of("10.5.23") if event[4] == EventType.FORMAT_DESCRIPTION))
    gtid = parse_gtid(first[19:-4], 10)
    assert (gtid.source, gtid.number, gtid.commit_id, gtid.extra, gtid.xid) == ("0-10", 1, 0, 0, "")


def test_what_says_another_size_than_it_has_is_not_inflated() -> None:
    with pytest.raises(ValueError, match="not of the"):
        inflated(b"\x81\x05x\x9cKL\x02\x00\x01&\x00\xc4")
    with pytest.raises(ValueError, match="unknown kind"):
        inflated(b"\x91\x05")
    with pytest.raises(ValueError, match="says that it has"):
        inflated(b"\x85\xff\xff\xff\xff\xff")


@pytest.mark.parametrize("seed", range(30))
def test_an_event_that_is_not_what_its_lengths_say_stops_the_job(seed: int) -> None:
    """Bytes of events are changed by chance: each is carried, or refused by a job's own error."""
    chance = random.Random(seed)
    for event in events_of("11.8.9"):
        reading = Reading(GtidSet(), 1.0)
        broken = bytearray(event)
        for _ in range(3):
            broken[chance.randrange(19, len(broken))] = chance.randrange(256)
        with suppress(Unsupported):
            reading.events_of(bytes(broken[: chance.randrange(20, len(broken) + 1)]))


def test_status_variables_of_mariadb_alone_are_left_out() -> None:
    status = bytes.fromhex("0000000001010000204401000000060373746483012d00000904000900090009")
    own = bytes.fromhex("80010203810000000000000001820469000000000000008202")
    found = status_to_mysql(status[:5] + own + status[5:])
    assert b"\x83" not in found
    assert found[7:11] == bytes.fromhex("0d010203")  # the microseconds, by MySQL's number
    assert found.endswith(bytes.fromhex("04000900090009"))
    assert status_to_mysql(b"\x03\x01\x00\x01\x00\xc8\x01").endswith(b"\xc8\x01")  # not known: whoever reads


def test_modes_are_translated_by_name() -> None:
    strict, empty_is_null, rounds, truncates = 1 << 22, 1 << 32, 1 << 34, 1 << 32
    assert to_mysql(strict) == strict | truncates
    assert to_mysql(strict | rounds | 1 << 28) == strict
    own = to_mysql(empty_is_null | rounds)
    assert own == 1 << 48, "a bit that MySQL does not use"
    assert words_of(to_mysql(1 << 33 | 1 << 9 | 1 << 4 | rounds | 1)) == [
        *("REAL_AS_FLOAT", "IGNORE_BAD_TABLE_OPTIONS", "SIMULTANEOUS_ASSIGNMENT", "ORACLE"),
    ]
    common = sum(1 << bit for bit in (*range(4), *range(5, 8), *range(18, 28), *range(29, 32)))
    assert to_mysql((1 << 35) - 1) & ((1 << 33) - 1) == common


def test_start_transaction_stands_in_front_of_the_partitions() -> None:
    events = events_of("11.8.9")
    translation = Translation(GtidSet())
    for event in events:
        if event[4] == EventType.QUERY and b"CREATE TABLE `s`" in event:
            long = resized(event[:-4] + b"\n PARTITION BY HASH (`id`)" + event[-4:], has_crc=True)
            [made] = translation.events_of(long)
            break
        translation.events_of(event)
    assert parse_query(made, has_crc=True).sql.endswith(b" START TRANSACTION\n PARTITION BY HASH (`id`)")


def test_an_index_that_may_be_there_is_understood() -> None:
    for sql in (b"CREATE INDEX IF NOT EXISTS k ON t (a)", b"DROP INDEX IF EXISTS k ON t"):
        assert [str(each.name) for each in classify(sql, "shop").objects] == ["t"]


@pytest.mark.parametrize(
    ("sql", "wanted"),
    [
        ("/*M! ALTER TABLE t ADD c INT */", "ALTER TABLE t ADD c INT"),
        ("/*M!100100 DROP TABLE t */", "DROP TABLE t"),
        ("DROP TABLE t /* it's gone */ /*M!100100 , u */", "DROP TABLE t /* it's gone */  , u"),
        ("DROP TABLE t /*!50701 , u *//*M! , v */", "DROP TABLE t  , u  , v"),
        ("CREATE TABLE t (a INT) COMMENT 'it''s /*M! no */'", "CREATE TABLE t (a INT) COMMENT 'it''s /*M! no */'"),
        ("DROP TABLE t /* was 'a' */", "DROP TABLE t /* was 'a' */"),
    ],
)
def test_what_mariadb_alone_reads_is_in_the_open(sql: str, wanted: str) -> None:
    body = bytes(11) + b"\0\0" + b"\0" + sql.encode() + bytes(4)
    event = resized(HEADER.pack(1, EventType.QUERY, 1, 0, 0, 0) + body, has_crc=True)
    [made] = Translation(GtidSet()).events_of(event)
    assert parse_query(made, has_crc=True).sql.decode().strip() == wanted


@pytest.mark.parametrize(("flags", "is_explicit"), [("00000001", True), ("00000011", True), ("00000010", False)])
def test_what_a_timestamp_is_by_default_is_said_as_mysql_says_it(flags: str, is_explicit: bool) -> None:
    variables = parse_status(status_to_mysql(bytes.fromhex("00" + flags)))
    assert variables.explicit_defaults_for_timestamp is is_explicit
