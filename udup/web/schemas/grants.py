"""The statements that make a job's accounts."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from udup.pipeline.ports.inspect import Grants
from udup.web.schemas.shape import Shape


class OptionalGrant(Shape):
    """A statement that only some jobs need."""

    statement: str
    use: str = Field(description="what it is for")


class EndGrants(Shape):
    """The account of one end. No statements for one that has no accounts of MySQL."""

    account: str = Field(description="as the statements have it, from any host")
    statements: list[str] = Field(description="without these the job does not run; the first makes the account")
    optional: list[OptionalGrant]
    version: str = Field(description="of the server that they are for")
    note: str = Field(description="what is to be known of them; empty for nothing")


class JobGrants(Shape):
    """The accounts of a job."""

    src: EndGrants
    dest: EndGrants


def grants_of(source: Grants, target: Grants) -> dict[str, Any]:
    """Return the answer's object."""
    return JobGrants(src=_end(source), dest=_end(target)).to_json()


def _end(grants: Grants) -> EndGrants:
    return EndGrants(
        account=grants.account,
        statements=list(grants.statements),
        optional=[OptionalGrant(statement=each.statement, use=each.use) for each in grants.optional],
        version=grants.version,
        note=grants.note,
    )
