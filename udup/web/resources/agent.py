"""/v1/self: the settings that are in force, this node as a member, and its numbers."""

from __future__ import annotations

import os
import platform
import threading
from typing import Any

import falcon

from udup import __version__
from udup.base.config import Settings
from udup.jobs import DesiredState
from udup.web.auth import role_of
from udup.web.ports import JobReads
from udup.web.resources.node_info import NodeInfo
from udup.web.responses import give
from udup.web.schemas.agent import Self
from udup.web.schemas.self_config import SelfConfig

#: Bytes of one NATS message, which is the server's own default.
_MAX_PAYLOAD = 1 << 20


class SelfResource:
    def __init__(self, here: NodeInfo, reads: JobReads, settings: Settings) -> None:
        self._here = here
        self._reads = reads
        self._settings = settings

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        shown = Self(
            config=SelfConfig.model_validate(_config(self._settings, self._here)),
            member=self._here.member(),
            stats=self._stats(),
            role=role_of(req).value,
            needs_token=bool(self._settings.api.token.get_secret_value()),
        )
        give(req, resp, shown.to_json())

    def _stats(self) -> dict[str, dict[str, str]]:
        records, index = self._reads.jobs("")
        place, here = self._here.places(), self._here
        wanted = sum(
            kept.desired == DesiredState.RUN and place(record.id, kept.node, kept.task)[0] == here.node_id
            for record in records
            for kept in record.allocations
        )
        leads, members = here.leads, here.members()["Members"]
        states = [each["Status"] for each in members]
        return {
            "server": {
                "manager": "true" if here.is_manager else "false",
                "leader": "true" if leads else "false",
                "leader_addr": here.leader,
                "bootstrap": "true",
                "known_regions": "1",
            },
            "client": {
                "node_id": here.node_id,
                "known_servers": str(len(here.peers)),
                "num_allocations": str(wanted),
                "last_heartbeat": "0s",
                "heartbeat_ttl": "0s",
            },
            "raft": {
                "state": "Leader" if leads else "Follower",
                "num_peers": str(len(here.peers) - here.is_manager),
                "last_log_index": str(index),
                "applied_index": str(index),
            },
            "serf": {
                "members": str(len(members)),
                "failed": str(states.count("failed")),
                "left": str(states.count("left")),
            },
            "runtime": {
                "arch": platform.machine(),
                "kernel.name": platform.system().lower(),
                "version": f"python{platform.python_version()}",
                "cpu_count": str(os.cpu_count() or 1),
                "threads": str(threading.active_count()),
                "pid": str(os.getpid()),
            },
        }


def _config(settings: Settings, here: NodeInfo) -> dict[str, Any]:
    """The settings under the names that clients know; those that hold secrets are left out."""
    ports = {"HTTP": settings.ports.http, "RPC": 0, "Serf": 0, "Nats": settings.ports.nats}
    addresses = {"HTTP": settings.bind_addr, "RPC": "", "Serf": "", "Nats": settings.bind_addr}
    return {
        "Region": settings.region,
        "Datacenter": settings.datacenter,
        "NodeName": settings.node.name,
        "DataDir": settings.data_dir,
        "LogLevel": settings.log.level.upper(),
        "LogFile": "",
        "PidFile": "",
        "BindAddr": settings.bind_addr,
        "Ports": ports,
        "Addresses": addresses,
        "AdvertiseAddrs": {**addresses, "HTTP": here.address},
        "Client": {
            "Enabled": True,
            "StateDir": str(settings.data_path / "agent"),
            "Servers": [here.address],
            "NoHostUUID": True,
        },
        "Server": {
            "Enabled": True,
            "BootstrapExpect": 1,
            "DataDir": settings.data_dir,
            "NumSchedulers": 1,
            "EnabledSchedulers": None,
            "HeartbeatGrace": "",
            "StartJoin": [],
            "RetryMaxAttempts": settings.retry.attempts,
            "RetryInterval": f"{settings.retry.backoff_max_s}s",
        },
        "Metric": {
            "PrometheusAddr": "",
            "CollectionInterval": "1s",
            "PublishAllocationMetrics": True,
            "PublishNodeMetrics": True,
        },
        "Network": {"MaxPayload": _MAX_PAYLOAD},
        "Profile": "",
        "LeaveOnInt": True,
        "LeaveOnTerm": True,
        "Consul": None,
        "Version": __version__,
        "Files": [],
        "HTTPAPIResponseHeaders": settings.http.response_headers,
    }
