"""What it means that the target has refused a DDL statement, and how such a statement is shown."""

from __future__ import annotations

from udup.base.causes import Cause, reason
from udup.base.errors import Divergence, Fault, Refused, Transient, UdupError, Unsupported
from udup.drivers.mysql.binlog.query import QueryEvent, StatusVariables
from udup.drivers.mysql.client.errors import (
    ER,
    Meaning,
    MySQLError,
    describe,
    error_code,
    failure,
    is_limit,
    is_transient,
    meaning,
    remedy,
    told,
)
from udup.drivers.mysql.ddl.sqltokens import codec_of
from udup.pipeline.checks import DEST

#: How much of a statement a message shows, in characters.
SHOWN_SQL = 200

#: A schema that every account may enter and none may change.
NOWHERE = "information_schema"


def shown_sql(event: QueryEvent, variables: StatusVariables) -> str:
    """Return a statement for people, in its session's own characters."""
    codec = codec_of(variables.charset.client) if variables.charset else "utf-8"
    text = " ".join(event.sql.decode(codec, "replace").split())
    return repr(text if len(text) <= SHOWN_SQL else text[:SHOWN_SQL] + " …")


def explained(error: MySQLError, doing: str, event: QueryEvent) -> UdupError:
    """Return what the target's answer to a statement means, with the statement."""
    found = _meant(error, doing, event)
    if isinstance(found, Transient):
        return found
    params, shown = {"error": told(error)}, shown_sql(event, event.variables())
    return found.because(reason(Cause.LIMIT if is_limit(error) else Cause.STATEMENT_REFUSED, params, statement=shown))


def _meant(error: MySQLError, doing: str, event: QueryEvent) -> UdupError:
    text = f"cannot {doing}: {describe(error)}"
    if error_code(error) == ER.DBACCESS_DENIED_ERROR and f"'{NOWHERE}'" in describe(error):
        schema = event.schema.decode("utf-8", "replace")
        return Divergence(
            f"cannot {doing}: on the source it ran in database {schema}, which the target does not have, or which the "
            "job's account may not enter; create it there, or GRANT the account its rights on it, then resume the job"
        )
    if is_transient(error):
        return failure(error, f"cannot {doing}")
    if is_limit(error):
        return Refused([Fault(f"cannot {doing}", told(error), f"{remedy(error)}; then resume the job", DEST)])
    if meaning(error) is Meaning.OTHER_OBJECTS:
        return Divergence(
            f"{text}; the target's objects are not those that the source had when it ran "
            "this: make them so there, then resume the job"
        )
    if meaning(error) is Meaning.UNSAFE_FUNCTION:
        return Unsupported(f"{text}; run there: SET PERSIST log_bin_trust_function_creators = ON, then resume the job")
    return Unsupported(f"{text}; fix the cause on the target, then resume the job")
