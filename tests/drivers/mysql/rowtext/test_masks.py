"""What a mask shows in place of a value, what it is refused for, and that nothing else shows the value."""

from __future__ import annotations

import hashlib

import pytest

from tests.drivers.mysql.rowtext.people import ANNA, PEOPLE, shown, told
from udup.base.errors import Refused, Unsupported
from udup.base.secrets import shown_name
from udup.drivers.mysql.rows.values import Row
from udup.drivers.mysql.rowtext.masks import java_string
from udup.drivers.mysql.rowtext.options import (
    parse_options,
)
from udup.drivers.mysql.rowtext.program import program_of


@pytest.mark.parametrize(
    "name", ["column.mask.hash.SHA-256.salt.x", "column.exclude.lst", "column.mask.with.many.chars"]
)
def test_a_misspelt_mask_is_refused_and_shows_nothing(name: str) -> None:
    with pytest.raises(Refused) as caught:
        parse_options({name: "shop.users.email"})
    [fault] = caught.value.faults
    assert fault.where == f"Options.{shown_name(name)}" and "column.mask.hash.v2" in fault.remedy


def test_masks_are_stars_nothing_or_the_beginning() -> None:
    masked = shown(
        {
            "column.mask.with.4.chars": "shop.people.name",
            "column.truncate.to.4.chars": "shop.people.(note|state)",
            "column.mask.with.null": "shop.people.big",
        },
        ANNA,
    )
    assert masked == {"id": 1, "name": "****", "note": "some", "state": "paid", "big": None}
    assert shown({"column.mask.with.0.chars": ".*name"}, (1, None, None, None, None))["name"] == ""


def test_a_cut_text_does_not_end_in_half_a_letter() -> None:
    row: Row = (1, "a\U0001f600b".encode(), None, None, None)
    assert shown({"column.truncate.to.2.chars": ".*name"}, row)["name"] == "a"
    assert shown({"column.truncate.to.3.chars": ".*name"}, row)["name"] == "a\U0001f600"


def test_a_hash_is_that_of_salt_and_text_cut_to_the_column() -> None:
    wanted = hashlib.sha256(b"salt.y" + "Ånna".encode()).hexdigest()
    found = shown({"column.mask.hash.v2.SHA-256.with.salt.salt.y": ".*(name|note)"}, ANNA)
    assert found["name"] == wanted[:10]
    assert found["note"] == hashlib.sha256(b"salt.ysome text").hexdigest()
    serialized = b"\xac\xed\x00\x05t\x00\x05" + "Ånna".encode()
    assert (
        shown({"column.mask.hash.md5.with.salt.s": ".*name"}, ANNA)["name"]
        == (hashlib.md5(b"s" + serialized, usedforsecurity=False).hexdigest()[:10])
    )
    assert shown({"column.mask.hash.md5.with.salt.s": ".*name"}, (1, None, None, None, None))["name"] is None


def test_java_writes_some_letters_otherwise() -> None:
    assert java_string("\0\U0001f600")[5:] == b"\x00\x08\xc0\x80\xed\xa0\xbd\xed\xb8\x80"
    assert java_string("x" * 70000)[4:13] == b"|" + (70000).to_bytes(8, "big")


def test_what_is_masked_is_not_shown_in_keys() -> None:
    masks = {"column.mask.with.3.chars": ".*name", "message.key.columns": "shop.people:name"}
    with pytest.raises(Unsupported, match=r"shop\.people\.name is masked, and would stand in the messages' keys"):
        program_of(PEOPLE, parse_options(masks))
    key, after = told(PEOPLE, ANNA, parse_options(masks, quirks=True))
    assert key == {"name": "Ånna"} and after["name"] == "***"
