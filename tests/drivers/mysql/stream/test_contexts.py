"""What a BEGIN says of its session, told once."""

from __future__ import annotations

import struct

from udup.drivers.mysql.stream.contexts import ZONE_RULES, Contexts, mode_words

STRICT = 1 << 21 | 1 << 23 | 1 << 24
DEFAULTS = {"sql_mode": "", "time_zone": "+09:00", "div_precision_increment": "4"}


def _status(sql_mode: int = STRICT, zone: bytes = b"", microseconds: int | None = None, locale: int = 0) -> bytes:
    """Status variables as a server writes them into BEGIN."""
    status = b"\0" + struct.pack("<I", 0) + b"\1" + struct.pack("<Q", sql_mode) + b"\6\3std"
    status += b"\4" + struct.pack("<HHH", 255, 255, 255)
    if zone:
        status += b"\5" + bytes([len(zone)]) + zone
    if locale:
        status += b"\7" + struct.pack("<H", locale)
    return status if microseconds is None else status + b"\x0d" + struct.pack("<HB", microseconds, 0)


def test_a_context_is_told_once_and_then_named_by_its_number() -> None:
    contexts = Contexts(DEFAULTS)
    first, told = contexts.number_of(_status(zone=b"-05:00"))
    assert told is not None and told.number == first
    assert told.settings["time_zone"] == "-05:00"
    assert told.settings["sql_mode"] == "STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE"
    assert contexts.number_of(_status(zone=b"-05:00")) == (first, None)
    second, other = contexts.number_of(_status(zone=b"+01:00"))
    assert second != first and other is not None


def test_what_changes_no_value_makes_no_other_context() -> None:
    contexts = Contexts(DEFAULTS)
    number, _ = contexts.number_of(_status())
    ansi_quotes_and_full_group_by = 1 << 2 | 1 << 5
    assert contexts.number_of(_status(STRICT | ansi_quotes_and_full_group_by)) == (number, None)
    assert all(contexts.number_of(_status(microseconds=count)) == (number, None) for count in range(10_000))


def test_what_the_log_does_not_say_is_the_sources_own() -> None:
    _, told = Contexts(DEFAULTS).number_of(_status())
    assert told is not None
    assert (told.settings["time_zone"], told.settings["div_precision_increment"]) == ("+09:00", "4")
    _, told = Contexts(DEFAULTS).number_of(_status(locale=3))
    assert told is not None and told.settings["lc_time_names"] == "3"


def test_a_named_zone_travels_with_its_rules_which_are_asked_for_once() -> None:
    asked: list[str] = []

    def rules(zone: str) -> str:
        asked.append(zone)
        return "0:3600"

    contexts = Contexts(DEFAULTS, rules)
    _, told = contexts.number_of(_status(zone=b"SYSTEM"))
    contexts.number_of(_status(zone=b"SYSTEM", microseconds=7))
    contexts.number_of(_status(zone=b"+02:00"))
    assert told is not None and told.settings[ZONE_RULES] == "0:3600"
    assert asked == ["SYSTEM"]


def test_a_session_that_cannot_be_read_is_told_with_the_reason() -> None:
    contexts = Contexts(DEFAULTS)
    number, told = contexts.number_of(_status() + b"\xc8\1")
    assert told is not None and "status variable 200" in told.problem and not told.settings
    assert number != contexts.number_of(_status())[0]
    _, told = contexts.number_of(_status(1 << 40))
    assert told is not None and "sql_mode" in told.problem


def test_words_that_only_concern_a_statements_text_are_left_out() -> None:
    assert mode_words(1 << 2 | 1 << 25 | 1 << 28) == "ALLOW_INVALID_DATES"
