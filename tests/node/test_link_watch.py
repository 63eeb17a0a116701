"""What nats-server says of refused links comes into the node's own log, with a remedy."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from udup.node.link_watch import LinkWatch, refusals

_LINES = {
    "10.0.0.2:8192 - rid:11 - Route Error 'Authorization Violation'": "cluster.secret",
    "10.0.0.2:52014 - lid:14 - authentication error - User \"leaf\"": "cluster.secret",
    "10.0.0.2:42010 - rid:14 - authentication error": "without TLS",
    "10.0.0.2:35714 - rid:51 - TLS route handshake error: tls: first record does not look like a TLS handshake": "TLS",
    "10.0.0.2:35612 - rid:29 - TLS route handshake error: tls: client didn't provide a certificate": "no certificate",
    "10.0.0.2:8192 - rid:30 - TLS route handshake error: tls: failed to verify certificate: x509: certificate signed by"
    " unknown authority (CN=97)": "cluster.tls_ca",
    "10.0.0.2:8192 - rid:67 - TLS route handshake error: tls: failed to verify certificate: x509: certificate is valid"
    " for 10.9.9.9, not 10.0.0.2 (CN=x)": "is made out to 10.9.9.9, and it is called 10.0.0.2",
    "10.0.0.2:32884 - rid:19 - TLS route handshake error: remote error: tls: bad certificate": "refuses this node's",
    '10.0.0.2:38804 - rid:11 - Remote server has a duplicate name: "6d94"': "a data_dir was copied",
    "Error trying to connect to route (attempt 12): dial tcp 10.0.0.2:8192: connect: no route to host": "no route",
    'Error trying to connect as leafnode to remote server "10.0.0.2:8191" (attempt 4): dial tcp: timeout': "timeout",
}  # fmt: skip


def _line(text: str) -> str:
    return f"[77] 2026/11/27 03:11:15.170523 [ERR] {text}\n"


@pytest.mark.parametrize("text", _LINES)
def test_each_reason_is_told_with_who_it_is(text: str) -> None:
    ((host, why),) = refusals(_line(text))
    assert host == "10.0.0.2" and _LINES[text] in why


def test_what_is_no_refusal_of_another_node_is_not_told() -> None:
    lines = (
        "10.0.0.2:37990 - rid:11 - Route connection created",
        '127.0.0.1:5 - cid:7 - authentication error - User "udup"',
        "Error trying to connect to route (attempt 1): dial tcp 10.0.0.2:8192: connect: connection refused",
        "10.0.0.2:8192 - rid:9 - Error flushing: write tcp 10.0.0.1:4->10.0.0.2:8192: write: broken pipe",
    )
    assert list(refusals("".join(map(_line, lines)))) == []


def test_what_comes_to_the_log_is_told_once(tmp_path: Path) -> None:
    """Not what stood there before, nor half a line; and also what comes after the file was begun again."""
    path = tmp_path / "nats.log"
    refused, other, _, unreachable, *_ = (_line(each) for each in _LINES)
    path.write_text(_line("10.0.0.9:1 - rid:1 - Route Error 'Authorization Violation'"))
    watch = LinkWatch(path)
    with capture_logs() as told:
        watch.look()
        with path.open("a") as file:
            file.write(refused * 50 + refused[:-10])
        watch.look()
        watch.look()
    assert [(each["event"], each["node"]) for each in told] == [("cluster_link_refused", "10.0.0.2")]
    with capture_logs() as told:
        path.write_text(other + unreachable)
        watch.look()
    assert len(told) == 1 and "TLS" in told[0]["why"]
