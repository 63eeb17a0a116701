"""What a job's document chooses once tables that are under way are given up."""

from __future__ import annotations

from typing import Any

import pytest

from udup.base.errors import Refused
from udup.jobs.given_up import document_without, gives_up, left
from udup.jobs.growth import CHOOSING, Growth, GrowthState, chosen_by, parts_of, selection_by

Entry = dict[str, Any]


def _schema(name: str, *tables: str | Entry, **more: Any) -> Entry:
    named = [{"TableName": each} if isinstance(each, str) else each for each in tables]
    return {"TableSchema": name, "Tables": named, **more}


def _do(*entries: Entry, ignore: tuple[Entry, ...] = ()) -> Entry:
    made: Entry = {"ReplicateDoDb": list(entries)} if entries else {}
    return {**made, "ReplicateIgnoreDb": list(ignore)} if ignore else made


def _document(chosen: Entry) -> Entry:
    return {"ID": "j", "Tasks": [{"Type": "Src", "Config": {**chosen, "Gtid": ""}}, {"Type": "Dest", "Config": {}}]}


def _growth(before: Entry | None = None, *reloads: str) -> Growth:
    return Growth(state=GrowthState.COPYING, side="j tables", before=before or {}, reloads=reloads)


NEAR = _schema("s", {"TableName": "a", "TableRename": "x", "Where": "n > 1"}, "b")

CHANGES = [
    (_do(_schema("s", "a")), _do(_schema("s", "a", "b")), ()),
    (_do(_schema("s")), _do(), ()),
    (_do(_schema("s"), ignore=(_schema("s", "b"),)), _do(_schema("s")), ()),
    (_do(_schema("s", "a", "b")), _do(_schema("s", "b", "c"), _schema("t")), ()),
    (_do(_schema("s"), _schema("t")), _do(_schema("s", "b"), _schema("u")), ()),
    (_do(_schema("s", "a", "b")), _do(_schema("s"), ignore=(_schema("s", "a"),)), ()),
    (_do(NEAR, _schema("t", "a")), _do(NEAR, _schema("u")), ()),
    (_do({"TableSchemaRegex": "^s|t$"}), _do(_schema("s"), _schema("u")), ()),
    (_do(_schema("s", {"TableRegex": "^a"}, "b")), _do(_schema("s", {"TableRegex": "^a"}, "c"), _schema("t")), ()),
    (_do(_schema("s", {"TableRegex": "^a|b"})), _do(_schema("s", "a", "c")), ()),
    (_do(), _do(ignore=(_schema("t"),)), ("s.a",)),
    (_do(), _do(NEAR, ignore=(_schema("s", "z"),)), ("s.a", "s.b", "t.c")),
]

NAMES = [(schema, table) for schema in "stu" for table in "abcxz"]


@pytest.mark.parametrize(("before", "after", "reloads"), CHANGES)
def test_a_document_chooses_just_what_stays_as_it_was_treated(
    before: Entry, after: Entry, reloads: tuple[str, ...]
) -> None:
    growth = _growth(before, *reloads)
    made = document_without(_document(after), growth, "j")
    new, old = selection_by(chosen_by(made)), selection_by(after)
    staying = parts_of(growth, old).staying
    for name in NAMES:
        assert new.wants(*name) == staying.wants(*name), name
        if new.wants(*name):
            treated = (new.renamed_table(*name), new.filters_of(*name), new.columns_of(*name))
            assert treated == (staying.renamed_table(*name), staying.filters_of(*name), staying.columns_of(*name))
    assert gives_up(growth, old, new, after)
    assert not gives_up(growth, old, old, after)
    others = {key: value for key, value in made["Tasks"][0]["Config"].items() if key not in CHOOSING}
    assert others == {"Gtid": ""} and _document(after) != made, "nothing else of the document is touched"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (_do(_schema("s", {"TableRegex": "^a"}), _schema("t")), _do(_schema("s", {"TableRegex": "b$"}))),
        (_do(_schema("s", "a")), _do(_schema("s", "b"))),
    ],
)
def test_what_no_document_says_is_refused(before: Entry, after: Entry) -> None:
    """What two patterns both match; and no table at all, since none means all."""
    assert left(_growth(before), after) is None
    with pytest.raises(Refused, match="cannot be written"):
        document_without(_document(after), _growth(before), "j")


def test_tables_that_are_named_one_by_one_are_the_same_in_any_words() -> None:
    growth, after = _growth(_do(_schema("s", "a", "b"))), _do(_schema("s", "b", "c"))
    new = selection_by(_do(_schema("s", "b"), _schema("s", "b")))
    assert gives_up(growth, selection_by(after), new, after)


@pytest.mark.parametrize(
    "update", [{"state": GrowthState.JOINING}, {"state": GrowthState.ENDING, "given_up": True}, {"side": ""}]
)
def test_what_is_nearly_done_or_given_up_already_is_not_given_up(update: dict[str, Any]) -> None:
    before, after = _do(_schema("s", "a")), _do(_schema("s", "a", "b"))
    growth = _growth(before).model_copy(update=update)
    assert not gives_up(growth, selection_by(after), selection_by(before), after)
