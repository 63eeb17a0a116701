"""Logs: one event a line, with a stable short name and fields; as text for people or as JSON for programs.

    log = logs.logger("extractor")
    log.info("stream_opened", job=job_id, gtid=gtid_set, ms=12)

Our events and those of libraries go through one handler of the root logger, so `configure` is all that a process has to
call: the server at its start, and each actor after its fork, which takes the place of the handlers it inherited.
Passwords are masked here as well, whatever a caller passes.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Mapping
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from udup.base.secrets import MASK, is_secret, shown_name

#: Libraries that tell each request or heartbeat at level info.
NOISY = ("waitress", "nats", "httpx", "httpcore", "asyncio")

#: How deep fields are searched for passwords; deeper ones are shown as their type only.
MAX_DEPTH = 12

#: The account in a URL: `nats://user:secret@host`.
_URL_SECRET = re.compile(r"(\w+://[^\s:/@]*):[^\s/@]+@")
_PLAIN_WORD = re.compile(r"[^\s\"'=\x00-\x1f\x7f\x85\u2028\u2029]+")


def configure(level: str = "info", style: Literal["text", "json"] = "text", stream: TextIO | None = None) -> None:
    """Send everything to one handler on `stream` (standard error by default). May be called again, as after a fork."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.format_exc_info,
        mask_secrets,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    render = _as_json if style == "json" else _as_text
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in NOISY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def logger(component: str, **fields: object) -> structlog.stdlib.BoundLogger:
    """The log of one part of the system; `fields` go with each of its events."""
    log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(f"udup.{component}", **fields)
    return log


def mask_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Mask every field named like a password, at any depth, and passwords inside URLs."""
    return {key: MASK if is_secret(key) else _safe(value, MAX_DEPTH) for key, value in event.items()}


def _safe(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return _URL_SECRET.sub(rf"\1:{MASK}@", value)
    if isinstance(value, (Mapping, list, tuple)) and depth == 0:
        return type(value).__name__
    if isinstance(value, Mapping):
        return {
            shown_name(str(key)): MASK if is_secret(str(key)) else _safe(inner, depth - 1)
            for key, inner in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_safe(inner, depth - 1) for inner in value]
    return value


def _as_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    first = {key: event.pop(key, "") for key in ("time", "level", "logger", "event")}
    return json.dumps({**first, **event}, ensure_ascii=False, default=str)


def _as_text(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    head = [str(event.pop("time", "")), str(event.pop("level", "")).upper(), str(event.pop("logger", ""))]
    name = _one_line(event.pop("event", ""))
    return " ".join([*head, name, *(f"{key}={_word(value)}" for key, value in event.items())])


def _word(value: object) -> str:
    """A value as one word: quoted if it holds anything that would break the line or the field apart."""
    text = value if isinstance(value, str) else str(value)
    return text if _PLAIN_WORD.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def _one_line(value: object) -> str:
    """An event's name, or a library's message, kept to one line."""
    return "\\n".join(str(value).splitlines())
