"""SrcExtractor: the shell around `source.extractor.Extractor`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from udup.actors.messages import Extract, Probe, Probed, RunEnded, StopRun
from udup.actors.shell import EngineActor
from udup.base import runtime
from udup.base.errors import Transient, UdupError
from udup.drivers.mysql.checks.source_tables import check_parents
from udup.drivers.mysql.client.connection import MySQLError, connect, describe, is_transient
from udup.drivers.mysql.client.facts import read_facts
from udup.drivers.mysql.dictionary.claims import read_feeds
from udup.drivers.mysql.snapshot.names import check_names
from udup.pipeline.extract.extractor import Extractor


class SrcExtractor(EngineActor):
    role = "extractor"

    def receiveMsg_Probe(self, message: Probe, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        async def engine(emit: Callable[[object], None]) -> None:
            emit(await runtime.in_thread(_look, message))

        self.start_engine(message.run, engine)

    def receiveMsg_Extract(self, message: Extract, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        settings = message.settings

        async def engine(emit: Callable[[object], None]) -> None:
            await Extractor(settings, self.reporter(settings.run, emit)).run()

        self.start_engine(settings.run, engine)

    def receiveMsg_StopRun(self, message: StopRun, sender: Any) -> None:  # noqa: N802 - Thespian's name
        if message.run < self.run:
            return  # that run is over
        self.stop_engine()
        self.send(sender, RunEnded(self.role, message.run, "", ""))


def _look(probe: Probe) -> Probed:
    """What the source is like, and what of its dictionary speaks against the job."""
    connection = connect(probe.endpoint)
    try:
        facts = read_facts(connection)
        faults = check_parents(connection, facts, probe.selection) + check_names(connection, facts, probe.selection)
        feeds = read_feeds(connection, probe.selection.folding(facts.lower_case_table_names != 0))
        return Probed(probe.run, facts, tuple(faults), tuple(feeds))
    except MySQLError as error:
        text = f"looking at the source {probe.endpoint}: {describe(error)}"
        raise (Transient if is_transient(error) else UdupError)(text) from error
    finally:
        connection.close()
