"""A server as somebody types it, to be looked at before there is a job: read as a job's document is, and kept nowhere.

    {"Driver": "MySQL", "Side": "Src", "ConnectionConfig": {…}, "Schema": "shop", "After": "", "Limit": 1000, "Q": ""}

With `"Job": "ID"` a masked password stands for the stored one of that job's task, by the rules of a posted document.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from udup.base.endpoint import Endpoint
from udup.base.errors import Fault, Refused
from udup.base.secrets import MASK, PLACEHOLDER
from udup.jobs.document.config import ConnectionConfig
from udup.jobs.document.keys import Level, canonical, join
from udup.jobs.document.local import connection_faults
from udup.jobs.document.passwords import merge_passwords
from udup.jobs.document.submission import BODY
from udup.jobs.document.told import described
from udup.jobs.document.values import kind, shown
from udup.jobs.words import Driver, TaskType
from udup.pipeline.ports.inspect import TABLES, TABLES_MAX, InspectWish

_ACCOUNT = "ConnectionConfig"
_TEXTS = ("Driver", "Side", "Schema", "After", "Q", "Job")
_ASKED = Level({*_TEXTS, _ACCOUNT, "Limit"}, {_ACCOUNT: Level(ConnectionConfig.key_names())})

#: Letters of a name that is asked for: MySQL's have 64.
_NAME_MAX = 300


@dataclass(frozen=True)
class ServerAsked:
    """Which server is to be looked at, and what of it."""

    driver: str
    endpoint: Endpoint
    wish: InspectWish


def server_asked(body: object, stored: Callable[[str], Mapping[str, Any] | None]) -> ServerAsked:
    """Return what a request's body asks for; `Refused` with every fault. `stored` gives the document of a job's ID."""
    if not isinstance(body, dict):
        raise Refused([Fault(BODY, f"must be an object, got {kind(body)}", 'as {"ConnectionConfig": {"Host": …}}')])
    faults: list[Fault] = []
    given = canonical(body, _ASKED, "", faults)
    faults += _faults_of_words(given)
    connection = _connection(given, stored, faults)
    if faults or connection is None:
        raise Refused(faults)
    wish = InspectWish(
        task=given.get("Side") or TaskType.SRC.value,
        schema=given.get("Schema", ""),
        after=given.get("After", ""),
        limit=min(given.get("Limit") or TABLES, TABLES_MAX),
        search=given.get("Q", ""),
    )
    return ServerAsked(given.get("Driver") or Driver.MYSQL.value, connection.endpoint(), wish)


def _faults_of_words(given: Mapping[str, Any]) -> Iterator[Fault]:
    known = sorted(_ASKED.names)
    for key in given:
        if key not in known:
            yield Fault(str(key)[:80], "is no key of this question", f"known are {', '.join(known)}")
    for key in _TEXTS:
        value = given.get(key, "")
        if not isinstance(value, str) or len(value) > _NAME_MAX:
            yield Fault(key, f"must be a text of {_NAME_MAX} letters at most, got {kind(value)}", "or leave it out")
    side, driver, limit = given.get("Side", ""), given.get("Driver", ""), given.get("Limit", 0)
    if isinstance(side, str) and side and side not in set(TaskType):
        yield Fault("Side", f"must be Src or Dest, got {shown(side)}", "upper and lower case matter")
    if isinstance(driver, str) and driver not in ("", Driver.MYSQL):
        problem = f"a server of {shown(driver)} is not looked at before there is a job"
        yield Fault("Driver", problem, f"write {Driver.MYSQL!s}, or validate the job (/v1/validate/job)")
    if not isinstance(limit, int) or isinstance(limit, bool) or not 0 <= limit <= 1 << 31:
        yield Fault("Limit", f"must be a whole number, got {kind(limit)}", f'as "Limit": {TABLES}')


def _connection(
    given: Mapping[str, Any], stored: Callable[[str], Mapping[str, Any] | None], faults: list[Fault]
) -> ConnectionConfig | None:
    account, job = given.get(_ACCOUNT), given.get("Job", "")
    if not isinstance(account, dict):
        faults.append(Fault(_ACCOUNT, "is required: Host, Port, User, Password", 'as {"Host": "10.0.0.1", …}'))
        return None
    if job and isinstance(job, str):
        task = {"Type": given.get("Side") or TaskType.SRC.value, "Config": {_ACCOUNT: account}}
        merged = merge_passwords({"Tasks": [task]}, stored(job) or {})
        account = merged["Tasks"][0]["Config"][_ACCOUNT]
    unknown = sorted(set(account) - ConnectionConfig.key_names())
    known = ", ".join(ConnectionConfig.keys_in_order())
    faults += [
        Fault(join(_ACCOUNT, str(key)[:80]), "is no key of a connection", f"known are {known}") for key in unknown
    ]
    if account.get("Password") in (MASK, PLACEHOLDER):
        problem = f"is the mask {MASK}, and no stored password belongs to it"
        remedy = 'write the password, or "Job": the ID of the job whose server this is, with its Host, Port and User'
        faults.append(Fault(join(_ACCOUNT, "Password"), problem, remedy))
    try:
        connection = ConnectionConfig.model_validate(account)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            fault = described(detail)
            faults.append(Fault(join(_ACCOUNT, fault.where), fault.problem, fault.remedy))
        return None
    faults += connection_faults(connection, _ACCOUNT)
    return connection
