"""Keys of a posted document that nothing is known of: refused with their path, and with the key that was perhaps meant.

A misspelt `ReplicateIgnoreDb` that is passed over in silence copies the wrong tables. Documents that are stored already
are not looked at in this way: versions before this one took them, and they go on as they were.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import islice

from udup.base.errors import Fault
from udup.jobs.document import harmless, refusals
from udup.jobs.document.keys import Level, join
from udup.jobs.document.spec import DOCUMENT
from udup.jobs.document.values import SHOWN_LENGTH

#: Unknown keys that are told one by one. To look for the key that was meant takes long.
MAX_TOLD = 20

#: How alike two keys must be (difflib's ratio) for one to be taken for the other.
_ALIKE = 0.75

#: Keys longer than this resemble none.
_LONGEST = 60

_SEPARATORS = re.compile(r"[^a-z0-9]")


@dataclass(frozen=True)
class _Place:
    """The keys of one level: `title` says where it is, as people write it.

    `harmless` are accepted without effect, `refused` are known and not carried out, by key with the reason.
    """

    title: str
    level: Level
    harmless: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    #: Refused by the parser itself; here for what is told of a key in the wrong place.
    refused_elsewhere: Mapping[str, str] = field(default_factory=dict)
    inside: Mapping[str, _Place] = field(default_factory=dict)

    @cached_property
    def accepted(self) -> frozenset[str]:
        return frozenset(name.lower() for name in self.harmless)

    @cached_property
    def spellings(self) -> Mapping[str, str]:
        """Every key that means something here, by its plainest form."""
        return {_plain(name): name for name in (*self.level.names, *self.refused)}

    @cached_property
    def refused_by(self) -> Mapping[str, str]:
        return {name.lower(): name for name in self.refused}

    def reason(self, name: str) -> str:
        """Return why this key is not carried out; "" if it is."""
        return self.refused.get(name) or self.refused_elsewhere.get(name, "")


@cache
def _root() -> _Place:
    tasks = DOCUMENT.inside["Tasks"]
    config = tasks.inside["Config"]
    schemas = {
        key: _Place(
            f"Tasks[].Config.{key}[]",
            config.inside[key],
            harmless.SCHEMA,
            refused_elsewhere=refusals.IN_SCHEMA,
            inside={
                "Tables": _Place(
                    f"Tasks[].Config.{key}[].Tables[]",
                    config.inside[key].inside["Tables"],
                    harmless.TABLE,
                    refusals.POSTED_TABLE,
                    refusals.IN_TABLE,
                )
            },
        )
        for key in ("ReplicateDoDb", "ReplicateIgnoreDb")
    }
    connection = _Place("Tasks[].Config.ConnectionConfig", config.inside["ConnectionConfig"], harmless.CONNECTION)
    sinks = {
        key: _Place(f"Tasks[].Config.{key}", config.inside[key], harmless.CONNECTION)
        for key in ("NatsConfig", "KafkaConfig")
    }
    of_oracle = _Place("Tasks[].Config.OracleConfig", config.inside["OracleConfig"])
    of_config = _Place(
        "Tasks[].Config",
        config,
        harmless.CONFIG,
        refusals.POSTED_CONFIG,
        refusals.IN_CONFIG,
        {"ConnectionConfig": connection, "OracleConfig": of_oracle, **sinks, **schemas},
    )
    of_task = _Place("Tasks[]", tasks, harmless.TASK, inside={"Config": of_config})
    return _Place("the job itself", DOCUMENT, harmless.JOB, inside={"Tasks": of_task})


@cache
def _places() -> tuple[_Place, ...]:
    """All levels, the outermost first; ReplicateIgnoreDb has the keys of ReplicateDoDb."""
    found = [_root()]
    for place in found:
        found += [inner for key, inner in place.inside.items() if key != "ReplicateIgnoreDb"]
    return tuple(found)


def unknown_faults(document: object) -> list[Fault]:
    """Return the faults of keys that nothing is known of, and of those that are known and not carried out.

    `document` is not wrapped and may have its keys in any case. Some are told one by one, the others counted.
    """
    found = _unknown(document, _root(), "")
    told = list(islice(found, MAX_TOLD))
    more = sum(1 for _ in found)
    if more:
        told.append(Fault("body", f"holds {more} more keys that Udup does not know or support", "leave them out"))
    return [each if isinstance(each, Fault) else each.fault() for each in told]


def unknown_keys(document: object) -> list[str]:
    """Return the paths of such keys, some of them: for the log, of a document that is stored already."""
    return [each.where for each in islice(_unknown(document, _root(), ""), MAX_TOLD)]


@dataclass(frozen=True)
class _Unknown:
    """A key that nothing is known of here; what it was meant for is looked for only if it is told."""

    path: str
    key: str
    place: _Place

    @property
    def where(self) -> str:
        cut = self.key if len(self.key) <= SHOWN_LENGTH else self.key[:SHOWN_LENGTH] + "…"
        return join(self.path, cut)

    def fault(self) -> Fault:
        return Fault(self.where, "is not known here", _meant(self.key, self.place))


def _unknown(value: object, place: _Place, path: str) -> Iterator[_Unknown | Fault]:
    if isinstance(value, list):
        for number, item in enumerate(value):
            if isinstance(item, dict):
                yield from _unknown(item, place, f"{path}[{number}]")
        return
    if not isinstance(value, dict):
        return
    for key, item in value.items():
        low = key.lower()
        name = place.level.spellings.get(low)
        if name is not None:
            if (inner := place.inside.get(name)) is not None:
                yield from _unknown(item, inner, join(path, name))
        elif low in place.accepted or item is None:
            continue
        elif (refused := place.refused_by.get(low)) is not None:
            if not refusals.asks_for_nothing(refused, item):
                yield refusals.not_supported(join(path, refused), place.refused[refused])
        else:
            yield _Unknown(path, key, place)


# ---- What was meant ----


def _meant(key: str, place: _Place) -> str:
    """Return the remedy: the nearest known key of this level, or where else the key belongs."""
    plain = _plain(key)
    if len(key) <= _LONGEST:
        if plain in place.spellings:
            return _here(place, place.spellings[plain])
        others = [other for other in _places() if other is not place]
        for other in others:
            if plain in other.spellings:
                return _there(other, other.spellings[plain])
        if near := _nearest(plain, place):
            return _here(place, near)
        for other in others:
            if near := _nearest(plain, other):
                return _there(other, near)
    return "remove it; notes of your own may be kept under Meta"


def _here(place: _Place, name: str) -> str:
    reason = place.reason(name)
    return f"did you mean {name}?" + (f" It is not supported yet: {reason}" if reason else "")


def _there(place: _Place, name: str) -> str:
    reason = place.reason(name)
    return f"{name} belongs into {place.title}" + (f", and is not supported yet: {reason}" if reason else "")


def _nearest(plain: str, place: _Place) -> str:
    found = difflib.get_close_matches(plain, place.spellings, 1, _ALIKE)
    return place.spellings[found[0]] if found else ""


def _plain(key: str) -> str:
    """`table_schema` and `Table-Schema` are `tableschema`."""
    return _SEPARATORS.sub("", key.lower())
