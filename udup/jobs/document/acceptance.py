"""From a posted document to the one that is kept: passwords put back, checked, this server's defaults filled in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from udup.base.errors import Fault, Refused
from udup.base.ids import unaddressable
from udup.jobs.document.bounds import excess
from udup.jobs.document.delivered import Judge, delivery_faults
from udup.jobs.document.harmless import ANSWERED_JOB, ANSWERED_TASK
from udup.jobs.document.keys import Level, canonical
from udup.jobs.document.local import local_faults
from udup.jobs.document.passwords import merge_passwords
from udup.jobs.document.spec import DEFAULT_DATACENTER, DEFAULT_REGION, DOCUMENT, JobSpec, parse_job
from udup.jobs.document.starts import start_faults
from udup.jobs.document.submission import unwrap
from udup.jobs.document.subscription import misplaced
from udup.jobs.document.unknown import unknown_faults
from udup.jobs.document.values import shown

#: Looks at what a document names of the machines that carry it out: its spec and itself, with passwords.
LocalLook = Callable[[JobSpec, Mapping[str, Any]], Iterable[Fault]]

#: Keys that a kept document always has, in this spelling.
_ALWAYS = Level({"ID", "Region", "Datacenters", "Tasks"})

#: Keys that a kept document never has, in lower case: what answers add to a job, and what concerned one write alone.
_NOT_KEPT = {key.lower() for key in (*ANSWERED_JOB, "EnforceIndex", "JobModifyIndex")}
_NOT_KEPT_OF_TASK = {key.lower() for key in ANSWERED_TASK}


def accept(
    document: object,
    stored: Mapping[str, Any] | None = None,
    *,
    region: str = DEFAULT_REGION,
    datacenter: str = DEFAULT_DATACENTER,
    local: bool | LocalLook = True,
    judge: Judge | None = None,
) -> tuple[JobSpec, dict[str, Any]]:
    """The spec of a posted document, and the document to keep: unwrapped, with passwords, ID, Region and Datacenters.

    `stored` is the document kept so far under the same ID, if any. `local`: the files and secrets that the job names
    on this node are looked at, too, which may take long; or what looks at those of other nodes besides. `judge` says
    what drivers find in a subscription's Dest.
    Raises `Refused` with every fault, unknown keys among them.
    """
    given = unwrap(document).document
    if faults := list(excess(given, DOCUMENT)):
        raise Refused(faults)
    merged = merge_passwords(given, stored)
    spec, faults = _read(merged)
    if spec is not None and stored is None and (problem := unaddressable(spec.id)):  # an older one may be changed
        faults.append(Fault("ID", f"{shown(spec.id)} {problem}", "choose another ID, or leave it out"))
    if spec is not None and local:
        faults += local(spec, merged) if callable(local) else local_faults(spec)
    if judge is not None:
        faults += list(delivery_faults(merged, DOCUMENT, judge, faults))
    if faults or spec is None:
        raise Refused(faults)
    kept = essence(merged)
    kept["ID"] = spec.id
    kept["Region"] = kept.get("Region") or region
    kept["Datacenters"] = kept.get("Datacenters") or [datacenter]
    return spec.model_copy(update={"region": kept["Region"], "datacenters": kept["Datacenters"]}), kept


def _read(document: Mapping[str, Any]) -> tuple[JobSpec | None, list[Fault]]:
    """Return the spec of a document, None if it is none, and the faults of keys and of values, of its start too."""
    faults = [*unknown_faults(document), *start_faults(document), *misplaced(document, DOCUMENT)]
    try:
        return parse_job(document), faults
    except Refused as refused:
        return None, [*faults, *refused.faults]


def essence(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document without what answers add to it and what concerned one write alone."""
    kept: dict[str, Any] = canonical(_without(document, _NOT_KEPT), _ALWAYS, "", [])
    if isinstance(tasks := kept.get("Tasks"), list):
        kept["Tasks"] = [_without(task, _NOT_KEPT_OF_TASK) if isinstance(task, dict) else task for task in tasks]
    return kept


def _without(values: Mapping[str, Any], keys: set[str]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key.lower() not in keys}
