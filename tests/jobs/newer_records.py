"""Records as other versions write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RECORDS = Path(__file__).parent / "records"


def before_formats(job_id: str = "") -> dict[str, Any]:
    """Return a record with everything in it, as version 0.4 wrote it; of this job, if one is named."""
    record: dict[str, Any] = json.loads((RECORDS / "before_formats.json").read_text("utf-8"))
    if job_id:
        record["id"] = record["document"]["ID"] = job_id
    return record


def newer(value: Any) -> Any:
    """Return a record's JSON with fields at every level that this version does not know."""
    if isinstance(value, list):
        return [newer(item) for item in value]
    if not isinstance(value, dict):
        return value
    inside = {key: _each_newer(item) if key == "tables" else newer(item) for key, item in value.items()}
    return {"new_text": "größe", **inside, "new_object": {"a": [1, {}]}}


def _each_newer(value: Any) -> Any:
    """What is kept by names that are not this program's."""
    return {key: newer(item) for key, item in value.items()} if isinstance(value, dict) else newer(value)


def newer_record(job_id: str = "") -> dict[str, Any]:
    """Return a record with such fields; its document is one that this version understands."""
    record = before_formats(job_id)
    return {**newer(record), "document": record["document"], "documents": record["documents"]}
