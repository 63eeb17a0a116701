"""Carries a cut-over out: applications leave the job's source and go to its target, and nothing is lost on the way.

The protocol, which holds whatever dies between any two instructions:

    check ─ freeze ─ level ─ counters ─┃ end ─ triggers ─ position ─ events ─ reverse
    nothing is changed │ can be undone ┃ is only repeated until it is done
                                       ┗ the switch

1. **Everything is kept before it is done** (`Host.keep` answers when it is stored): the step that begins, and with
   `freeze` the source's own settings as they were found. They are kept once, and never asked again, since a second
   look might find what the first attempt has made of them. Each step may be done again from its beginning: whoever
   comes after a death takes the first step that is not noted as done.
2. **Before the switch any failure undoes everything**: the source's settings become what was found, the job goes on,
   since nothing of it was touched. Undoing is a state of its own, kept before it begins: whoever comes after a death
   goes on undoing and never forward again. An undone cut-over is noted as such only when the source was opened.
   The counters that were raised on the target stay: a counter that is too high loses nothing.
3. **The switch is one write**: the record that says so. Whoever owns the record decides at that moment, and nowhere
   else, between it and an abort that somebody has asked for. What it depends on is asked right before: that the source
   is still closed, or that nothing was executed there since the target was level with it; that nothing prepared is left
   which could commit on a closed server.
4. **After the switch nothing is undone.** What time heals is tried again without end. Anything else stops the cut-over
   with what is left to do, and a further request takes it up there.

Why this order: `level` asks the source after it was closed, so what is asked then is the last that it will ever have.
Counters come before the end, so that nobody waits for metadata locks behind the switch. Triggers that the target lacks
(statements would have set them off) are kept at `level`, as the old server may be gone later, and made when nothing is
applied any more. Then the target's position is taken, before events run and applications come: the way back begins
there. The old source is opened for Udup alone after that, with its events off before it is opened.

In a cluster another may carry it on meanwhile: `fence.py` has what keeps two from it.

A closed MySQL server still lets XA transactions commit that had begun before: so `level` waits for their end, and they
are looked at again before the switch.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeAlias

from udup.base import runtime
from udup.base.errors import Failure, Fault, Refused, Superseded, UdupError, Unavailable
from udup.pipeline.cutover import texts
from udup.pipeline.cutover.asking import CHECK_SECONDS, COUNTERS_SECONDS, ask
from udup.pipeline.cutover.check import Checking, frozen_text, listed, still_written
from udup.pipeline.cutover.fence import Fence
from udup.pipeline.cutover.host import AbortWanted, CutoverSettings, Host, NameTaken
from udup.pipeline.cutover.level import ask_level, late_on
from udup.pipeline.cutover.names import abort_command, command, way_back_names
from udup.pipeline.cutover.objects import events_of, kept_objects, triggers_of
from udup.pipeline.cutover.state import TEXT_MAX, Cutover, CutoverState, StepName, StepState, shortened
from udup.pipeline.ports import Drivers

#: Seconds that writers wait behind what closes the source, and applications for an old source that may be gone.
CLOSE_SECONDS = 10.0

#: Seconds until a job that has just been started, or begins again, is to follow its source.
BEGIN_SECONDS = 15.0

#: Seconds that one try of a counter or a trigger waits for a table's lock.
COUNTER_SECONDS = 5.0

#: Seconds between looks whether the target is level, the job has ended, or what has failed works again.
_FIRST_PAUSE, _LONGEST_PAUSE, _LOOK_SECONDS = 0.1, 15.0, 0.5

#: What comes of a step: its text, and what else is kept with it.
_Outcome: TypeAlias = tuple[str, dict[str, Any]]


class _Over(Exception):
    """The engine has nothing more to do; what is left is in the record."""


class CutoverEngine:
    """One attempt to carry a cut-over on to its end."""

    def __init__(self, settings: CutoverSettings, drivers: Drivers, host: Host) -> None:
        plan = settings.plan
        self._settings, self._drivers, self._host = settings, drivers, host
        self._job = plan.job
        self._source, self._target = drivers.source(plan.source), drivers.target(plan.target)
        self._source_gate, self._target_gate = drivers.source_gate(plan.source), drivers.target_gate(plan.target)
        self._cutover = settings.cutover
        self._fence = Fence(settings, self._source_gate, self._target_gate)
        self._steps: dict[StepName, Callable[[], Awaitable[_Outcome]]] = {
            StepName.CHECK: self._check,
            StepName.FREEZE: self._freeze,
            StepName.LEVEL: self._level,
            StepName.COUNTERS: self._counters,
            StepName.END: self._end,
            StepName.TRIGGERS: self._triggers,
            StepName.POSITION: self._position,
            StepName.EVENTS: self._events,
            StepName.REVERSE: self._reverse,
        }

    async def run(self) -> None:
        """Take the steps that are not done, or go on undoing. What fails is kept, and not raised."""
        try:
            if self._cutover.switched or self._cutover.state is CutoverState.UNDOING:
                await self._fence.take_over()
            if self._cutover.state is CutoverState.UNDOING:
                await self._undo()
            elif not self._cutover.switched:
                await self._before_the_switch()
            if self._cutover.state is CutoverState.RUNNING:
                await self._after_the_switch()
        except (_Over, Superseded):
            return  # whoever is superseded leaves all as it is: another carries it on

    # ---- Before the switch ----

    async def _before_the_switch(self) -> None:
        name = self._cutover.next_step
        try:
            await self._fence.take_over()
            while not self._cutover.switched and (name := self._cutover.next_step) is not None:
                if name is StepName.END:
                    await self._switch()
                else:
                    await self._take(name)
        except Superseded:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the source must not stay closed
            await self._fail(name, error)

    async def _take(self, name: StepName) -> None:
        found: dict[str, Any] = {}
        if name is StepName.FREEZE and self._cutover.found is None:
            look = await ask(self._source_gate.look)
            found = {"found": dict(look.found), "reopening": self._source_gate.how_to_restore(look.found)}
        await self._note(name, StepState.DOING, **found)
        text, changes = await self._steps[name]()
        await self._note(name, StepState.DONE, text, **changes)

    async def _switch(self) -> None:
        """Look a last time at what the switch depends on, and make it."""
        executed = await self._last_look()
        await self._note(StepName.END, StepState.DOING, executed=executed, switched_ns=runtime.wall_ns())

    async def _check(self) -> _Outcome:
        job = await self._host.job()
        resumed, timeout = self._settings.resumed, self._cutover.options.timeout_s
        end = runtime.now() + (timeout if resumed else min(timeout, BEGIN_SECONDS))
        while not (job.follows or job.problem or job.abort or (job.waits and not resumed)) and runtime.now() < end:
            await asyncio.sleep(_LOOK_SECONDS)  # a run is about to begin, perhaps since the node has begun again
            job = await self._host.job()
        if job.abort:
            raise AbortWanted(job.abort)
        if not job.follows:
            why = job.waits or f"it is {job.stage}"
            problem = job.problem or f"job {self._job} does not follow its source now: {why}"
            raise Refused([Fault("Job", problem, f"cut over when it runs: udup job status {self._job}")])
        reverse = self._cutover.options.reverse
        way_back = await self._free_name() if reverse else ""
        found = await ask(Checking(self._settings, self._drivers).look, way_back, seconds=CHECK_SECONDS)
        changes = {**found.kept, "way_back": way_back}
        if reverse:
            changes["way_back_incarnation"] = runtime.new_id().replace("-", "")
        return found.text + (f"; the way back will be job {way_back}" if way_back else ""), changes

    async def _free_name(self) -> str:
        """Return a name that no job has, and of which the old source keeps nothing: a checkpoint would be followed."""
        for name in way_back_names(self._job):
            if not await self._host.is_taken(name) and not await ask(self._source_gate.keeps, name):
                return name
        raise UdupError(f"there is no free name for the way back of job {self._job}: delete some with --purge")

    async def _freeze(self) -> _Outcome:
        options = self._cutover.options
        if options.source_read_only:
            await ask(self._source_gate.close, min(options.timeout_s, CLOSE_SECONDS))
        return frozen_text(options, self._source.where, await ask(self._source_gate.look)), {}

    async def _level(self, end: float | None = None) -> _Outcome:
        """Wait until the target is level, for as long as `--timeout` says, or until `end`."""
        end = end if end is not None else runtime.now() + self._cutover.options.timeout_s
        pause = _FIRST_PAUSE
        while True:
            job = await self._host.job()
            if job.abort or job.problem:
                raise AbortWanted(job.abort or job.problem)
            executed, missing = await self._level_now()
            missing = f"{missing}; {job.waits}" if missing and job.waits else missing
            if not missing:
                text = "everything that the source has executed is on the target"
                asked = self._source_gate, self._target_gate, self._settings.plan.scope
                return text, {"executed": executed, **await ask(kept_objects, *asked)}
            if runtime.now() >= end:
                raise UdupError(f"not level within {self._cutover.options.timeout_s:g} s: {missing}")
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LOOK_SECONDS)

    async def _level_now(self) -> tuple[str, str]:
        """Return what `ask_level` does, or what keeps it from being answered for now."""
        try:
            return await ask(ask_level, self._drivers, self._settings.plan)
        except UdupError as error:
            if not error.kind.passes:
                raise
            return "", str(error)

    async def _counters(self) -> _Outcome:
        counters = await ask(self._source_gate.counters, self._settings.plan.scope)
        end = runtime.now() + self._cutover.options.timeout_s
        while True:
            try:
                raise_them = self._target_gate.raise_counters
                raised = await self._fence.change(raise_them, counters, COUNTER_SECONDS, seconds=COUNTERS_SECONDS)
            except UdupError as error:
                if not error.kind.passes or runtime.now() >= end:
                    raise
                await asyncio.sleep(_LOOK_SECONDS)
            else:
                return (f"raised on the target: {listed(raised)}" if raised else "the target's are as high"), {}

    async def _last_look(self) -> str:
        """Return what the source has executed; raise if anything that the switch depends on has changed.

        All of it once more after each wait, before which nothing that was found counts. Nothing may be left that could
        still commit before it is asked what was executed; and one that was started again meanwhile is open.
        """
        options, level_with = self._cutover.options, self._cutover.executed
        end = runtime.now() + options.timeout_s
        while True:
            job = await self._host.job()
            if job.abort or job.problem:
                raise AbortWanted(job.abort or job.problem)
            unfinished = await ask(self._source_gate.unfinished)
            written = await ask(self._source.executed) - self._source.position(level_with)
            if why := still_written(options, self._source.where, await ask(self._source_gate.look), str(written)):
                raise UdupError(why)
            if not written and not unfinished:
                return level_with
            if runtime.now() >= end:
                more = shortened(str(written), 200) or listed(unfinished)
                raise UdupError(f"{self._source.where} is not at rest within {options.timeout_s:g} s: {more}")
            _, changes = await self._level(end)  # what a closed server still executes: FLUSH, the end of a XA one
            level_with = str(changes["executed"])  # none of which makes events or triggers, so those kept are the last

    # ---- Undoing ----

    async def _fail(self, name: StepName | None, error: Exception) -> None:
        reason = shortened(str(error) if isinstance(error, AbortWanted) else Failure.of(error).text)
        failed = name or StepName.CHECK
        text = f"{failed.value}: {reason}"
        noted = self._cutover.noted(failed, StepState.FAILED, reason)
        undoing = noted.with_(state=CutoverState.UNDOING, text=text, reason=text)
        await self._try_to_keep(undoing)
        await self._undo()

    async def _undo(self) -> None:
        """Open the source as it was found. The job has gone on all the time."""
        undone = self._cutover.holds_source
        if undone:
            await self._until_done(StepName.FREEZE, self._restore, self._not_undone())
        cutover, freeze = self._cutover, self._cutover.step(StepName.FREEZE)
        if freeze.state is not StepState.WAITING:
            cutover = cutover.noted(StepName.FREEZE, StepState.UNDONE, freeze.text)
        found = f"The source {self._source.where} is as it was found" if undone else "Nothing was changed on the source"
        text = texts.undone_text(cutover, found, self._job, await self._host.job())
        await self._keep(cutover.with_(state=CutoverState.UNDONE, text=text))

    async def _restore(self) -> _Outcome:
        assert self._cutover.found is not None
        await ask(self._source_gate.restore, self._cutover.found)
        return "", {}

    def _not_undone(self) -> str:
        how = self._source_gate.how_to_restore(self._cutover.found or {})
        by_hand = f"run on it: {how}; then " if how else ""
        return f"{self._source.where} is still read-only: {by_hand}{abort_command(self._job)}"

    # ---- After the switch ----

    async def _after_the_switch(self) -> None:
        if self._cutover.step(StepName.POSITION).state is StepState.DONE:
            now = texts.may_write(self._target.where, self._cutover.opening)
            self._cutover = self._cutover.with_(text=f"job {self._job} is cut over: {now}")
        while (name := self._cutover.next_step) is not None:
            if self._cutover.step(name).state is not StepState.DOING:
                await self._note(name, StepState.DOING)
            left = texts.left_text(self._cutover, name, self._target.where, self._command)
            text, changes = await self._until_done(name, self._steps[name], left, texts.give_up_text(self._job))
            await self._note(name, StepState.DONE, text, **changes)
        dry_run, where = self._cutover.options.dry_run, (self._source.where, self._target.where, self._job)
        cutover = self._cutover if dry_run else self._cutover.with_(opening=await self._opening())
        keeping = self._source_gate.how_to_keep_closed(cutover.found or {}, for_udup=cutover.options.reverse)
        told = texts.done_text(cutover, *where, keeping, self._settings.skipped)
        cutover = cutover.with_(state=CutoverState.DONE, text=told)
        await self._keep(texts.with_plan(cutover, *where) if dry_run else cutover)

    async def _opening(self) -> str:
        """Return what is to be run before applications can write to the target."""
        with suppress(UdupError):
            return await ask(self._target_gate.how_to_open)
        return self._cutover.opening

    async def _until_done(
        self, name: StepName, step: Callable[[], Awaitable[_Outcome]], left: str, meanwhile: str = ""
    ) -> _Outcome:
        """Do a step for as long as time may heal it; otherwise say what is left, and end."""
        pause = _FIRST_PAUSE
        while True:
            try:
                return await step()
            except Exception as error:
                failure = Failure.of(error)
                if isinstance(error, Superseded):
                    raise
                doing = self._cutover.step(name)
                if not failure.kind.passes:
                    stopped = f"{name.value}: {shortened(failure.text).rstrip('. ')}. {left}"
                    noted = self._cutover.noted(name, StepState.FAILED, failure.text)
                    await self._keep(noted.with_(state=CutoverState.STOPPED, text=stopped))
                    raise _Over from error
                waits = f"{shortened(failure.text, TEXT_MAX - len(meanwhile))}{meanwhile}"
                if doing.text != waits:
                    await self._try_to_keep(self._cutover.noted(name, StepState.DOING, waits))
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _end(self) -> _Outcome:
        while not (await self._host.job()).ended:
            await asyncio.sleep(_FIRST_PAUSE)
        await self._fence.change(self._target_gate.release, self._job)
        return f"job {self._job} has ended and keeps no table of {self._target.where} any more", {}

    async def _triggers(self) -> _Outcome:
        triggers = triggers_of(self._cutover.triggers)
        make = self._target_gate.make
        told = await self._fence.change(make, triggers, COUNTER_SECONDS, seconds=COUNTERS_SECONDS)
        done = f"made on the target: {listed(triggers)}" if triggers else texts.LACKS_NO_TRIGGER
        return "; ".join([done, *told]), {}

    async def _position(self) -> _Outcome:
        new_source = self._drivers.source(self._settings.plan.target)
        position = str(await ask(new_source.executed))
        late = await late_on(self._source, self._cutover.executed, CLOSE_SECONDS)
        opening = await self._opening()
        now = texts.may_write(self._target.where, opening)
        self._cutover = self._cutover.with_(text=f"job {self._job} is cut over: {now}")
        text = f"the target had executed {shortened(position, 300)} before anybody came{late}; {now}"
        return text, {"position": position, "opening": opening}

    async def _events(self) -> _Outcome:
        events = events_of(self._cutover.events)
        told = await self._fence.change(self._target_gate.enable, events)
        done = f"enabled on the target: {listed(events)}" if events else "there are none that were enabled"
        return "; ".join([done, *told]), {}

    async def _reverse(self) -> _Outcome:
        events = events_of(self._cutover.events)
        await ask(self._source_gate.open_for_udup, self._cutover.found or {}, events)
        while True:
            try:
                await self._host.create_way_back(self._cutover)
                break
            except NameTaken:
                way_back, incarnation = await self._free_name(), runtime.new_id().replace("-", "")
                await self._keep(self._cutover.with_(way_back=way_back, way_back_incarnation=incarnation))
        besides = self._source_gate.who_writes_on(self._cutover.found or {})
        return texts.way_back_text(self._cutover, self._source.where, self._target.where, besides), {}

    # ---- The record ----

    async def _note(self, name: StepName, state: StepState, text: str = "", **changes: Any) -> None:
        await self._keep(self._cutover.noted(name, state, text, **changes))

    async def _keep(self, cutover: Cutover) -> None:
        """Have it stored. While the source may be closed and nothing is switched, the store has so much time only.

        The switch itself is waited for: once it was asked for, nobody here knows whether it holds.
        """
        bounded = cutover.holds_source and cutover.state is CutoverState.RUNNING
        patience = cutover.options.timeout_s if bounded else None
        try:
            await asyncio.wait_for(self._host.keep(cutover), patience)
        except TimeoutError as error:
            raise Unavailable(f"the job store did not take it within {patience:g} s") from error
        self._cutover = cutover

    async def _try_to_keep(self, cutover: Cutover) -> None:
        """Have it stored, but go on undoing without that: whoever comes next finds the source open, and undoes too."""
        with suppress(TimeoutError):  # it is on its way, before anything that is kept later
            await asyncio.wait_for(self._host.keep(cutover), _LONGEST_PAUSE)
        self._cutover = cutover

    @property
    def _command(self) -> str:
        return command(self._job, self._cutover.options)
