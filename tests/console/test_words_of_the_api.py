"""What the API says in words, and what the console and the documents have for each: kept in step by this."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path

import pytest

from tests.console.words import all_words
from udup.base.causes import Cause
from udup.base.errors import Side
from udup.jobs.failing.acts import Act
from udup.jobs.record_events import Kind
from udup.jobs.shown import Group, Shown, ShownState
from udup.jobs.table_pages import TableGroup
from udup.jobs.table_states import TableState
from udup.jobs.waiting import BOTH, DISK, LOCK, SINK
from udup.pipeline.cutover.state import StepName, StepState
from udup.pipeline.ports.inspect import TableProblem
from udup.web.resources.console import CONSOLE

_DOCS = Path(__file__).parents[2] / "docs"

#: What words are begun with, by what they are of: `{}` is the API's word, an underscore in place of a space.
_WORDS: Mapping[str, Iterable[str]] = {
    "state.{}": Shown,
    "group.{}": Group,
    "table.{}": TableState,
    "failures.{}.short": [each for each in Cause if each is not Cause.FAILED],  # that is told in the node's words
    "failures.{}.meaning": [each for each in Cause if each is not Cause.FAILED],
    "failures.act.{}.title": Act,
    "failures.act.{}.verb": Act,
    "failures.act.{}.text": Act,
    "failures.waits.for.{}": [*Side, BOTH, DISK, LOCK, SINK],
    "timeline.{}": Kind,
    "timeline.kind.{}": Kind,
    "cutover.step.{}": StepName,
    "cutover.step.{}.does": StepName,
    "wizard.problem.{}": [each for each in TableProblem if each],
}

#: Where each word is documented, as `word`.
_TOLD: Mapping[str, tuple[str, Iterable[StrEnum]]] = {
    "shown": ("jobs.md", Shown),
    "groups": ("jobs.md", Group),
    "shown as a metric": ("metrics.md", Shown),
    "table states": ("jobs.md", TableState),
    "kinds of entries": ("api.md", Kind),
    "causes": ("api.md", Cause),
    "acts": ("api.md", Act),
    "steps": ("jobs.md", StepName),
}


@cache
def _script(name: str) -> str:
    return (CONSOLE / name).read_text("utf-8")


@cache
def _icons() -> frozenset[str]:
    shapes = _script("core/icons.js").split("/** Whether")[0]
    return frozenset(re.findall(r"(?:^|,)\s*(\w+): (?=['`\[\w])", shapes, re.MULTILINE))


@pytest.mark.parametrize("language", ("en", "zh"))
@pytest.mark.parametrize("form", _WORDS)
def test_every_word_of_the_api_has_one_of_the_language(form: str, language: str) -> None:
    known = all_words(language)
    wanted = [form.format(each.replace(" ", "_")) for each in _WORDS[form]]
    assert [key for key in wanted if key not in known] == []


@pytest.mark.parametrize("what", _TOLD)
def test_every_word_of_the_api_is_documented(what: str) -> None:
    page, words = _TOLD[what]
    text = (_DOCS / page).read_text("utf-8")
    assert [each.value for each in words if f"`{each.value}`" not in text] == []


def test_the_console_has_the_states_and_groups_of_the_node_in_its_order() -> None:
    jobs, tables = _script("core/states.js").split("export const TABLE_STATES")
    found = re.findall(r"^  (\w+): state\('\w+', '(\w+)', '(\w+)'\)", jobs, re.MULTILINE)
    assert [(word, group) for word, group, _ in found] == [(each.value, ShownState(each).group.value) for each in Shown]
    assert {icon for *_, icon in found} <= _icons()
    groups = re.search(r"GROUPS = \[([^\]]*)\]", tables)
    assert groups is not None
    assert re.findall(r"'(\w+)'", groups[1]) == list(Group)


def test_the_console_has_every_state_of_a_table() -> None:
    tables = _script("core/states.js").split("export const TABLE_STATES")[1]
    found = re.findall(r"^  '?([\w ]+?)'?: state\('\w+', '(\w+)', '(\w+)'\)", tables, re.MULTILINE)
    assert {word for word, *_ in found} >= set(TableState)
    assert {group for _, group, _ in found} <= set(TableGroup)
    assert {icon for *_, icon in found} <= _icons()


def test_every_kind_of_the_time_line_has_a_tone_and_a_shape() -> None:
    tones = re.search(r"TONES = \{(.*?)\};", _script("pages/job/timeline.js"), re.DOTALL)
    assert tones is not None
    assert set(re.findall(r"(\w+): '", tones[1])) == set(Kind)
    assert set(Kind) - {Kind.STOPPED} <= _icons()  # that one has the square of a stop


def test_a_cut_over_has_the_steps_of_the_node_in_its_order_each_state_with_a_shape() -> None:
    script = _script("pages/cutover/steps.js")
    steps = re.search(r"STEPS = \[([^\]]*)\]", script)
    assert steps is not None
    assert re.findall(r"'(\w+)'", steps[1]) == list(StepName)
    states = dict(re.findall(r"^  '?([\w ]+?)'?: \{ icon: '(\w+)'", script, re.MULTILINE))
    assert set(states) == set(StepState)
    assert set(states.values()) <= _icons()


def test_every_shape_that_a_page_names_is_there() -> None:
    named = {
        (path.relative_to(CONSOLE).as_posix(), icon)
        for path in CONSOLE.rglob("*.js")
        if "vendor" not in path.parts
        for icon in re.findall(r"""<\$\{Icon\} name="(\w+)\"""", path.read_text("utf-8"))
    }
    assert len(named) > 10
    assert sorted((path, icon) for path, icon in named if icon not in _icons()) == []
