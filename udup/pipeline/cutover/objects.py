"""Events and triggers of the source as they are kept with the job, for steps that come when it may be gone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from udup.pipeline.cutover.state import KeptEvent, KeptTrigger
from udup.pipeline.ports import ScheduledEvent, Scope, SourceGate, TargetGate, Trigger


def kept_objects(source: SourceGate, target: TargetGate, scope: Scope) -> dict[str, Any]:
    """Return what is kept: the events that are enabled, and the triggers that the target lacks."""
    events, lacking = source.events(scope), lacking_triggers(source, target, scope)
    return {"events": kept_events(events), "triggers": kept_triggers(lacking)}


def lacking_triggers(source: SourceGate, target: TargetGate, scope: Scope) -> list[Trigger]:
    """Return the triggers that the target lacks. Only their definitions are read: the source may be closed."""
    lacking = target.lacking(source.triggers(scope))
    return source.defined(scope, lacking) if lacking else []


def kept_events(events: Iterable[ScheduledEvent]) -> tuple[KeptEvent, ...]:
    return tuple(KeptEvent(schema_name=e.schema, name=e.name, target_schema=e.target_schema) for e in events)


def events_of(kept: Iterable[KeptEvent]) -> list[ScheduledEvent]:
    return [ScheduledEvent(each.schema_name, each.name, each.target_schema) for each in kept]


def kept_triggers(triggers: Iterable[Trigger]) -> tuple[KeptTrigger, ...]:
    return tuple(
        KeptTrigger(
            schema_name=t.schema,
            name=t.name,
            table=t.table,
            definer=t.definer,
            definition=t.definition,
            restores=t.restores,
        )
        for t in triggers
    )


def triggers_of(kept: Iterable[KeptTrigger]) -> list[Trigger]:
    return [
        Trigger(each.schema_name, each.name, each.table, each.definer, each.definition, each.restores) for each in kept
    ]
