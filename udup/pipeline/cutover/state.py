"""A cut-over as it is kept in its job's record: what was asked, how far it is, what was found before each change."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Self

from pydantic import model_validator

from udup.base import runtime
from udup.base.kept import Kept

#: Characters of a text that is kept.
TEXT_MAX = 4000

#: What stands behind a text that was cut.
_CUT = " …"

#: Seconds for the target to become level, and for anything else that is tried before the switch.
DEFAULT_TIMEOUT_S = 60.0


def shortened(text: str, most: int = TEXT_MAX) -> str:
    """Return a text that is no longer than that, and shows that it was cut: half a set of transactions misleads."""
    return text if len(text) <= most else text[: most - len(_CUT)] + _CUT


class StepName(StrEnum):
    """The steps in their order; `END` is the switch. The values are words of the API's."""

    CHECK = "check"
    FREEZE = "freeze"
    LEVEL = "level"
    COUNTERS = "counters"
    END = "end"
    TRIGGERS = "triggers"
    POSITION = "position"
    EVENTS = "events"
    REVERSE = "reverse"


class StepState(StrEnum):
    WAITING = "waiting"
    DOING = "doing"
    DONE = "done"
    FAILED = "failed"
    UNDONE = "undone"
    LEFT_OUT = "left out"  # nobody has asked for it


class CutoverState(StrEnum):
    """`STOPPED`: somebody has to do something, then it goes on from where it is."""

    RUNNING = "running"
    UNDOING = "undoing"
    UNDONE = "undone"
    STOPPED = "stopped"
    DONE = "done"


class Options(Kept):
    """What was asked for. `writes_stopped`: the operator gives his word that nothing writes to the source."""

    source_read_only: bool = False
    writes_stopped: bool = False
    enable_events: bool = False
    reverse: bool = False
    dry_run: bool = False
    timeout_s: float = DEFAULT_TIMEOUT_S


class Step(Kept):
    """`time_ns`: when its state changed last, in nanoseconds since the epoch."""

    name: StepName
    state: StepState = StepState.WAITING
    time_ns: int = 0
    text: str = ""


class KeptEvent(Kept):
    """An event that was enabled on the source, and its name on the target."""

    schema_name: str
    name: str
    target_schema: str


class KeptTrigger(Kept):
    """A trigger of the source that the target is to get, by its names there."""

    schema_name: str
    name: str
    table: str
    definer: str
    definition: str
    restores: str = ""


class Cutover(Kept):
    """`text` is for people: what came of it, and what is left to do.

    `found` are the source's settings before the first change, None until they were asked, and `reopening` is what
    somebody runs who wants them so again. `executed` is what the source
    had executed when the target was level with it, `position` what the target had when the job had ended, `opening`
    what somebody had to run there then so that applications can write. `abort` is the supervisor's own: why somebody
    wants the end of it.
    """

    id: str
    options: Options
    since_ns: int
    state: CutoverState = CutoverState.RUNNING
    steps: tuple[Step, ...] = ()
    text: str = ""
    reason: str = ""
    found: dict[str, str] | None = None
    reopening: str = ""
    executed: str = ""
    events: tuple[KeptEvent, ...] = ()
    triggers: tuple[KeptTrigger, ...] = ()
    switched_ns: int = 0
    position: str = ""
    opening: str = ""
    way_back: str = ""
    way_back_incarnation: str = ""
    abort: str = ""

    @classmethod
    def asked(cls, options: Options) -> Cutover:
        """Return one that begins now."""
        left_out = set()
        if options.dry_run:
            left_out = set(StepName) - {StepName.CHECK}
        if not options.enable_events:
            left_out.add(StepName.EVENTS)
        if not options.reverse:
            left_out.add(StepName.REVERSE)
        states = {name: StepState.LEFT_OUT if name in left_out else StepState.WAITING for name in StepName}
        steps = tuple(Step(name=name, state=state) for name, state in states.items())
        return cls(id=runtime.new_id(), options=options, since_ns=runtime.wall_ns(), steps=steps)

    @model_validator(mode="after")
    def _with_every_step(self) -> Self:
        """Give one that an earlier version has begun the steps that it did not know.

        They wait if they are still to come. One that is over, or is past them, has left them out.
        """
        if not self.steps or len(self.steps) == len(StepName):
            return self
        known = {step.name: step for step in self.steps}
        names = list(StepName)
        last = max((names.index(step.name) for step in self.steps if step.state is StepState.DONE), default=-1)
        for place, name in enumerate(names):
            comes = self.goes_on and not self.options.dry_run and place > last
            known.setdefault(name, Step(name=name, state=StepState.WAITING if comes else StepState.LEFT_OUT))
        object.__setattr__(self, "steps", tuple(known[name] for name in names))
        return self

    # ---- What follows from it ----

    @property
    def is_active(self) -> bool:
        """Whether an engine is to carry it on."""
        return self.state in (CutoverState.RUNNING, CutoverState.UNDOING)

    @property
    def switched(self) -> bool:
        """Whether the target is the new server: nothing is undone from then on."""
        return self.switched_ns > 0

    @property
    def holds_source(self) -> bool:
        """Whether the source may still be read-only by this cut-over, which is to be undone unless it is switched."""
        return self.found is not None and self.options.source_read_only and not self.switched

    @property
    def undoing_is_held_up(self) -> bool:
        """Whether the source could not be opened again so far."""
        freeze = self.step(StepName.FREEZE)
        return self.state is CutoverState.UNDOING and freeze.state is StepState.DOING and bool(freeze.text)

    @property
    def goes_on(self) -> bool:
        """Whether a further request carries it on instead of beginning another one."""
        return self.is_active or self.state is CutoverState.STOPPED

    @property
    def told(self) -> str:
        """Return how it is, in a line: what came of it so far, and what is being done."""
        doing = [step for step in self.steps if step.state is StepState.DOING] if self.is_active else []
        return "; ".join(filter(None, [self.text, *(f"{each.name.value}: {each.text}".rstrip(": ") for each in doing)]))

    def step(self, name: StepName) -> Step:
        return next(step for step in self.steps if step.name is name)

    @property
    def next_step(self) -> StepName | None:
        """Return the first step that is not done, None after the last."""
        over = (StepState.DONE, StepState.LEFT_OUT)
        return next((step.name for step in self.steps if step.state not in over), None)

    # ---- The next one ----

    def with_(self, **changes: Any) -> Self:
        return self.model_copy(update=changes)

    def noted(self, name: StepName, state: StepState, text: str = "", **changes: Any) -> Self:
        """Return it with a step's new state."""
        new = Step(name=name, state=state, time_ns=runtime.wall_ns(), text=shortened(text))
        steps = tuple(new if step.name is name else step for step in self.steps)
        return self.with_(steps=steps, **changes)
