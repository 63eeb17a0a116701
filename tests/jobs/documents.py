"""Documents of jobs, good ones and what is said of others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from udup.base.errors import Refused
from udup.jobs import (
    parse_job,
)

#: The documentation's own example, as clients copy it.
SEED = """
 {
     "Name": "exam-7-9",
     "Type": "synchronous",
     "Tasks": [
         {
             "Type": "Src",
             "NodeId": "1eda45f8-df9b-1541-9009-83952e7b672a",
             "Driver": "MySQL",
             "Config": {
                 "Gtid": "",
                 "NatsAddr": "127.0.0.1:8193",
                 "ParallelWorkers": 4,
                 "ReplChanBufferSize": 600,
                 "MsgBytesLimit": 20480,
                 "ReplicateDoDb": [
                     {
                         "TableSchema": "sbtest"
                     }
                 ],
                 "ConnectionConfig": {
                     "Host": "192.168.99.100",
                     "Port": 13307,
                     "User": "root",
                     "Password": "rootroot"
                 }
             }
         },
         {
             "Type": "Dest",
             "NodeId": "a5e9ad80-8e77-03fd-7fa3-31e007ecdcbe",
             "Driver": "MySQL",
             "Config": {
                 "Gtid": "",
                 "NatsAddr": "127.0.0.1:8193",
                 "ParallelWorkers": 4,
                 "ConnectionConfig": {
                     "Host": "192.168.99.100",
                     "Port": 13309,
                     "User": "root",
                     "Password": "rootroot"
                 }
             }
         }
     ]
 }
"""

UUID = "3e11fa47-71ca-11e1-9e33-c80aa9429562"


def seed() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(SEED)
    return document


def with_source(**config: Any) -> dict[str, Any]:
    document = seed()
    document["Tasks"][0]["Config"].update(config)
    return document


def with_connection(**connection: Any) -> dict[str, Any]:
    document = seed()
    document["Tasks"][0]["Config"]["ConnectionConfig"].update(connection)
    return document


def refused(document: object) -> dict[str, str]:
    """The faults of a document, by path."""
    with pytest.raises(Refused) as caught:
        parse_job(document)
    return {fault.where: fault.problem for fault in caught.value.faults}


def refused_source(**config: Any) -> dict[str, str]:
    """The faults of the source's Config, by path inside it."""
    prefix = "Tasks[0].Config."
    return {where.removeprefix(prefix): problem for where, problem in refused(with_source(**config)).items()}


def lowered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key.lower(): lowered(item) for key, item in value.items()}
    return [lowered(item) for item in value] if isinstance(value, list) else value
