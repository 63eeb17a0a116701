"""What a cut-over does to fake servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from udup.base.errors import Contended, UdupError, Unavailable, Unsupported
from udup.drivers.fake.server import FakeServer, Writers
from udup.pipeline.checks import DEST, SRC, Check, Outcome
from udup.pipeline.ports import Counter, CutoverNeeds, GateLook, ScheduledEvent, Scope, Trigger

_WRITERS = "writers"


class FakeSourceGate:
    def __init__(self, server: FakeServer) -> None:
        self._server = server
        self._job, self._prove = "", _nothing

    def fence(self, job: str, prove: Callable[[], None]) -> None:
        self._job, self._prove = f"cut-over of {job}", prove

    def end_others(self) -> None:
        with self._changing("SourceGate.end_others"):
            return

    @contextmanager
    def _changing(self, call: str, *, unproven: bool = False) -> Iterator[None]:
        """Make a change on a connection that has the place of the job's cut-over, if it is fenced."""
        server = self._server
        holders = [each for each in server.connections if self._job and each.job == self._job]
        for each in holders if self._is_proven(unproven=unproven) else ():
            server.end(each)
        connection = server.connect(self._job, "gate", f"{call} connect")
        try:
            self._is_proven(unproven=unproven)
            with server.call(call, connection):
                yield
        finally:
            server.end(connection)

    def _is_proven(self, *, unproven: bool) -> bool:
        try:
            self._prove()
        except Unavailable:
            if unproven:
                return False
            raise
        return True

    @property
    def arranges(self) -> frozenset[str]:
        return frozenset({"writers"})

    def checks(self, needs: CutoverNeeds, scope: Scope) -> list[Check]:
        server, selection = self._server, scope.selection
        with server.visit("gate", "SourceGate.checks"):
            of_job = [each for each in server.triggers.items() if selection.wants(each[0][0], each[1])]
            own = [name for (schema, name), table in of_job if not selection.brings_triggers_of(schema, table)]
            text = f"triggers of tables with a ColumnMapFrom do not go to the target: {', '.join(own)}"
            found = [Check(SRC, "cutover", Outcome.WARN, text, "make them there")] if own else []
            if server.hides_triggers:
                text = f"the account does not see the triggers of {server.name}"
                found.append(Check(SRC, "cutover", Outcome.FAIL, text, "let it see them"))
            return found

    def look(self) -> GateLook:
        server = self._server
        with server.visit("gate", "SourceGate.look"):
            found = {_WRITERS: server.writers.value}
            return GateLook(server.writers is Writers.NOBODY, found, server.runs_events, server.writes_on)

    def close(self, seconds: float) -> None:
        server = self._server
        with self._changing("SourceGate.close"):
            if server.closing_waits_for:
                raise Contended(f"{server.name} could not be closed: {server.closing_waits_for} is in the way")
            server.writers = Writers.NOBODY

    def restore(self, found: Mapping[str, str]) -> None:
        with self._changing("SourceGate.restore", unproven=True):
            self._server.writers = Writers(found[_WRITERS])

    def how_to_restore(self, found: Mapping[str, str]) -> str:
        return f"open it for {found.get(_WRITERS, Writers.ALL)}"

    def how_to_keep_closed(self, found: Mapping[str, str], *, for_udup: bool) -> tuple[str, str]:
        return f"you keep it closed for {'all but Udup' if for_udup else 'all'}", "open it for good"

    def who_writes_on(self, found: Mapping[str, str]) -> str:
        return "its owner"

    def unfinished(self) -> list[str]:
        with self._server.visit("gate", "SourceGate.unfinished"):
            return [*(f"prepared {xid}" for xid in self._server.log.prepared), *self._server.xa_begun]

    def counters(self, scope: Scope) -> list[Counter]:
        with self._server.visit("gate", "SourceGate.counters"):
            return [
                Counter(scope.selection.renamed_table(*name), value)
                for name, value in sorted(self._server.counters.items())
                if scope.selection.wants(*name)
            ]

    def events(self, scope: Scope) -> list[ScheduledEvent]:
        with self._server.visit("gate", "SourceGate.events"):
            return [
                ScheduledEvent(schema, name, scope.selection.renamed_schema(schema))
                for (schema, name), enabled in sorted(self._server.events.items())
                if enabled and scope.selection.wants_stored(schema)
            ]

    def triggers(self, scope: Scope) -> list[Trigger]:
        with self._server.visit("gate", "SourceGate.triggers"):
            if self._server.hides_triggers:
                raise Unsupported(f"the account does not see the triggers of {self._server.name}; let it see them")
            found = []
            for (schema, name), table in self._server.triggers.items():
                if scope.selection.brings_triggers_of(schema, table):
                    new_schema, new_table = scope.selection.renamed_table(schema, table)
                    found.append(Trigger(new_schema, name, new_table, "somebody"))
            return found

    def defined(self, scope: Scope, triggers: Sequence[Trigger]) -> list[Trigger]:
        with self._server.visit("gate", "SourceGate.defined"):
            return [replace(each, definition=f"{each.name} on {each.table}") for each in triggers]

    def keeps(self, job: str) -> bool:
        server = self._server
        with server.visit("gate", "SourceGate.keeps"):
            return job in server.jobs.rows or any(each.job == job for each in server.claims.values())

    def open_for_udup(self, found: Mapping[str, str], events: Sequence[ScheduledEvent]) -> None:
        with self._changing("SourceGate.open_for_udup"):
            for each in events:
                self._server.events[each.schema, each.name] = False
            self._server.writers = Writers.UDUP


class FakeTargetGate:
    def __init__(self, server: FakeServer) -> None:
        self._server = server

    def enter(self, job: str, number: int) -> None:
        with self._server.visit("gate", "TargetGate.enter"):
            self._server.jobs.enter(f"cut-over of {job}", number)

    def checks(
        self, needs: CutoverNeeds, events: Sequence[ScheduledEvent], lacking: Sequence[Trigger] = ()
    ) -> list[Check]:
        server = self._server
        with server.visit("gate", "TargetGate.checks"):
            found = []
            if server.writers is Writers.NOBODY:
                found.append(Check(DEST, "cutover", Outcome.FAIL, f"{server.name} is read-only", "open it"))
            if refused := [str(each) for each in lacking if each.name in server.refused_triggers]:
                text = f"{server.name} does not take triggers: {', '.join(refused)}"
                found.append(Check(DEST, "cutover", Outcome.FAIL, text, "change them on the source"))
            gone = [str(each) for each in events if (each.target_schema, each.name) not in server.events]
            if needs.events and gone:
                found.append(Check(DEST, "cutover", Outcome.FAIL, f"events are not there: {gone}", "make them"))
            return found

    def kept(self, job: str) -> list[str]:
        with self._server.visit("gate", "TargetGate.kept"):
            return [xid for owner, xid in self._server.jobs.kept if owner == job]

    def raise_counters(self, counters: Sequence[Counter], seconds: float) -> list[str]:
        server = self._server
        with server.visit("gate", "TargetGate.raise_counters"):
            lower = [each for each in counters if server.counters.get(each.table, 1) < each.value]
            if locked := [each for each in lower if server.is_locked(each.table)]:
                raise Contended(f"{'.'.join(locked[0].table)} is locked")
            server.counters.update({each.table: each.value for each in lower})
            return [".".join(each.table) for each in lower]

    def lacking(self, triggers: Sequence[Trigger]) -> list[Trigger]:
        with self._server.visit("gate", "TargetGate.lacking"):
            return [each for each in triggers if (each.schema, each.name) not in self._server.triggers]

    def make(self, triggers: Sequence[Trigger], seconds: float) -> list[str]:
        server = self._server
        with server.visit("gate", "TargetGate.make"):
            for each in triggers:
                if each.name in server.refused_triggers:
                    raise UdupError(f"{server.name} does not take the trigger {each}")
                if server.is_locked((each.schema, each.table)):
                    raise Contended(f"{each.schema}.{each.table} is locked")
                server.triggers[each.schema, each.name] = each.table
            return []

    def release(self, job: str) -> None:
        server = self._server
        with server.visit("gate", "TargetGate.release"):
            for name in [name for name, claim in server.claims.items() if claim.job == job]:
                del server.claims[name]

    def how_to_open(self) -> str:
        with self._server.visit("gate", "TargetGate.how_to_open"):
            return "" if self._server.writers is Writers.ALL else "open it"

    def enable(self, events: Sequence[ScheduledEvent]) -> list[str]:
        server = self._server
        with server.visit("gate", "TargetGate.enable"):
            gone = [str(each) for each in events if (each.target_schema, each.name) not in server.events]
            there = [(each.target_schema, each.name) for each in events]
            server.events.update({name: True for name in there if name in server.events})
            return [f"{each} is not there any more" for each in gone]


def _nothing() -> None:
    """Without a cluster there is nothing to be proven."""
