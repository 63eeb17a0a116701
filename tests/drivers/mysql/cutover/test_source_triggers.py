"""Which triggers a source has is known only of tables on which the account has TRIGGER."""

from __future__ import annotations

import pytest

from tests.drivers.mysql.cutover.small_server import SmallServer, facts
from udup.base.errors import Unsupported
from udup.drivers.mysql.cutover.source_triggers import checks, names
from udup.pipeline.checks import Outcome
from udup.pipeline.selection.selection import NameRule, SchemaRule, Selection

SELECTION = Selection.of([("shop", ["orders", "items"])])


@pytest.fixture
def server() -> SmallServer:
    tables = [("shop", "orders"), ("shop", "items"), ("shop", "other")]
    return SmallServer({}, tables, [("shop", "audit", "orders", "AFTER", "INSERT")])


@pytest.mark.parametrize(
    "grants",
    [
        ("TRIGGER ON *.*",),
        ("SELECT, TRIGGER ON `shop`.*",),
        ("TRIGGER ON `shop`.`orders`", "TRIGGER ON `shop`.`items`"),
    ],
)
def test_an_account_that_sees_all_of_them_is_told_them(server: SmallServer, grants: tuple[str, ...]) -> None:
    seen = facts(*grants)
    assert list(checks(server.connection(), seen, SELECTION, "cutover")) == []
    assert [str(each) for each in names(server.connection(), seen, SELECTION)] == ["shop.audit"]


def test_a_table_of_which_the_account_sees_none_is_told_with_the_grant(server: SmallServer) -> None:
    server.triggers = []  # as the server shows it
    weak = facts("SELECT ON `shop`.*", "TRIGGER ON `shop`.`items`")
    [check] = checks(server.connection(), weak, SELECTION, "cutover")
    assert check.outcome is Outcome.FAIL and "TRIGGER on shop.orders" in check.found
    assert check.remedy == "GRANT TRIGGER ON `shop`.`orders` TO 'u'@'%'"
    with pytest.raises(Unsupported, match=r"TRIGGER on shop\.orders .*GRANT TRIGGER ON `shop`.`orders`"):
        names(server.connection(), weak, SELECTION)


def test_many_tables_are_told_with_one_grant(server: SmallServer) -> None:
    server.tables = [("shop", f"t{number}") for number in range(9)]
    [check] = checks(server.connection(), facts("SELECT ON `shop`.*"), Selection.of([("shop", [])]), "cutover")
    assert "and 4 more" in check.found and check.remedy == "GRANT TRIGGER ON `shop`.* TO 'u'@'%'"


@pytest.mark.parametrize("columns", [(("a", "b"), ("b", "a")), (("a", "a"),)])
def test_triggers_of_a_column_map_are_left_to_people_and_named(
    server: SmallServer, columns: tuple[tuple[str, str], ...]
) -> None:
    """Their text names the source's columns: it would set another one, or be refused behind the switch."""
    seen = facts("TRIGGER ON *.*")
    selection = Selection((SchemaRule("shop", tables=(NameRule("orders", columns=columns),)),))
    assert names(server.connection(), seen, selection) == []
    [check] = checks(server.connection(), seen, selection, "cutover")
    assert check.outcome is Outcome.WARN and "shop.audit on orders" in check.found
