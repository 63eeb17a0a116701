"""The settings of a node under the names that clients know; what this node does not have is empty, null or 0."""

from __future__ import annotations

from pydantic import Field

from udup.web.schemas.shape import Shape


class SelfPorts(Shape):
    """0 for what nobody listens on."""

    http: int
    rpc: int
    serf: int
    nats: int


class SelfAddresses(Shape):
    """Empty for what nobody listens on."""

    http: str
    rpc: str
    serf: str
    nats: str


class SelfClient(Shape):
    """What carries out tasks."""

    enabled: bool
    state_dir: str
    servers: list[str]
    no_host_uuid: bool = Field(alias="NoHostUUID")


class SelfServer(Shape):
    """What decides about jobs."""

    enabled: bool
    bootstrap_expect: int
    data_dir: str
    num_schedulers: int
    enabled_schedulers: None
    heartbeat_grace: str
    start_join: list[str]
    retry_max_attempts: int
    retry_interval: str


class SelfMetric(Shape):
    """How figures are told."""

    prometheus_addr: str
    collection_interval: str
    publish_allocation_metrics: bool
    publish_node_metrics: bool


class SelfNetwork(Shape):
    """The data plane."""

    max_payload: int = Field(description="bytes of a message")


class SelfConfig(Shape):
    """The settings that are in force; those that hold secrets are left out."""

    region: str
    datacenter: str
    node_name: str
    data_dir: str
    log_level: str
    log_file: str
    pid_file: str
    bind_addr: str
    ports: SelfPorts
    addresses: SelfAddresses
    advertise_addrs: SelfAddresses
    client: SelfClient
    server: SelfServer
    metric: SelfMetric
    network: SelfNetwork
    profile: str
    leave_on_int: bool
    leave_on_term: bool
    consul: None
    version: str
    files: list[str]
    http_api_response_headers: dict[str, str] = Field(alias="HTTPAPIResponseHeaders")
