"""What a job's end has of its source, asked without a run: of a database's checkpoint, or of a sink's position."""

from __future__ import annotations

from udup.pipeline.deliver.place import Place
from udup.pipeline.ports import CheckpointReader, Drivers, JobPlan, Position
from udup.pipeline.ports.delivery import DeliverySettings, Destination


class SinkReader:
    """`CheckpointReader` of a sink: each look connects by itself."""

    def __init__(self, drivers: Drivers, destination: Destination, asking: DeliverySettings, plan: JobPlan) -> None:
        self._destination = destination
        self._asking = asking
        self._parse = drivers.source(plan.source).position

    def executed(self) -> Position | None:
        """Return what is delivered, read now; None before the first position, and while a snapshot is under way.

        With XA transactions that are prepared: nothing of them is due before their end, which has a GTID of its own.
        """
        text = self._destination.position(self._asking)
        place = None if text is None else Place.parse(text, self._parse)
        if place is None or place.copying:
            return None
        place.executed.update(self._parse(",".join(place.prepared)))
        return place.executed

    def close(self) -> None:
        """Nothing is held."""


class JobEnd:
    """The end of a job, whichever kind it is; `nats_url` is the node's own NATS, where a job may deliver."""

    def __init__(self, drivers: Drivers, plan: JobPlan, nats_url: str) -> None:
        self._drivers = drivers
        self._plan = plan
        self._nats_url = nats_url

    @property
    def where(self) -> str:
        plan = self._plan
        return str(plan.target) if plan.target.delivery is not None else self._drivers.target(plan.target).where

    def position(self, text: str) -> Position:
        """Return a position of the source that was kept as text."""
        plan = self._plan
        if plan.target.delivery is not None:
            return self._drivers.source(plan.source).position(text)
        return self._drivers.target(plan.target).position(text)

    def executed(self) -> Position | None:
        """Return what of the source is there, read now; None before the first position."""
        plan = self._plan
        if plan.target.delivery is not None:
            return self.open_reader().executed()
        return self._drivers.target(plan.target).executed(plan.job)

    def open_reader(self) -> CheckpointReader:
        """Return what reads the same again and again."""
        plan, delivery = self._plan, self._plan.target.delivery
        if delivery is None:
            return self._drivers.target(plan.target).open_checkpoint(plan.job)
        asking = DeliverySettings.asking(plan.job, delivery, self._nats_url)
        return SinkReader(self._drivers, self._drivers.destination(plan.target), asking, plan)
