"""Every answer of the API is as its description says.

Some hundred requests, made up by Schemathesis, which takes a second to load: `tests/conftest.py` marks them `slow`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import checks, openapi

from tests.web.shown_app import app_with_a_job

CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.response_schema_conformance,
    checks.content_type_conformance,
]

#: Without the phase that tries every boundary of every field: some thousand requests for a registration alone.
CONFIG = schemathesis.Config.from_dict({"phases": {"coverage": {"enabled": False}}})

#: Few examples for each of some fifty operations; the seed is fixed, so that they are the same in every run.
FEW = settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)

schema = openapi.from_wsgi("/v1/openapi.json", app_with_a_job(), config=CONFIG)


#: Operations whose body takes long to make up, and which are the same as others: POST /v1/jobs, POST /v1/validate/job.
SAME = re.compile("registerByPut|registerAtBy|validateJobByPut")


def _operations() -> Iterator[str]:
    for methods in schema.raw_schema["paths"].values():
        for operation in methods.values():
            if not SAME.search(operation["operationId"]):
                yield operation["operationId"]


def _test_of(operation: str) -> Callable[[schemathesis.Case], None]:
    @schema.include(operation_id=operation).parametrize()
    @FEW
    def is_as_described(case: schemathesis.Case) -> None:
        case.call_and_validate(checks=CHECKS, headers={"Accept-Encoding": "identity"})

    return is_as_described


# A function for each: the tests that one function stands for have one ID, and processes that share the tests would run
# the first of them alone.
for _operation in _operations():
    globals()[f"test_every_answer_is_as_described_{_operation}"] = _test_of(_operation)
