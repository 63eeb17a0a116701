"""What a job needs of the node that runs it: the secrets and the files that its connections name."""

from __future__ import annotations

from collections.abc import Iterator

from udup.base.errors import Fault
from udup.base.secrets import Unresolvable, read_password
from udup.jobs.document.config import ConnectionConfig
from udup.jobs.document.keys import join
from udup.jobs.document.spec import JobSpec
from udup.jobs.document.tasks import TaskSpec

_REFERENCE = "set that variable for `udup server` and start it again, or put the file there (docs/security.md)"
_PLACE = "the path is one on the server's own machine"


def local_faults(spec: JobSpec) -> Iterator[Fault]:
    """References that lead to no secret, files that are not there, and TLS keys that contradict each other."""
    for place, task in enumerate(spec.tasks):
        path = f"Tasks[{place}].Config"
        if isinstance(task, TaskSpec):
            connection, account = task.config.connection_config, join(path, "ConnectionConfig")
            yield from connection_faults(connection, account)
        else:
            tls, account = task.config.tls(), join(path, task.config.account_key)
            yield from _password(task.config.account.password, account)
            for problem in task.config.credentials_problems():
                yield Fault(join(account, "Credentials"), problem, _PLACE)
            for name, problem in tls.file_faults():
                yield Fault(join(account, name), problem, _PLACE)


def connection_faults(connection: ConnectionConfig, account: str) -> Iterator[Fault]:
    """Return the same of one account with a MySQL server, which `account` is the path of."""
    tls = connection.tls()
    yield from _password(connection.password, account)
    for name, problem, remedy in tls.contradictions():
        yield Fault(join(account, name), problem, remedy)
    for name, problem in tls.file_faults():
        yield Fault(join(account, name), problem, _PLACE)


def _password(password: str, account: str) -> Iterator[Fault]:
    try:
        read_password(password)
    except Unresolvable as error:
        yield Fault(join(account, "Password"), f"{password!r} {error}", _REFERENCE)
