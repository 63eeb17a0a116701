"""What a job needs of the node that runs it: the secrets and the files that its connections name."""

from __future__ import annotations

from collections.abc import Iterator

from udup.base.errors import Fault
from udup.base.secrets import Unresolvable, read_password
from udup.jobs.document.keys import join
from udup.jobs.document.spec import JobSpec

_REFERENCE = "set that variable for `udup server` and start it again, or put the file there (docs/security.md)"


def local_faults(spec: JobSpec) -> Iterator[Fault]:
    """References that lead to no secret, files that are not there, and TLS keys that contradict each other."""
    for place, task in enumerate(spec.tasks):
        path = f"Tasks[{place}].Config.ConnectionConfig"
        connection = task.config.connection_config
        try:
            read_password(connection.password)
        except Unresolvable as error:
            yield Fault(join(path, "Password"), f"{connection.password!r} {error}", _REFERENCE)
        tls = connection.tls()
        for name, problem, remedy in tls.contradictions():
            yield Fault(join(path, name), problem, remedy)
        for name, problem in tls.file_faults():
            yield Fault(join(path, name), problem, "the path is one on the server's own machine")
