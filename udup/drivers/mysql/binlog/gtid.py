"""GTIDs: the events that carry them and sets of them, tags included.

A set maps a source (`uuid` or `uuid:tag`, lower case) to sorted, disjoint, half-open ranges of numbers. Text and
binary forms are the server's own: `uuid:1-5:7,uuid:tag:1-3`, and what COM_BINLOG_DUMP_GTID and PREVIOUS_GTIDS
carry (untagged sets in the old form; with a tag in them a form marked by 1 in the first and the last byte of the
source count, and a length-prefixed tag after each UUID).

In MariaDB a number belongs to a domain, whichever server wrote it. So there a set maps a domain, as text, to ranges of
numbers, and notes beside them who wrote the last of each range, which a position has to name. Transactions are added
and asked for by domain and server, `0-1`. Its text is `mariadb/gtids.py`'s.
"""

from __future__ import annotations

import re
import struct
import uuid
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from udup.base.long_text import cut_set
from udup.base.transaction_names import origin_and_number, transaction_name
from udup.drivers.mysql.binlog.event import CRC_SIZE, HEADER_SIZE, EventType
from udup.drivers.mysql.mariadb.gtids import (
    UNKNOWN_SERVER,
    domain_of,
    from_octets,
    parse_part,
    part_text,
    server_of,
)

_UUID = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")
_TAG = re.compile(r"^[a-z_][a-z0-9_]{0,31}$")
_RANGE = re.compile(r"^(\d+)(?:-(\d+))?$")
_U64 = struct.Struct("<Q")

#: Bit that says that a second commit time (the original's) follows the first.
_HAS_ORIGINAL_TIME = 1 << 55

#: Characters of a GTID set in a message: more is read by nobody, and it may have megabytes.
BRIEF_MAX = 600

#: Characters of a UUID. What is shorter is a domain of MariaDB's, perhaps with a server.
_UUID_LENGTH = 36

#: Marks the tagged binary form of a set.
_TAGGED_FORM = 1


@dataclass(frozen=True, slots=True)
class Gtid:
    """What a GTID event says: who, number, dependencies on this log file's transactions, commit time in µs.

    `original_us` is the commit time on the server where the transaction came from, 0 if that is not known. `sequence`
    is 0 where the server says nothing of the order (MySQL 5.6).
    """

    source: str
    number: int
    last_committed: int
    sequence: int
    committed_us: int
    original_us: int = 0

    def __str__(self) -> str:
        return transaction_name(self.source, self.number)


class GtidSet:
    """A set of GTIDs; mutable, since positions grow by one transaction at a time."""

    __slots__ = ("_ranges", "_writers")

    def __init__(self) -> None:
        self._ranges: dict[str, list[list[int]]] = {}
        #: By domain: the last numbers of its ranges, and the servers that wrote them.
        self._writers: dict[str, dict[int, int]] = {}

    @classmethod
    def parse(cls, text: str) -> GtidSet:
        """From the server's text form (any white space and case); ValueError names the part that is wrong."""
        result = cls()
        for part in re.sub(r"\s+", "", text).lower().split(","):
            if part:
                result._parse_part(part)
        return result

    @classmethod
    def of_transactions(cls, names: Iterable[str]) -> GtidSet:
        """Return the set of these transactions. As a set's text, MariaDB's `0-1-42` is everything up to 42."""
        result = cls()
        for name in names:
            result.add(*origin_and_number(name.lower()))
        return result

    def _parse_part(self, part: str) -> None:
        if (found := parse_part(part)) is not None:
            domain, server, first, last = found
            self.add_range(f"{domain}-{server}", first, last + 1)
            return
        source, *items = part.split(":")
        if not _UUID.match(source) or not items:
            raise ValueError(f"{part!r} is not UUID[:tag]:number[-number], or domain-server-number")
        key, ranges = source, 0
        for item in items:
            match = _RANGE.match(item)
            if match is None:
                if not _TAG.match(item):
                    raise ValueError(f"{item!r} in {part!r} is neither a range of numbers nor a tag")
                key = f"{source}:{item}"
                continue
            start, stop = int(match[1]), int(match[2] or match[1])
            if start < 1 or stop < start:
                raise ValueError(f"{item!r} in {part!r} is not a range of numbers from 1 up")
            self.add_range(key, start, stop + 1)
            ranges += 1
        if not ranges:
            raise ValueError(f"{part!r} has no numbers")

    def copy(self) -> GtidSet:
        other = GtidSet()
        other._ranges = {key: [list(pair) for pair in ranges] for key, ranges in self._ranges.items()}
        other._writers = {domain: dict(writers) for domain, writers in self._writers.items()}
        return other

    def add(self, source: str, number: int) -> None:
        """Add one; quick where it follows on the last."""
        if len(source) < _UUID_LENGTH:
            self._add_of_domain(source, number)
            return
        ranges = self._ranges.get(source)
        if ranges and ranges[-1][1] == number:
            ranges[-1][1] = number + 1
        else:
            self.add_range(source, number, number + 1)

    def _add_of_domain(self, source: str, number: int) -> None:
        domain = domain_of(source)
        ranges = self._ranges.get(domain)
        if not ranges or ranges[-1][1] != number:
            self.add_range(source, number, number + 1)
            return
        ranges[-1][1] = number + 1
        writers = self._writers[domain]
        writers.pop(number - 1, None)
        writers[number] = server_of(source)

    def add_range(self, source: str, start: int, stop: int) -> None:
        """Add the numbers start … stop-1; the last of them is by the server that the source names."""
        if len(source) >= _UUID_LENGTH:
            self._add_range(source, start, stop)
            return
        domain, server = domain_of(source), server_of(source)
        self._add_range(domain, start, stop)
        writers = self._writers.setdefault(domain, {})
        if server != UNKNOWN_SERVER or stop - 1 not in writers:
            writers[stop - 1] = server
        ends = {end - 1 for _, end in self._ranges[domain]}
        self._writers[domain] = {number: writer for number, writer in writers.items() if number in ends}

    def _add_range(self, source: str, start: int, stop: int) -> None:
        ranges = self._ranges.setdefault(source, [])
        if not ranges or ranges[-1][1] < start:
            ranges.append([start, stop])
            return
        at = bisect_right(ranges, start, key=lambda pair: pair[0])
        if at and ranges[at - 1][1] >= start:
            at -= 1
            start = ranges[at][0]
        end = at
        while end < len(ranges) and ranges[end][0] <= stop:
            stop = max(stop, ranges[end][1])
            end += 1
        ranges[at:end] = [[start, stop]]

    def update(self, other: GtidSet) -> None:
        for key, ranges in other._ranges.items():
            is_domain = len(key) < _UUID_LENGTH
            for start, stop in ranges:
                self.add_range(f"{key}-{other.writer(key, stop - 1)}" if is_domain else key, start, stop)

    def contains(self, source: str, number: int) -> bool:
        ranges = self._ranges.get(source if len(source) >= _UUID_LENGTH else domain_of(source), [])
        at = bisect_right(ranges, number, key=lambda pair: pair[0])
        return bool(at) and number < ranges[at - 1][1]

    def __or__(self, other: GtidSet) -> GtidSet:
        result = self.copy()
        result.update(other)
        return result

    def __sub__(self, other: GtidSet) -> GtidSet:
        result = GtidSet()
        for key, ranges in self._ranges.items():
            if left := _without(ranges, other._ranges.get(key, [])):
                result._ranges[key] = left
                if (writers := self._writers.get(key)) is not None:
                    ends = {stop - 1 for _, stop in left}
                    result._writers[key] = {number: server for number, server in writers.items() if number in ends}
        return result

    def __le__(self, other: GtidSet) -> bool:
        """Return whether every GTID of this set is in the other."""
        return not self - other

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GtidSet) and self._ranges == other._ranges

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        return bool(self._ranges)

    def __len__(self) -> int:
        """Return how many GTIDs there are."""
        return sum(stop - start for ranges in self._ranges.values() for start, stop in ranges)

    def items(self) -> Iterator[tuple[str, list[list[int]]]]:
        """Yield sources in order (UUIDs with their tags, or domains), each with its ranges."""
        return iter(sorted(self._ranges.items(), key=lambda item: _in_order(item[0])))

    def ranges_of(self, source: str) -> list[list[int]]:
        """Return the ranges of a source: a UUID with its tag, or `domain-server`, whose domain is meant."""
        return self._ranges.get(source if len(source) >= _UUID_LENGTH else domain_of(source), [])

    def writer(self, domain: str, last: int) -> int:
        """Return which server wrote the last transaction of a range of a domain; 0 if that is not known."""
        return self._writers.get(domain, {}).get(last, UNKNOWN_SERVER)

    def __str__(self) -> str:
        parts: list[str] = []
        for key, ranges in self.items():
            if len(key) < _UUID_LENGTH:
                parts.extend(part_text(key, self.writer(key, b - 1), a, b - 1) for a, b in ranges)
                continue
            numbers = ":".join(str(a) if b == a + 1 else f"{a}-{b - 1}" for a, b in ranges)
            parts.append(f"{key}:{numbers}")
        return ",".join(parts)

    def __repr__(self) -> str:
        return f"GtidSet({str(self)!r})"

    def encode(self) -> bytes:
        """Return the binary form that the server reads in COM_BINLOG_DUMP_GTID."""
        tagged = any(":" in key for key in self._ranges)
        count = len(self._ranges)
        head = count if not tagged else _TAGGED_FORM << 56 | count << 8 | _TAGGED_FORM
        out = [_U64.pack(head)]
        for key, ranges in self.items():
            source, _, tag = key.partition(":")
            out.append(uuid.UUID(source).bytes)
            if tagged:
                out.append(bytes([len(tag) << 1]) + tag.encode())
            out.append(_U64.pack(len(ranges)))
            out.extend(struct.pack("<QQ", start, stop) for start, stop in ranges)
        return b"".join(out)

    @classmethod
    def decode(cls, data: bytes) -> GtidSet:
        """From the binary form, as in a PREVIOUS_GTIDS event's body."""
        result = cls()
        head: int = _U64.unpack_from(data)[0]
        tagged = head >> 56 == _TAGGED_FORM
        count = (head >> 8) & 0xFFFFFFFFFFFF if tagged else head
        offset = 8
        for _ in range(count):
            key = str(uuid.UUID(bytes=data[offset : offset + 16]))
            offset += 16
            if tagged:
                length = data[offset] >> 1
                tag = data[offset + 1 : offset + 1 + length].decode()
                offset += 1 + length
                key = f"{key}:{tag}" if tag else key
            ranges: int = _U64.unpack_from(data, offset)[0]
            offset += 8
            for _ in range(ranges):
                start, stop = struct.unpack_from("<QQ", data, offset)
                offset += 16
                result.add_range(key, start, stop)
        return result


def brief(gtids: GtidSet | str, limit: int = BRIEF_MAX) -> str:
    """Return a GTID set as a message names it: whole, or its beginning and that there is more."""
    return cut_set(str(gtids), limit) or "nothing"


def _in_order(key: str) -> tuple[int, str]:
    return (int(key), "") if len(key) < _UUID_LENGTH and key.isdecimal() else (-1, key)


def _without(ranges: list[list[int]], holes: list[list[int]]) -> list[list[int]]:
    """Return what remains of sorted ranges without others; in one walk, since a set may have tens of thousands."""
    left, at = [], 0
    for start, stop in ranges:
        while at < len(holes) and holes[at][1] <= start:
            at += 1
        while start < stop and at < len(holes) and holes[at][0] < stop:
            hole_start, hole_stop = holes[at]
            if hole_start > start:
                left.append([start, hole_start])
            start = hole_stop
            if hole_stop < stop:
                at += 1  # a longer one may reach into the next range
        if start < stop:
            left.append([start, stop])
    return left


#: Bytes of a GTID event's body that says its place in the order of commits, and of one with the time of its commit.
_WITH_ORDER, _WITH_TIMES = 42, 49


def parse_gtid_event(event: bytes, *, has_crc: bool) -> Gtid:
    """Return a GTID (33) or tagged GTID (42) event, header included."""
    body = event[HEADER_SIZE : -CRC_SIZE if has_crc else None]
    return _parse_tagged(body) if event[4] == EventType.GTID_TAGGED else _parse_plain(body, event)


def _parse_plain(body: bytes, event: bytes) -> Gtid:
    source = _uuid_text(body[1:17])
    number: int = _U64.unpack_from(body, 17)[0]
    if len(body) < _WITH_TIMES:
        # Of servers before 8.0.1: when the statement began, in seconds; and before 5.7 nothing of the order.
        committed_us = int.from_bytes(event[:4], "little") * 1_000_000
        last_committed, sequence = struct.unpack_from("<qq", body, 26) if len(body) >= _WITH_ORDER else (0, 0)
        return Gtid(source, number, last_committed, sequence, committed_us)
    last_committed, sequence = struct.unpack_from("<qq", body, 26)
    said = int.from_bytes(body[42:49], "little")
    committed = said & (_HAS_ORIGINAL_TIME - 1)
    original = int.from_bytes(body[49:56], "little") if said & _HAS_ORIGINAL_TIME else committed
    return Gtid(source, number, last_committed, sequence, committed, original)


#: Fields of a tagged GTID event that are of use here (mysql::serialization ids).
_UUID_FIELD, _NUMBER, _TAG_FIELD, _LAST_COMMITTED, _SEQUENCE, _IMMEDIATE, _ORIGINAL = 1, 2, 3, 4, 5, 6, 7


def _parse_tagged(body: bytes) -> Gtid:
    offset = 0
    for _ in range(3):  # serialization version, size, last field that must be known
        _, offset = _read_varlen(body, offset)
    source, tag, signed, committed, original = "", "", {}, 0, 0
    while offset < len(body):
        field, offset = _read_varlen(body, offset)
        if field == _UUID_FIELD:
            octets = bytearray()
            for _ in range(16):
                octet, offset = _read_varlen(body, offset)
                octets.append(octet)
            source = _uuid_text(bytes(octets))
        elif field == _TAG_FIELD:
            length, offset = _read_varlen(body, offset)
            tag = body[offset : offset + length].decode()
            offset += length
        else:
            value, offset = _read_varlen(body, offset)
            if field in (_NUMBER, _LAST_COMMITTED, _SEQUENCE):
                signed[field] = -(value >> 1) - 1 if value & 1 else value >> 1
            elif field == _IMMEDIATE:
                committed = value
            elif field == _ORIGINAL:
                original = value
            elif field > _ORIGINAL:
                break  # lengths, versions, tickets: not needed
    key = f"{source}:{tag}" if tag else source
    order = signed.get(_LAST_COMMITTED, 0), signed.get(_SEQUENCE, 0)
    return Gtid(key, signed[_NUMBER], *order, committed, original or committed)


def _read_varlen(data: bytes, offset: int) -> tuple[int, int]:
    """mysql::serialization: the trailing 1 bits of the first byte count the bytes that follow it."""
    first = data[offset]
    extra = 0
    while extra < 8 and first >> extra & 1:
        extra += 1
    if extra == 8:
        return int.from_bytes(data[offset + 1 : offset + 9], "little"), offset + 9
    end = offset + extra + 1
    return int.from_bytes(data[offset:end], "little") >> (extra + 1), end


#: A server's UUID comes with every transaction; making its text again each time would cost as much as all else.
_uuid_texts: dict[bytes, str] = {}


def _uuid_text(octets: bytes) -> str:
    text = _uuid_texts.get(octets)
    if text is None:
        if len(_uuid_texts) > 1000:
            _uuid_texts.clear()
        text = _uuid_texts[octets] = from_octets(octets) or str(uuid.UUID(bytes=octets))
    return text
