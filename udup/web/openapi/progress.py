"""The description of `Progress`, made from the object that the engines fill."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from udup.jobs.progress import JobProgress
from udup.jobs.progress_fields import FIELDS

#: What the schema is called, and where it is found from others.
NAME = "Progress"
REFERENCE = {"$ref": f"#/components/schemas/{NAME}"}

#: Which schemas have a progress, and under which key.
HOLDERS = ("Job", "TaskStatistics")


def progress_schemas(generator: type[GenerateJsonSchema]) -> dict[str, Any]:
    """Return the schema of Progress and of what is in it: a field that nobody has told yet is not there."""
    template = "#/components/schemas/{model}"
    _, found = models_json_schema([(JobProgress, "validation")], ref_template=template, schema_generator=generator)
    schemas: dict[str, Any] = found["$defs"]
    for each in schemas.values():
        each["properties"] = {name: _plain(field) for name, field in each["properties"].items()}
        each["additionalProperties"] = True  # what a later version tells
    whole = schemas.pop(JobProgress.__name__)
    whole["title"] = NAME
    whole["description"] = "How a job is doing. A key that no task has told yet is not there; docs/statistics.md."
    for name, field in whole["properties"].items():
        unit, text = FIELDS[name]
        field["description"] = f"{text} [{unit}]" if unit else text
        if unit:
            field["x-unit"] = unit
    return {**schemas, NAME: whole}


def _plain(field: dict[str, Any]) -> dict[str, Any]:
    """Return a field without its default: None stands there for what is not told, and is not in an answer."""
    return {key: value for key, value in field.items() if key != "default"}
