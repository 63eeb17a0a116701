"""What the demo says when it leaves its servers running."""

from __future__ import annotations

from rich.console import Console

from udup.base.endpoint import Endpoint
from udup.demo.servers import DemoServers


def show_kept(console: Console, servers: DemoServers, job_id: str) -> None:
    """Addresses, requests to try, and how to stop; plain lines, to be copied."""
    for line in _lines(servers, job_id):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _lines(servers: DemoServers, job_id: str) -> list[str]:
    job = f"{servers.url}/v1/job/{job_id}"
    return [
        "",
        "Everything keeps running, the job too.",
        f"  source  {_client(servers.client, servers.source)}",
        f"  target  {_client(servers.client, servers.target)}",
        f"  folder  {servers.folder}",
        "Look at it:",
        f"  udup job status --address {servers.url} --watch {job_id}",
        f"  curl '{servers.url}/v1/jobs?pretty=true'",
        f"  curl '{job}?pretty=true'",
        "End the job, keeping the target's data:",
        f"  udup job stop --address {servers.url} {job_id}",
        f"  curl -X DELETE '{job}'",
        "Stop all servers and remove their folder:",
        f"  kill {servers.pid}",
    ]


def _client(client: str, endpoint: Endpoint) -> str:
    """The throw-away server's own password is shown: without it nobody could look at the data."""
    return f"{client} -h {endpoint.host} -P {endpoint.port} -u {endpoint.user} -p'{endpoint.password}' shop"
