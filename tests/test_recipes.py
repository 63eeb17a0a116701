"""The guide for operators and the tests that run its recipes know each other."""

from __future__ import annotations

from tests.end_to_end.test_operations import GUIDE, SITUATIONS
from tests.recipes import Step, sections, steps


def test_every_recipe_has_commands_and_a_situation_in_which_they_are_run() -> None:
    recipes = sections(GUIDE)
    assert set(recipes) == set(SITUATIONS)
    assert all(list(steps(text)) for text in recipes.values())


def test_every_recipe_is_in_the_list_at_the_top() -> None:
    top = GUIDE.read_text("utf-8").partition("\n# Accounts")[0]
    for title in sections(GUIDE):
        assert f"](#{title.lower().replace(' ', '-').replace(',', '').replace(chr(39), '')})" in top, title


def test_steps_are_read_as_they_are_written() -> None:
    text = """
```sh
udup job run a.json   # exits with 1
# a comment
udup job status \\
  shop
```
```sql target
INSERT INTO t VALUES (1);
DELETE FROM t;
```
    udup is not run here
"""
    assert list(steps(text)) == [
        Step("sh", "udup job run a.json", 1),
        Step("sh", "udup job status    shop"),
        Step("target", "INSERT INTO t VALUES (1)"),
        Step("target", "DELETE FROM t"),
    ]
