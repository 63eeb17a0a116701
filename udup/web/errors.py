"""Which answer an error is: its status and its text; how it is written, `problems.py` says.

400 is for what the client can fix, 404 and 405 for what is not there, 409 for an index that no longer holds, for a
document by which a running job could not go on, for a job whose cut-over is in the way and for a name that is taken,
503 for what is worth another try. 500 is a fault of Udup's alone: it is logged with its trace.
"""

from __future__ import annotations

from dataclasses import dataclass

import falcon

from udup.base import logs
from udup.base.errors import Fault, Refused, Transient, UdupError, Unsupported
from udup.jobs import IndexConflict
from udup.web.ports import NameTaken, NotReady, NotThere, StillThere, WouldNotStart
from udup.web.problems import error_body

#: The router's answer to a path that is not there, byte for byte what clients know.
PAGE_NOT_FOUND = "404 page not found\n"
INVALID_METHOD = "Invalid method"

#: Seconds after which a client may try again, sent with 503.
RETRY_AFTER_S = 1

_LOG = logs.logger("web")


@dataclass(frozen=True)
class ErrorResponse:
    """An error as the client reads it."""

    status: str
    text: str
    faults: tuple[Fault, ...] = ()


def install(app: falcon.App[falcon.Request, falcon.Response]) -> None:
    """Make every error of the app take this module's shape, falcon's own included."""
    app.add_error_handler(Exception, _handle_unforeseen)
    app.add_error_handler(UdupError, _handle_udup)
    app.add_error_handler(falcon.HTTPError, _handle_http)


def _handle_udup(req: falcon.Request, resp: falcon.Response, error: UdupError, _params: object) -> None:
    match error:
        case Refused():
            answer = ErrorResponse(falcon.HTTP_400, _listed(error.faults), tuple(error.faults))
        case Unsupported():
            answer = ErrorResponse(falcon.HTTP_400, str(error))
        case NotThere():
            answer = ErrorResponse(falcon.HTTP_404, str(error))
        case WouldNotStart() | IndexConflict() | NameTaken() | StillThere():
            answer = ErrorResponse(falcon.HTTP_409, str(error), tuple(error.faults))
        case NotReady() | Transient():
            answer = ErrorResponse(falcon.HTTP_503, str(error))
            resp.set_header("Retry-After", str(RETRY_AFTER_S))
        case _:
            _LOG.error("request_failed", method=req.method, path=req.path, exc_info=error)
            answer = ErrorResponse(falcon.HTTP_500, str(error))
    _send(req, resp, answer)


def _handle_http(req: falcon.Request, resp: falcon.Response, error: falcon.HTTPError, _params: object) -> None:
    """Falcon's own errors, and those raised with its classes; their headers (such as Allow) are not ours."""
    if isinstance(error, falcon.HTTPRouteNotFound):
        resp.set_header("X-Content-Type-Options", "nosniff")
        answer = ErrorResponse(falcon.HTTP_404, PAGE_NOT_FOUND)
    elif isinstance(error, falcon.HTTPMethodNotAllowed):
        answer = ErrorResponse(falcon.HTTP_405, INVALID_METHOD)
    else:
        answer = ErrorResponse(str(error.status), error.description or error.title or str(error.status))
    _send(req, resp, answer)


def _handle_unforeseen(req: falcon.Request, resp: falcon.Response, error: Exception, _params: object) -> None:
    _LOG.error("request_crashed", method=req.method, path=req.path, exc_info=error)
    _send(req, resp, ErrorResponse(falcon.HTTP_500, "internal error; the server's log tells more"))


def _send(req: falcon.Request, resp: falcon.Response, answer: ErrorResponse) -> None:
    resp.status = answer.status
    resp.data, resp.content_type = error_body(req.accept, int(answer.status[:3]), answer.text, answer.faults)


def _listed(faults: list[Fault]) -> str:
    """One fault as it is; several under a count, one a line."""
    if len(faults) == 1:
        return str(faults[0])
    return "\n".join([f"{len(faults)} errors occurred:", "", *(f"* {fault}" for fault in faults)])
