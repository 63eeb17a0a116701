"""What both servers of a cut-over keep to, whatever their database: each test is run for each driver."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from typing import Any

import pytest

from udup.base.errors import Superseded, Unavailable
from udup.pipeline.ownership import Claim
from udup.pipeline.ports import Counter, CutoverNeeds, ScheduledEvent, Scope, SourceGate, TargetGate
from udup.pipeline.selection.selection import NameRule, SchemaRule, Selection

ALL = CutoverNeeds(freeze=True, events=True, reverse=True)


class GatePair(ABC):
    """An old server and a new one, with a schema of the test's own that the job renames, and a table `t` in it."""

    old: SourceGate
    new: TargetGate
    schema: str

    #: Whether a server that is open for Udup alone looks otherwise than one that is closed.
    tells_udup_alone = True

    @property
    def new_schema(self) -> str:
        return f"{self.schema}_new"

    @property
    def scope(self) -> Scope:
        return Scope(Selection((SchemaRule(self.schema, rename=self.new_schema, tables=()),)))

    @property
    def scope_of_table(self) -> Scope:
        """The table alone, which has another name on the new server."""
        return Scope(Selection((SchemaRule(self.schema, tables=(NameRule("t", rename="u"),)),)))

    @property
    def scope_of_columns(self) -> Scope:
        """The table with another name for its column."""
        table = NameRule("t", columns=(("id", "number"),))
        return Scope(Selection((SchemaRule(self.schema, tables=(table,)),)))

    @abstractmethod
    def application_writes(self) -> bool:
        """Have an application write to the old server; return whether it could."""

    @abstractmethod
    def set_counters(self, old: int, new: int) -> None:
        """Give the table these next numbers."""

    @abstractmethod
    def new_counter(self) -> int: ...

    @abstractmethod
    def create_event(self, name: str, *, enabled: bool) -> None:
        """Make an event on the old server, and on the new one, where it is disabled."""

    @abstractmethod
    def enabled_events(self) -> tuple[set[str], set[str]]:
        """Return the names of those that are enabled: on the old server, on the new one."""

    @abstractmethod
    def create_trigger(self, name: str) -> None:
        """Make a trigger on the table of the old server, behind those that are there."""

    @abstractmethod
    def create_refused_trigger(self, name: str) -> None:
        """Make one on the same table that the new server does not take."""

    @abstractmethod
    def triggers(self) -> list[str]:
        """Return the names of those on the new server, in the order in which they run."""

    @abstractmethod
    def begin_xa(self, xid: str) -> Any:
        """Begin a XA transaction that writes; return what `end_xa` needs."""

    @abstractmethod
    def end_xa(self, xid: str, begun: Any) -> None: ...

    @abstractmethod
    def claim(self, job: str) -> None:
        """Have the job keep a table of the new server current, and of the old one."""

    @abstractmethod
    def claims(self) -> list[Claim]:
        """Return those on the new server."""


class GateContract:
    def test_a_server_that_is_closed_lets_nobody_write_and_is_opened_as_it_was(self, gates: GatePair) -> None:
        found = gates.old.look()
        assert not found.closed and gates.application_writes()
        gates.old.close(5)
        gates.old.close(5)
        assert gates.old.look().closed and not gates.application_writes()
        assert gates.old.how_to_restore(found.found)
        for _ in range(2):
            gates.old.restore(found.found)
            assert gates.application_writes() and gates.old.look() == found

    def test_one_that_was_closed_when_it_was_found_stays_closed(self, gates: GatePair) -> None:
        before = gates.old.look()
        gates.old.close(5)
        found = gates.old.look()
        gates.old.restore(found.found)
        assert gates.old.look() == found
        gates.old.restore(before.found)

    def test_one_that_was_open_for_udup_when_it_was_found_is_so_again(self, gates: GatePair) -> None:
        before = gates.old.look()
        gates.old.open_for_udup(before.found, [])
        found = gates.old.look()
        assert found != before and not gates.application_writes()
        assert not found.closed or not gates.tells_udup_alone
        gates.old.close(5)
        gates.old.restore(found.found)
        assert gates.old.look() == found and not gates.application_writes()
        gates.old.restore(before.found)
        assert gates.application_writes()

    def test_whoever_is_superseded_neither_closes_nor_opens_the_old_server(self, gates: GatePair) -> None:
        found, job = gates.old.look().found, gates.schema
        for number in (9, 10):
            gates.old.fence(job, partial(gates.new.enter, job, number))
            gates.old.end_others()
            gates.old.close(5)
            gates.old.restore(found)
        gates.old.fence(job, partial(gates.new.enter, job, 9))
        for step in (gates.old.end_others, partial(gates.old.close, 5), partial(gates.old.open_for_udup, found, [])):
            with pytest.raises(Superseded):
                step()
        assert gates.application_writes()
        gates.old.fence(job, partial(gates.new.enter, job, 10))
        gates.old.close(5)
        gates.old.fence(job, partial(gates.new.enter, job, 9))
        with pytest.raises(Superseded):
            gates.old.restore(found)
        assert not gates.application_writes()
        gates.old.fence(job, partial(gates.new.enter, job, 10))
        gates.old.restore(found)

    def test_what_cannot_be_proven_is_not_done_but_the_old_server_is_opened(self, gates: GatePair) -> None:
        found = gates.old.look().found

        def away() -> None:
            raise Unavailable("the new server is away")

        gates.old.close(5)
        gates.old.fence(gates.schema, away)
        with pytest.raises(Unavailable):
            gates.old.close(5)
        gates.old.restore(found)
        assert gates.application_writes()

    def test_an_account_that_may_do_everything_passes_every_check(self, gates: GatePair) -> None:
        gates.create_event("e", enabled=True)
        events = gates.old.events(gates.scope)
        assert [check for check in gates.old.checks(ALL, gates.scope) if check.outcome == "fail"] == []
        assert [check for check in gates.new.checks(ALL, events) if check.outcome == "fail"] == []

    def test_an_event_that_is_not_on_the_new_server_is_told(self, gates: GatePair) -> None:
        missing = [ScheduledEvent(gates.schema, "none", gates.new_schema)]
        failed = [check for check in gates.new.checks(ALL, missing) if check.outcome == "fail"]
        assert len(failed) == 1 and "none" in failed[0].found
        assert gates.new.checks(CutoverNeeds(), missing) == []

    def test_counters_are_told_by_the_new_names_and_raised_where_they_are_lower(self, gates: GatePair) -> None:
        gates.set_counters(50, 7)
        table = (gates.new_schema, "t")
        assert gates.old.counters(gates.scope) == [Counter(table, 50)]
        assert gates.old.counters(gates.scope_of_table) == [Counter((gates.schema, "u"), 50)]
        assert gates.new.raise_counters([Counter(table, 50)], 5) == [".".join(table)]
        assert gates.new_counter() == 50
        assert gates.new.raise_counters([Counter(table, 50)], 5) == []
        assert gates.new.raise_counters([Counter(table, 20)], 5) == [] and gates.new_counter() == 50

    def test_events_are_enabled_there_and_disabled_here(self, gates: GatePair) -> None:
        gates.create_event("e", enabled=True)
        gates.create_event("f", enabled=False)
        events = gates.old.events(gates.scope)
        assert events == [ScheduledEvent(gates.schema, "e", gates.new_schema)]
        assert gates.old.events(gates.scope_of_table) == [], "events belong to jobs that carry the whole schema"
        for _ in range(2):
            gates.new.enable(events)
            assert gates.enabled_events() == ({"e"}, {"e"})
        found = gates.old.look()
        gates.old.close(5)
        for _ in range(2):
            gates.old.open_for_udup(found.found, events)
            assert gates.enabled_events() == (set(), {"e"})
        gates.old.restore(found.found)

    def test_an_event_that_is_gone_is_told_and_does_not_hold_the_others_up(self, gates: GatePair) -> None:
        gates.create_event("e", enabled=True)
        gone = ScheduledEvent(gates.schema, "none", gates.new_schema)
        told = gates.new.enable([gone, *gates.old.events(gates.scope)])
        assert any("none" in each for each in told) and gates.enabled_events()[1] == {"e"}

    def test_triggers_that_the_new_server_lacks_are_made_in_their_order(self, gates: GatePair) -> None:
        for name in ("z", "a"):
            gates.create_trigger(name)
        triggers = gates.old.triggers(gates.scope)
        assert [(each.schema, each.name, each.table) for each in triggers] == [
            (gates.new_schema, "z", "t"),
            (gates.new_schema, "a", "t"),
        ]
        assert [each.table for each in gates.old.triggers(gates.scope_of_table)] == ["u", "u"]
        assert gates.new.lacking(triggers) == triggers and gates.triggers() == []
        triggers = gates.old.defined(gates.scope, gates.new.lacking(triggers))
        assert all(each.definition for each in triggers)
        assert [each.name for each in gates.old.defined(gates.scope, triggers[1:])] == ["a"]
        assert [each for each in gates.new.checks(CutoverNeeds(), [], triggers) if each.outcome == "fail"] == []
        assert gates.triggers() == [], "they are tried where they run for nothing"
        for _ in range(2):
            assert gates.new.make(triggers, 5) == []
            assert gates.triggers() == ["z", "a"] and gates.new.lacking(triggers) == []

    def test_triggers_of_tables_whose_columns_are_others_stay_away_and_are_told(self, gates: GatePair) -> None:
        gates.create_trigger("z")
        mapped = gates.scope_of_columns
        assert gates.old.triggers(mapped) == []
        told = [each for each in gates.old.checks(CutoverNeeds(), mapped) if each.outcome == "warn"]
        assert len(told) == 1 and "z" in told[0].found
        assert not [each for each in gates.old.checks(CutoverNeeds(), gates.scope) if "ColumnMapFrom" in each.found]

    def test_a_trigger_that_the_new_server_does_not_take_is_told_before_it_is_made(self, gates: GatePair) -> None:
        gates.create_trigger("good")
        gates.create_refused_trigger("bad")
        lacking = gates.old.defined(gates.scope, gates.new.lacking(gates.old.triggers(gates.scope)))
        failed = [each for each in gates.new.checks(CutoverNeeds(), [], lacking) if each.outcome == "fail"]
        assert len(failed) == 1 and "bad" in failed[0].found and failed[0].remedy
        assert gates.triggers() == []

    def test_transactions_that_could_still_commit_are_listed(self, gates: GatePair) -> None:
        assert gates.old.unfinished() == []
        begun = gates.begin_xa("x7")
        assert len(gates.old.unfinished()) == 1
        gates.end_xa("x7", begun)
        assert gates.old.unfinished() == []

    def test_claims_are_given_up_and_others_stay(self, gates: GatePair) -> None:
        assert not gates.old.keeps("j")
        others = [claim for claim in gates.claims() if claim.job != "j"]  # of other jobs of this server
        gates.claim("j")
        assert gates.old.keeps("j") and not gates.old.keeps("k")
        assert gates.new.kept("j") == []
        gates.new.release("k")
        assert [claim.job for claim in gates.claims() if claim not in others] == ["j"]
        for _ in range(2):
            gates.new.release("j")
            assert gates.claims() == others

    def test_what_lets_applications_write_is_told(self, gates: GatePair) -> None:
        assert gates.new.how_to_open() == ""
