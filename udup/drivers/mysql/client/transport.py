"""How safe the way to a server is, said before a job starts: who could read it, and who could pass for the server."""

from __future__ import annotations

from udup.base.endpoint import Endpoint
from udup.base.tls import SslMode
from udup.drivers.mysql.client.connection import is_loopback
from udup.drivers.mysql.client.facts import ServerFacts
from udup.pipeline.checks import Check, Outcome

_VERIFY = f"write SslMode {SslMode.VERIFY_CA} or {SslMode.VERIFY_IDENTITY}, with SslCa where the authority is your own"


def transport_check(task: str, endpoint: Endpoint, facts: ServerFacts) -> Check:
    """What the connection was that these facts came by. A job may go any way, so the worst is a warning."""
    mode = endpoint.tls.mode
    if facts.verified:
        return Check(task, "transport", Outcome.PASS, f"TLS, the server's certificate verified ({mode})")
    if is_loopback(endpoint.host):
        way = "TLS, on loopback" if facts.encrypted else "not encrypted, on loopback"
        return Check(task, "transport", Outcome.PASS, way)
    if facts.encrypted:
        found = (
            f"TLS, but nobody looks at the server's certificate ({mode}): who stands on the way can pass for the server"
            " and have the rows and the password"
        )
        return Check(task, "transport", Outcome.WARN, found, _VERIFY)
    why = "as the job says" if mode == SslMode.DISABLED else "the server offers no TLS, or somebody on the way says so"
    found = (
        f"not encrypted ({mode}: {why}): who is on the way can read and change the rows, and who changes them has the "
        "password too"
    )
    return Check(task, "transport", Outcome.WARN, found, f"{_VERIFY}; or {SslMode.REQUIRED} at the least")
