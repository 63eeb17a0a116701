"""What people read of a whole cut-over: what a dry run would do, and what has come of one."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from udup.pipeline.cutover.check import listed, passed_over
from udup.pipeline.cutover.host import JobNow
from udup.pipeline.cutover.names import abort_command, command
from udup.pipeline.cutover.objects import events_of, triggers_of
from udup.pipeline.cutover.state import Cutover, CutoverState, StepName, StepState

LACKS_NO_TRIGGER = "the target lacks none that the job brings"


def with_plan(cutover: Cutover, source: str, target: str, job: str) -> Cutover:
    """Return a dry run's record with what each step would do."""
    for name, text in _dry_run_texts(cutover, source, target, job).items():
        cutover = cutover.noted(name, StepState.LEFT_OUT, text)
    return cutover


def _dry_run_texts(cutover: Cutover, source: str, target: str, job: str) -> dict[StepName, str]:
    options, way_back = cutover.options, cutover.way_back
    names = listed(events_of(cutover.events)) or "no event"
    triggers = listed(triggers_of(cutover.triggers)) or f"no trigger: {LACKS_NO_TRIGGER}"
    if options.source_read_only:
        freeze = f"would make {source} read-only" + ("" if options.writes_stopped else " for everybody")
    else:
        freeze = f"would look that {source} is read-only" + (", or take your word" if options.writes_stopped else "")
    texts = {
        StepName.FREEZE: freeze,
        StepName.LEVEL: f"would wait up to {options.timeout_s:g} s until {target} has everything of {source}",
        StepName.COUNTERS: f"would raise AUTO_INCREMENT on {target} where it is lower",
        StepName.END: f"would end job {job}: the switch, after which nothing is undone",
        StepName.TRIGGERS: f"would make on {target}: {triggers}",
        StepName.POSITION: f"would note what {target} has executed then",
    }
    if options.enable_events:
        texts[StepName.EVENTS] = f"would enable on {target}: {names}"
    if options.reverse:
        texts[StepName.REVERSE] = (
            f"would disable on {source}: {names}; open it for Udup alone, and start job {way_back} from "
            f"{target} to {source}"
        )
    return texts


def way_back_text(cutover: Cutover, source: str, target: str, besides: str) -> str:
    """Return what comes of the step `reverse`. `besides`: who can write to the old source as well as Udup."""
    events = listed(events_of(cutover.events))
    off = f"; its events were disabled there: {events}" if events else ""
    return (
        f"job {cutover.way_back} brings what is written to {target} back to"
        f" {source}, which only Udup and {besides} can write to{off}"
    )


def undone_text(cutover: Cutover, found: str, job_id: str, job: JobNow) -> str:
    """Return what has come of one that was undone. `found`: how its source is now, as a sentence begins."""
    again = command(job_id, cutover.options) + (" --dry-run" if cutover.options.dry_run else "")
    aborted = bool(job.abort) and job.abort in cutover.reason
    goes_on = "" if job.problem else f", and job {job_id} goes on"
    then = "To cut over all the same" if aborted else "Once that is fixed"
    return f"{cutover.reason.rstrip('. ')}. {found}{goes_on}. {then}: {again}"


def who_may_write(cutover: Cutover, target: str) -> str:
    """Return whether applications may write to the target by now."""
    if cutover.step(StepName.POSITION).state is not StepState.DONE:
        return f"no application may write to {target} yet: the step {StepName.POSITION.value} says when"
    return may_write(target, cutover.opening)


def may_write(target: str, opening: str) -> str:
    """Return that applications may write to the target. `opening`: what is to be run there before."""
    if opening:
        return f"applications may write to {target} as soon as {opening} was run there"
    return f"applications may write to {target} now"


def left_text(cutover: Cutover, name: StepName, target: str, again: str) -> str:
    """Return what follows a failure of a step behind the switch. `again` is the command that goes on."""
    now = who_may_write(cutover, target)
    return f"The switch is made, so nothing is undone; {now}. Left to do are {name.value} and what follows: {again}"


def given_up(cutover: Cutover, job_id: str, source: str, target: str) -> Cutover:
    """Return one that is switched without the steps that are not done, and with what that means for people."""
    over = (StepState.DONE, StepState.LEFT_OUT)
    left = [step for step in cutover.steps if step.state not in over]
    for step in left:
        if step.state is StepState.DOING:
            made = "the switch is made; " if step.name is StepName.END else ""
            waited = step.text.removesuffix(give_up_text(job_id))
            text = f"{made}left to do since an abort came" + (f": {waited}" if waited else "")
            cutover = cutover.noted(step.name, StepState.WAITING, text)
    now, again = who_may_write(cutover, target), command(job_id, cutover.options)
    gone = _triggers_gone(cutover, target)
    text = (
        f"the abort came after the switch, so nothing was undone: job {job_id} is cut over."
        f" {_of_source(cutover, source, target)}. {now[0].upper()}{now[1:]}."
        f" Left to do: {', '.join(step.name.value for step in left)}."
        f" To carry that on: {again}; to leave it at that: udup job delete {shlex.quote(job_id)}{gone}"
    )
    return cutover.with_(text=text, state=CutoverState.STOPPED)


def _triggers_gone(cutover: Cutover, target: str) -> str:
    """Return which triggers nobody knows any more when the job is deleted, as a sentence goes on."""
    triggers = triggers_of(cutover.triggers)
    if not triggers or cutover.step(StepName.TRIGGERS).state is StepState.DONE:
        return ""
    return (
        f". With it go the definitions of the triggers that {target} does not have yet ({listed(triggers)}): make them"
        " there before applications write"
    )


def _of_source(cutover: Cutover, source: str, target: str) -> str:
    """Return how the source of a cut-over is that was given up, and what opens it."""
    lost = f"what is written there does not come to {target} any more"
    if not cutover.options.source_read_only:
        return f"The source {source} is as it was found, and {lost}"
    opens = f"; this opens it, and {lost}: {cutover.reopening}" if cutover.reopening else ""
    return f"The source {source} stays read-only{opens}"


def give_up_text(job: str) -> str:
    """Return what follows a reason why a step behind the switch is tried again and again."""
    return f"; it is tried again until it is done. If that never comes, give up what is left: {abort_command(job)}"


def done_text(
    cutover: Cutover, source: str, target: str, job: str, keeping: tuple[str, str], skipped: Sequence[str] = ()
) -> str:
    """Return what has come of it, and what is left for people to do.

    `keeping`: what keeps the old source closed when it is started again, and what lifts that. `skipped`: what the
    target lacks on purpose.
    """
    options = cutover.options
    if options.dry_run:
        return f"nothing was changed; to do it: {command(job, options)}"
    parts = [f"job {job} is cut over: {may_write(target, cutover.opening)}"]
    if skipped:
        parts.append(passed_over(skipped))
    if cutover.events and not options.enable_events:
        events = listed(events_of(cutover.events))
        parts.append(f"events that ran on the source are disabled on the target: {events}")
    keep, lift = keeping
    opened = f"{source} is open for everybody once it is started again, unless {keep}"
    if options.reverse:
        parts.append(f"job {cutover.way_back} brings changes back: udup job status {cutover.way_back}")
        parts.append(f"{opened}, and {lift} before applications go back to it")
    elif options.source_read_only:
        parts.append(f"{opened}, and {lift} when it is to be written to")
    elif options.writes_stopped:
        parts.append(f"{source} can be written to: nothing brings that over any more")
    return "; ".join(parts)
