"""From a posted document to the one that is kept: passwords put back, checked, this server's defaults filled in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from udup.errors import Refused
from udup.job.keys import Level, canonical
from udup.job.local import local_faults
from udup.job.passwords import merge_passwords
from udup.job.spec import DEFAULT_DATACENTER, DEFAULT_REGION, JobSpec, parse_job
from udup.job.submission import unwrap

#: Keys that a kept document always has, in this spelling.
_ALWAYS = Level({"ID", "Region", "Datacenters"})


def accept(
    document: object,
    stored: Mapping[str, Any] | None = None,
    *,
    region: str = DEFAULT_REGION,
    datacenter: str = DEFAULT_DATACENTER,
    local: bool = True,
) -> tuple[JobSpec, dict[str, Any]]:
    """The spec of a posted document, and the document to keep: unwrapped, with passwords, ID, Region and Datacenters.

    `stored` is the document kept so far under the same ID, if any. `local`: the files and secrets that the job names
    on this node are looked at, too, which may take long. Raises `Refused` with every fault.
    """
    merged = merge_passwords(unwrap(document).document, stored)
    spec = parse_job(merged)
    if local and (faults := list(local_faults(spec))):
        raise Refused(faults)
    kept: dict[str, Any] = canonical(merged, _ALWAYS, "", [])
    kept["ID"] = spec.id
    kept["Region"] = kept.get("Region") or region
    kept["Datacenters"] = kept.get("Datacenters") or [datacenter]
    return spec.model_copy(update={"region": kept["Region"], "datacenters": kept["Datacenters"]}), kept
