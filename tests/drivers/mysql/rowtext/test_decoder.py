"""Which reader of rows a subscription has, and what is told of a slow one."""

from __future__ import annotations

import pytest

from udup.base.endpoint import Endpoint
from udup.drivers.mysql.rowtext import compiled
from udup.drivers.mysql.rowtext.options import parse_options
from udup.drivers.mysql.rowtext.reader import MysqlRecordReader, open_reader
from udup.pipeline.ports.delivery import DeliveryPlan

_ENDPOINT = Endpoint("127.0.0.1", 1, "u", "p")


def test_a_slow_reader_has_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "library", lambda: None)
    reader = open_reader(_ENDPOINT, DeliveryPlan("shop1"))
    assert reader.kind == "python" and "apt-get install g++" in reader.remedy
    monkeypatch.setattr(compiled, "library", lambda: object())
    assert (reader.kind, reader.remedy) == ("compiled", "")
    assert MysqlRecordReader(parse_options({})).kind == "python"
