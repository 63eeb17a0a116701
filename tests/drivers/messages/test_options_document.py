"""docs/subscription-options.md has every option, in the state in which it is."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from udup.drivers.messages.option_table import OPTIONS, Use
from udup.drivers.messages.outbox_options import _KNOWN as OUTBOX
from udup.drivers.mysql.rowtext.options import Binary, Decimals, JsonForm, Times, UnsignedBigint

DOCUMENT = Path(__file__).parents[3] / "docs" / "subscription-options.md"

_SECTIONS = {
    "Which messages there are": Use.MESSAGES,
    "How values look": Use.VALUES,
    "Taken, without effect": Use.NO_EFFECT,
    "Refused": Use.REFUSED,
}


@cache
def _told() -> dict[str, tuple[Use, str]]:
    """Return what the document says: each option with its section and the rest of its line."""
    found: dict[str, tuple[Use, str]] = {}
    for section in DOCUMENT.read_text("utf-8").split("\n## ")[1:]:
        use = _SECTIONS.get(section.splitlines()[0])
        for line in section.splitlines() if use else ():
            if line.startswith("| `"):
                names, rest = line.strip("| ").split(" | ", 1)
                for name in re.findall(r"`([^`]+)`", names):
                    assert name not in found, f"{name} stands there twice"
                    found[name] = use, rest
    return found


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_every_option_is_told_as_it_is(option: object) -> None:
    name, use = option.name, option.use  # type: ignore[attr-defined]
    assert name in _told(), f"write it into {DOCUMENT.name}, section {use}"
    assert _told()[name][0] is use
    for word in option.takes:  # type: ignore[attr-defined]
        told = _told()[name][1].lower()
        assert not word or f"`{word.rpartition('.')[2]}`" in told, f"{name} takes {word}"


def test_nothing_is_told_that_is_no_option() -> None:
    assert set(_told()) == {option.name for option in OPTIONS}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("decimal.handling.mode", Decimals),
        ("bigint.unsigned.handling.mode", UnsignedBigint),
        ("time.precision.mode", Times),
        ("binary.handling.mode", Binary),
        ("json.string.formatting.mode", JsonForm),
    ],
)
def test_every_form_of_values_is_told(name: str, words: list[str]) -> None:
    told = _told()[name][1]
    assert all(f"`{word}`" in told for word in words)


@pytest.mark.parametrize("name", sorted(OUTBOX))
def test_every_option_of_the_outbox_is_told(name: str) -> None:
    assert f"`transforms.outbox.{name}`" in DOCUMENT.read_text("utf-8")
