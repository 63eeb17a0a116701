"""Whether a document leads to no other servers, and with no other passwords, than the job that is stored.

Whoever may only look may ask how a job would start. With servers of his own choice he could have the node send them
the passwords that references name (`env:`, `file:`), and try addresses that he does not reach himself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from udup.base.errors import Fault
from udup.base.secrets import MASK, PLACEHOLDER
from udup.jobs.document.passwords import masked

#: What leads to a server in the Config of a database's task; of a sink's it is any of its keys.
_WAYS = ("connectionconfig", "oracleconfig", "natsaddr")

_DATABASES = ("mysql", "oracle", "")

_REMEDY = "ask with a token that may write (api.token), or send the job as its answers have it"


def strange_servers(document: Mapping[str, Any], stored: Mapping[str, Any] | None) -> Iterator[Fault]:
    """Yield where a document names another server, account or password than the stored one has."""
    kept = {} if stored is None else _tasks(masked(dict(stored)))
    given = _tasks(document)
    if not given or stored is None:
        yield Fault("ID", "with a token that may only look, jobs that are stored are looked at, and no others", _REMEDY)
        return
    for name, config in given.items():
        if config != kept.get(name):
            problem = "names another server, account or password than the stored job, which this token may not try"
            yield Fault(f"Tasks[{name[0]}].Config", problem, _REMEDY)


def _tasks(document: Mapping[str, Any]) -> dict[tuple[int, str], object]:
    """Return what leads to each task's server, by its place and its type."""
    found: dict[tuple[int, str], object] = {}
    tasks = _lower(document).get("tasks")
    for place, task in enumerate(tasks if isinstance(tasks, list) else []):
        values = _lower(task)
        config = _plain(values.get("config"))
        if isinstance(config, dict) and str(values.get("driver", "")).lower() in _DATABASES:
            config = {key: config[key] for key in _WAYS if config.get(key)}
        found[place, str(values.get("type", ""))] = config
    return found


def _plain(value: object) -> object:
    """Return a value to be compared: keys in lower case, each form of the mask the same."""
    if isinstance(value, Mapping):
        return {str(key).lower(): _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return MASK if value == PLACEHOLDER else value


def _lower(value: object) -> dict[str, Any]:
    return {str(key).lower(): each for key, each in value.items()} if isinstance(value, Mapping) else {}
