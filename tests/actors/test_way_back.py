"""The job of the way back: made once, at the position, or a fault of the check where that cannot be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.actors.conftest import post, running
from tests.actors.small_cutovers import OPTIONS, POSITION, begun, carrier, with_way_back
from tests.actors.small_world import World
from udup.actors import cutovers
from udup.actors.cutover_messages import AskTaken, CreateWayBack, Keep, StartCutover


def test_the_way_back_is_the_same_job_turned_round_and_starts_at_the_position(world: World) -> None:
    engine = begun(world)
    assert not engine.ask(AskTaken, "j-back").is_taken and engine.ask(AskTaken, "j").is_taken
    cutover = with_way_back(world, engine.settings.cutover)
    engine.ask(Keep, cutover)
    assert engine.ask(CreateWayBack, cutover).failure is None
    back, there = world.stored["j-back"].spec(), world.stored["j"].spec()
    assert (back.source_endpoint(), back.target_endpoint()) == (there.target_endpoint(), there.source_endpoint())
    assert back.gtid == POSITION and world.stored["j-back"].incarnation == "abc"
    world.reaches("j-back", "running")


def test_a_way_back_that_is_asked_for_again_is_made_once(world: World) -> None:
    engine = begun(world)
    cutover = with_way_back(world, engine.settings.cutover)
    engine.ask(Keep, cutover)
    engine.ask(CreateWayBack, cutover)
    index = world.stored["j-back"].create_index
    world.start()
    again = carrier(world)
    assert again.ask(CreateWayBack, cutover).failure is None
    assert world.stored["j-back"].create_index == index


def test_a_name_that_another_job_has_is_told(world: World) -> None:
    engine = begun(world)
    post(world, "j-back")
    cutover = with_way_back(world, engine.settings.cutover)
    engine.ask(Keep, cutover)
    assert "j-back" in engine.ask(CreateWayBack, cutover).taken


def test_a_selection_that_cannot_be_turned_round_is_told_to_the_engine(world: World) -> None:
    running(world, "j", ReplicateDoDb=[{"TableSchemaRegex": "^s"}])
    world.ask(StartCutover("j", OPTIONS))
    settings = carrier(world).settings
    assert settings.back is None and "'^s' chooses names" in settings.back_faults[0].problem


def test_a_key_that_an_older_version_took_is_a_fault_of_the_check(world: World) -> None:
    running(world)
    record = world.stored["j"]
    tasks = record.document["Tasks"]
    tasks[0]["Config"]["OfOldTimes"] = 1
    world.stored["j"] = record.model_copy(update={"document": {**record.document, "Tasks": tasks}})
    world.start()
    world.reaches("j", "running")
    world.ask(StartCutover("j", OPTIONS))
    settings = carrier(world).settings
    assert settings.back is None and any("OfOldTimes" in fault.where for fault in settings.back_faults)


def test_a_way_back_that_cannot_be_made_for_any_other_reason_is_a_fault_of_the_check(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise KeyError("Config")

    monkeypatch.setattr(cutovers, "way_back", broken)
    [fault] = begun(world).settings.back_faults
    assert "its way back cannot be made" in fault.problem and fault.remedy


def test_a_server_that_takes_no_more_jobs_is_a_fault_of_the_check(world: World) -> None:
    running(world)
    post(world, "j-back")
    world.supervisor._settings = replace(world.supervisor.settings, max_jobs=2)
    world.ask(StartCutover("j", OPTIONS))
    settings = carrier(world).settings
    assert [fault.where for fault in settings.back_faults] == ["jobs.max"] and "(2)" in settings.back_faults[0].remedy
