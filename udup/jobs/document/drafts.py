"""A job that is written as far as it goes: read as if it were whole, to be told what it would need. It is not kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from udup.base.secrets import MASK, PLACEHOLDER
from udup.jobs.document.acceptance import accept
from udup.jobs.document.passwords import merge_passwords
from udup.jobs.document.spec import JobSpec
from udup.jobs.document.submission import unwrap

#: Stands for what is not written yet.
_NAME = "draft"


def drafted(document: object, stored: Mapping[str, Any] | None = None) -> JobSpec:
    """Return the spec of a document that may have no name and no passwords yet; `Refused` with every other fault."""
    given = merge_passwords(unwrap(document).document, stored)
    if not any(key.lower() == "name" and value for key, value in given.items()):
        given = {key: value for key, value in given.items() if key.lower() != "name"} | {"Name": _NAME}
    spec, _ = accept(_without_masks(given), local=False)
    return spec


def _without_masks(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_masks(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_without_masks(each) for each in value]
    return "" if value in (MASK, PLACEHOLDER) else value
