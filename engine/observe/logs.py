"""Logs as JSON lines: one event per line, ASCII only, secrets removed, nothing forged.

Every record of the standard library's loggers, our dependencies' included, takes the same road.
Field names of ours: ``time`` (UTC), ``level``, ``part`` (process), ``event`` (what happened, fixed
text), and plain facts beside it. WARNING means odd but recovered; ERROR means a person must act.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path
from typing import Any, Final, TextIO

import structlog

from engine.clock import Clock, SystemClock
from engine.observe.redaction import Redactor

TEXT_MAX_CHARACTERS: Final = 8_000
QUIET_LOGGERS: Final = ("uvicorn.access", "urllib3", "apscheduler", "asyncio")


@dataclass(frozen=True, slots=True)
class LogSettings:
    """Where the lines go (``file``, or standard error), from which level on, and what is secret."""

    part: str = "revline"
    level: str = "INFO"
    file: Path | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)


def set_up_logging(settings: LogSettings, clock: Clock | None = None) -> logging.Handler:
    """Send this process's logs where ``settings`` say. Called once, at the process's start.

    Raises ``OSError`` when the file cannot be opened. Returns the handler, for closing.
    """
    shared = _processors(settings, clock or SystemClock())
    handler: logging.Handler
    if settings.file is None:
        handler = logging.StreamHandler(sys.stderr)
    else:
        handler = logging.FileHandler(settings.file, encoding="utf-8")
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_plain_record],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *shared],
        )
    )
    root = logging.getLogger()
    for previous in list(root.handlers):
        root.removeHandler(previous)
    root.addHandler(handler)
    root.setLevel(settings.level)
    for name in QUIET_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    return handler


def stream_logger(
    stream: TextIO, *, part: str, secrets: Iterable[str] = (), clock: Clock | None = None
) -> Any:
    """A logger of its own that writes the same lines to ``stream``; for tests and tools."""
    settings = LogSettings(part=part, secrets=tuple(secrets))
    return structlog.wrap_logger(
        structlog.PrintLogger(stream),
        processors=[structlog.stdlib.add_log_level, *_processors(settings, clock or SystemClock())],
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _processors(settings: LogSettings, clock: Clock) -> list[Any]:
    redactor = Redactor(settings.secrets)

    def render(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
        return _line(event, settings.part, redactor, clock)

    return [render]


def _plain_record(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    record: logging.LogRecord | None = event.get("_record")
    if record is not None:
        event["level"] = record.levelname.lower()
        event["logger"] = record.name
    return event


def _line(event: MutableMapping[str, Any], part: str, redactor: Redactor, clock: Clock) -> str:
    """One line of ASCII: JSON escapes everything else, so no terminal or parser is fooled."""
    failure = event.pop("exc_info", None)
    line: dict[str, object] = {
        "time": clock.now().astimezone(UTC).isoformat(timespec="milliseconds"),
        "level": event.pop("level", "info"),
        "part": part,
        "event": _short(redactor.text(str(event.pop("event", "")))),
    }
    for key, value in event.items():
        name = key if key not in line else f"{key}_"
        line[name] = _short(redactor.value(value, key))
    if failure:
        line["exception"] = _short(redactor.text(_traceback(failure)))
    return json.dumps(line, ensure_ascii=True, default=str).replace("\x7f", "\\u007f")


def _short(value: object) -> object:
    if isinstance(value, str) and len(value) > TEXT_MAX_CHARACTERS:
        return value[:TEXT_MAX_CHARACTERS] + "…"
    return value


def _traceback(failure: object) -> str:
    if failure is True:
        failure = sys.exc_info()
    if isinstance(failure, BaseException):
        return "".join(traceback.format_exception(failure))
    if isinstance(failure, tuple) and failure[0] is not None:
        return "".join(traceback.format_exception(*failure))
    return ""
