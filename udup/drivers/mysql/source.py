"""MySQL as a source (`pipeline/ports.py`)."""

from __future__ import annotations

from contextlib import closing

from udup.base.endpoint import Endpoint
from udup.drivers.mysql.checks.source_tables import check_parents
from udup.drivers.mysql.client.connection import connect
from udup.drivers.mysql.client.facts import read_facts
from udup.drivers.mysql.dictionary.claims import read_feeds
from udup.drivers.mysql.snapshot.names import check_names
from udup.pipeline.ports import Scope, SourceLook


class MySQLSource:
    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    @property
    def where(self) -> str:
        return str(self._endpoint)

    def look(self, scope: Scope) -> SourceLook:
        """Return what the source is like, and what of its dictionary speaks against the job."""
        with closing(connect(self._endpoint)) as connection:
            facts = read_facts(connection)
            selection = scope.selection
            faults = check_parents(connection, facts, selection) + check_names(connection, facts, selection)
            feeds = read_feeds(connection, selection.folding(facts.folds_names))
            return SourceLook(facts, tuple(faults), tuple(feeds))
