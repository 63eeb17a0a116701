"""/v1/evaluations, /v1/evaluation/<id> and its allocations."""

from __future__ import annotations

from collections.abc import Callable

import falcon

from udup.web.requests import check_uuid, uuid_prefix
from udup.web.resources.tables import Tables
from udup.web.responses import Reading, View, split_part
from udup.web.schemas.allocations import evaluation_of

_PARTS = frozenset({"allocations"})


class EvaluationsResource:
    """The list."""

    def __init__(self, tables: Callable[[], Tables], reading: Reading) -> None:
        self._tables = tables
        self._reading = reading

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        digits = uuid_prefix(req, "eval")

        def look() -> View:
            tables = self._tables()
            return View(tables.evaluations_index, lambda: tables.shown(tables.evaluations(digits)))

        self._reading.answer(req, resp, look)


class EvaluationResource:
    """One, or the allocations that it made."""

    def __init__(self, tables: Callable[[], Tables], reading: Reading) -> None:
        self._tables = tables
        self._reading = reading

    def on_get(self, req: falcon.Request, resp: falcon.Response, path: str) -> None:
        identity, part = split_part(path, _PARTS)
        if not part:
            check_uuid(identity, "eval")
        self._reading.answer(req, resp, lambda: self._allocations(identity) if part else self._evaluation(identity))

    def _evaluation(self, identity: str) -> View:
        tables = self._tables()
        kept = tables.evaluation(identity)
        if kept is None:
            return View(tables.evaluations_index, dict, "eval not found")
        return View(kept.modify_index, lambda: evaluation_of(kept))

    def _allocations(self, identity: str) -> View:
        tables = self._tables()
        return View(tables.allocations_index, lambda: tables.stubs(tables.allocations_of_evaluation(identity)))
