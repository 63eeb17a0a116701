"""Writing answers: compact JSON with sorted keys (or pretty, when asked), and the headers that tell how fresh it is."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import falcon

INDEX_HEADER = "X-Udup-Index"
LEADER_HEADER = "X-Udup-KnownLeader"
CONTACT_HEADER = "X-Udup-LastContact"
JOB_HEADER = "X-Udup-Job-Id"

TEXT = "text/plain; charset=utf-8"

#: What a header may hold as it is; the rest is percent-encoded, and so is the percent sign.
_HEADER_SAFE = "!\"#$&'()*+,/:;<=>?@[\\]^`{|}"


def give(req: falcon.Request, resp: falcon.Response, value: Any) -> None:
    """Answer with a JSON value; `?pretty` (with anything but 0) indents it by four and ends it with a newline."""
    if req.get_param("pretty", default="0") != "0":
        text = json.dumps(value, ensure_ascii=False, indent=4, sort_keys=True) + "\n"
    else:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    resp.data = text.encode()
    resp.content_type = falcon.MEDIA_JSON


def set_read_headers(resp: falcon.Response, index: int) -> None:
    """The index that the answer stands for; this node is always its own leader, so nothing is ever stale."""
    resp.set_header(INDEX_HEADER, str(index))
    resp.set_header(LEADER_HEADER, "true")
    resp.set_header(CONTACT_HEADER, "0")


def set_write_headers(resp: falcon.Response, index: int, job_id: str) -> None:
    resp.set_header(INDEX_HEADER, str(index))
    resp.set_header(JOB_HEADER, quote(job_id, safe=_HEADER_SAFE))
