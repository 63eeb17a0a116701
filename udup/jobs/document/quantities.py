"""Times and sizes as people write them: `7d`, `10GB`. Numbers alone are seconds and bytes."""

from __future__ import annotations

import re

from udup.jobs.document import values

#: Seconds of each unit of time.
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}

#: Bytes of each unit of size, in lower case; a kilobyte has 1024, as for NATS.
_BYTES = {
    "": 1,
    "b": 1,
    **{unit: 1024**power for power, unit in enumerate(("kb", "mb", "gb", "tb"), 1)},
    **{unit: 1024**power for power, unit in enumerate(("kib", "mib", "gib", "tib"), 1)},
}

#: A hundred years: more fits into no server's clock.
MAX_SECONDS = 100 * 365 * 86400

#: The most bytes that a server counts.
MAX_BYTES = (1 << 63) - 1

_QUANTITY = re.compile(r"\s*([0-9]{1,19})\s*([A-Za-z]*)\s*")


def duration(value: object) -> int:
    """Return seconds; empty is 0."""
    example = 'write seconds, or a number with s, m, h, d or w: "7d"'
    return _read(values.weak_text(value), _SECONDS, MAX_SECONDS, "a time", example)


def size(value: object) -> int:
    """Return bytes; empty is 0."""
    example = 'write bytes, or a number with KB, MB, GB or TB: "10GB"'
    return _read(values.weak_text(value), _BYTES, MAX_BYTES, "a size", example)


def _read(text: str, units: dict[str, int], most: int, what: str, remedy: str) -> int:
    if not text.strip():
        return 0
    match = _QUANTITY.fullmatch(text)
    unit = match[2].lower() if match else None
    if match is None or unit not in units:
        raise values.fault(f"is not {what}: {values.shown(text)}", remedy)
    amount = int(match[1]) * units[unit]
    if amount > most:
        raise values.fault(f"is more than there can be: {values.shown(text)}", remedy)
    return amount
