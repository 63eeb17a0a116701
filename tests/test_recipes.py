"""The guide for operators and the tests that run its recipes know each other."""

from __future__ import annotations

from tests.end_to_end.test_recipes_are_run import SITUATIONS, recipes
from tests.recipes import Step, steps


def test_every_recipe_has_commands_and_a_situation_in_which_they_are_run() -> None:
    assert set(recipes()) == set(SITUATIONS)
    assert all(list(steps(text)) for text in recipes().values())


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
