"""Whether a source's log is the one that an earlier try of a copy was made by, told by the times of transactions."""

from __future__ import annotations

from collections.abc import Iterable

from udup.base.endpoint import Endpoint
from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.asking import Asking
from udup.drivers.mysql.dictionary.copied_before import CopiedTable
from udup.drivers.mysql.stream.continuity import LOOK_SECONDS, GtidEvents, check_continuity
from udup.drivers.mysql.stream.replica import Replica
from udup.drivers.mysql.stream.sharing import SHARING
from udup.pipeline.stamps import Stamp, Stamps

#: Servers whose last transaction is looked for where the source has made none itself.
_SERVERS = 3


class SameLog:
    """`stamps` tell the log for the next try; `why` says why nothing of an earlier one may stay, "" if it may."""

    def __init__(
        self, endpoint: Endpoint, job: str, position: str, before: Iterable[CopiedTable], asking: Asking
    ) -> None:
        self._endpoint, self._asking = endpoint, asking
        self._replica, self._position = Replica.of(job), GtidSet.parse(position)
        if (shared := SHARING.of(endpoint)) is not None:
            shared.release(self._replica)
        known = Stamps()
        for each in before:
            known.update(Stamps.parse(each.stamps))
        self.stamps, self.why = self._compared(known)

    def _compared(self, known: Stamps) -> tuple[str, str]:
        reading = self._endpoint, self._replica.server_id, self._replica.uuid, self._position
        try:
            found = check_continuity(*reading, known, asking=self._asking)
        except Unsupported as error:  # of another server, or of a past that is no more
            found = check_continuity(*reading, Stamps(), asking=self._asking)
            return str(found.seen) or str(self._last()), str(error)
        why = found.doubt or ("" if str(known) else "nothing tells whether its log is the one of before")
        return str(found.seen) or str(self._last()), why

    def _last(self) -> Stamps:
        """Return the last transaction of another server that the source has executed: it has made none itself."""
        ranges = sorted(self._position.items(), key=lambda item: -item[1][-1][1])
        log = GtidEvents(self._endpoint, self._replica.server_id, self._replica.uuid, lambda _: None, self._asking)
        for source, numbers in ranges[:_SERVERS]:
            if source.isdecimal():
                continue  # a domain of MariaDB's, which `check_continuity` has looked at
            if found := log.read([(source, numbers[-1][1] - 1)], LOOK_SECONDS):
                return Stamps(Stamp(each.source, each.number, each.original_us) for each in found)
        return Stamps()
