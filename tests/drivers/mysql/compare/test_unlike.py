"""What of two definitions is a difference, by their texts alone."""

from __future__ import annotations

import pytest

from udup.drivers.mysql.compare.shapes import Meant
from udup.drivers.mysql.compare.table_parts import Part, shape_of
from udup.drivers.mysql.compare.unlike import Unlike
from udup.drivers.mysql.dictionary.catalog import Table

_DEFAULTS = {"utf8mb4": "utf8mb4_0900_ai_ci", "latin1": "latin1_swedish_ci", "utf8mb3": "utf8mb3_general_ci"}
_END = ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci"


def _table(*items: str, end: str = _END, schema: str = "shop") -> Table:
    create_sql = "CREATE TABLE `t` (\n  " + ",\n  ".join(items) + f"\n{end}"
    return Table(schema=schema, name="t", columns=(), key=(), rows_estimate=0, row_bytes=0, create_sql=create_sql)


def _told(ours: Table, theirs: Table, *, folds: bool = False) -> list[str]:
    shapes = [shape_of(each, _DEFAULTS, folds=folds) for each in (ours, theirs)]
    found = Unlike("job", Meant(ours, ours)).found(*shapes)
    return [str(each).removeprefix("shop.t: ") if each.counts else f"({each.what})" for each in found]


def test_what_is_said_otherwise_and_means_the_same_is_no_difference() -> None:
    one = _table(
        "`id` int NOT NULL AUTO_INCREMENT",
        "`v` varchar(9) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci DEFAULT 'it''s, (x'",
        "`w` varchar(9) CHARACTER SET utf8 DEFAULT NULL",
        "PRIMARY KEY (`id`)",
        "KEY `t_ibfk_1` (`w`)",
        "CONSTRAINT `t_ibfk_1` FOREIGN KEY (`w`) REFERENCES `Others` (`id`) ON DELETE CASCADE",
        "CONSTRAINT `t_chk_1` CHECK ((`id` > 0))",
        end=_END.replace(" DEFAULT", " AUTO_INCREMENT=77 DEFAULT") + " COMMENT='AUTO_INCREMENT=5 KEY'",
    )
    other = _table(
        "`id` int NOT NULL AUTO_INCREMENT",
        "`v` varchar(9) DEFAULT 'it''s, (x'",
        "`w` varchar(9) CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci DEFAULT NULL",
        "PRIMARY KEY (`id`)",
        "KEY `t_ibfk_2` (`w`)",
        "CONSTRAINT `t_ibfk_2` FOREIGN KEY (`w`) REFERENCES `shop`.`others` (`id`) ON DELETE CASCADE",
        "CONSTRAINT `t_chk_9` CHECK ((`id` > 0))",
        end=_END + " COMMENT='AUTO_INCREMENT=5 KEY'",
    )
    assert _told(one, other, folds=True) == []
    assert _told(one, other) != [], "names of tables that are not folded"


@pytest.mark.parametrize(
    ("theirs", "told"),
    [
        (("`id` int", "`b` int"), []),
        (("`b` int", "`id` int"), ["the order of its columns: source id, b, target b, id"]),
        (("`id` int", "`x` int", "`b` int"), ["(column x)"]),
        (("`id` int",), ["column b is not on the target"]),
        (("`id` bigint", "`b` int"), ["column id: source int, target bigint"]),
        (("`id` int", "`b` int", "KEY `k` (`b`)"), ["(index k)"]),
        (("`id` int", "`b` int", "UNIQUE KEY `k` (`b`)"), ["index k is only on the target"]),
        (("`id` int", "`b` int", "CONSTRAINT `c` CHECK ((`b` > 0))"), ["check c is only on the target"]),
        (
            ("`id` int", "`b` int", "CONSTRAINT `f` FOREIGN KEY (`b`) REFERENCES `p` (`id`)"),
            ["foreign key f is only on the target"],
        ),
    ],
)
def test_what_the_target_has_alone_counts_if_it_refuses_or_changes_rows(
    theirs: tuple[str, ...], told: list[str]
) -> None:
    assert _told(_table("`id` int", "`b` int"), _table(*theirs)) == told


def test_options_and_partitions_are_told_by_their_names() -> None:
    one = _table("`id` int", end=_END + " ROW_FORMAT=DYNAMIC COMMENT='a, b=c'")
    parts = "\n/*!50100 PARTITION BY HASH (`id`)\nPARTITIONS 4 */"
    assert _told(one, _table("`id` int", end=_END + parts)) == [
        "option COMMENT: source 'a, b=c', target none",
        "option ROW_FORMAT: source DYNAMIC, target none",
        "partitions: source none, target HASH (`id`); PARTITIONS 4",
    ]
    latin = _END.replace("utf8mb4 COLLATE=utf8mb4_0900_ai_ci", "latin1")
    assert _told(one, _table("`id` int", end=latin + " ROW_FORMAT=DYNAMIC COMMENT='a, b=c'")) == [
        "option COLLATE: source utf8mb4_0900_ai_ci, target none",
        "option DEFAULT CHARSET: source utf8mb4, target latin1",
    ]


def test_an_index_that_a_foreign_key_needs_may_be_another_one() -> None:
    """A server makes it, and takes it away when somebody makes one that begins alike."""
    key = "CONSTRAINT `f` FOREIGN KEY (`b`) REFERENCES `p` (`id`)"
    one = _table("`id` int", "`b` int", "KEY `f` (`b`)", key)
    assert _told(one, _table("`id` int", "`b` int", "KEY `mine` (`b`,`id`)", key)) == ["(index mine)"]
    assert _told(one, _table("`id` int", "`b` int", "KEY `mine` (`id`,`b`)", key)) == [
        *("index f is not on the target", "(index mine)"),
    ]


def test_what_can_be_done_is_a_statement_of_the_target() -> None:
    ours = _table("`id` int", "`b` int COMMENT 'x'", "`c` int", "KEY `k` (`b`) /*!80000 INVISIBLE */", schema="s`x")
    theirs = _table("`id` int", "`b` int", "KEY `k` (`b`)", schema="s`x")
    shapes = [shape_of(each, _DEFAULTS) for each in (ours, theirs)]
    remedies = {each.what: each.remedy for each in Unlike("my job", Meant(ours, ours)).found(*shapes)}
    alter = "ALTER TABLE `s``x`.`t`"
    assert remedies == {
        "column b": f"{alter} MODIFY COLUMN `b` int COMMENT 'x'",
        "column c": "udup job reload 'my job' 's`x.t'",
        "index k": f"{alter} DROP INDEX `k`; {alter} ADD KEY `k` (`b`) /*!80000 INVISIBLE */",
    }
    assert shapes[0].parts[Part("column", "b")].words == "`b` int COMMENT 'x'"
