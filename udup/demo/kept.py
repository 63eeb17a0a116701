"""What the demo says when it leaves its servers running."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console

from udup.base.endpoint import Endpoint
from udup.demo.servers import DemoServers


def show_kept(console: Console, servers: DemoServers, job_id: str) -> None:
    """Addresses, requests to try, and how to stop; plain lines, to be copied."""
    for line in _lines(servers, job_id):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def show_kept_subscription(
    console: Console, servers: DemoServers, job_id: str, stream: str, consumer: Mapping[str, Any]
) -> None:
    """The same of a subscription, and how to read its stream."""
    for line in _subscription_lines(servers, job_id, stream, consumer):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _lines(servers: DemoServers, job_id: str) -> list[str]:
    job = f"{servers.url}/v1/job/{job_id}"
    return [
        "",
        "Everything keeps running, the job too.",
        f"  source  {_client(servers.clients[0], servers.source)}",
        f"  target  {_client(servers.clients[1], servers.target)}",
        f"  folder  {servers.folder}",
        "Look at it:",
        f"  udup job status --address {servers.url} --watch {job_id}",
        f"  curl '{servers.url}/v1/jobs?pretty=true'",
        f"  curl '{job}?pretty=true'",
        "End the job, keeping the target's data:",
        f"  udup job stop --address {servers.url} {job_id}",
        f"  curl -X DELETE '{job}'",
        *_stop(servers),
    ]


def _subscription_lines(servers: DemoServers, job_id: str, stream: str, consumer: Mapping[str, Any]) -> list[str]:
    address = str(consumer["Address"]).removeprefix("nats://")
    url = f"nats://{consumer['Name']}:{consumer['Password']}@{address}"
    return [
        "",
        "Everything keeps running, the subscription too.",
        f"  source  {_client(servers.clients[0], servers.source)}",
        f"  stream  {stream} at {url}",
        f"  folder  {servers.folder}",
        "Change something on the source, and see it come:",
        f"  python examples/consume_nats.py {stream} --url {url}",
        "Look at the job:",
        f"  udup job status --address {servers.url} --watch {job_id}",
        f"  curl '{servers.url}/v1/job/{job_id}?pretty=true'",
        "Let another consumer in:",
        f"  udup nats user add --address {servers.url} NAME --stream {stream}",
        *_stop(servers),
    ]


def _stop(servers: DemoServers) -> list[str]:
    return ["Stop all servers and remove their folder:", f"  kill {servers.pid}"]


def _client(client: str, endpoint: Endpoint) -> str:
    """The throw-away server's own password is shown: without it nobody could look at the data."""
    return f"{client} -h {endpoint.host} -P {endpoint.port} -u {endpoint.user} -p'{endpoint.password}' shop"
