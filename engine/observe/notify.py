"""Telling a person. Where a notification goes is the notifier's business, not the sender's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Protocol, TextIO

from connectors.records import NOTHING


class Severity(StrEnum):
    """How much it matters: RECOVERED ends an earlier warning or alarm of the same code."""

    RECOVERED = "recovered"
    WARNING = "warning"
    ALARM = "alarm"


@dataclass(frozen=True, slots=True)
class Notification:
    """Something a person should know. ``facts`` are names, counts and ids; never values.

    ``code`` is stable and names the condition; ``fix`` says what to do.
    """

    severity: Severity
    code: str
    text: str
    fix: str = ""
    facts: Mapping[str, object] = field(default_factory=lambda: MappingProxyType(dict(NOTHING)))


class Notifier(Protocol):
    """Delivers notifications. Must not raise and must not block for long."""

    def notify(self, notification: Notification) -> None: ...


class LogNotifier:
    """Writes notifications to a log."""

    def __init__(self, logger: Any) -> None:
        self._logger = logger

    def notify(self, notification: Notification) -> None:
        write = {
            Severity.RECOVERED: self._logger.info,
            Severity.WARNING: self._logger.warning,
            Severity.ALARM: self._logger.error,
        }[notification.severity]
        facts = {f"fact_{name}": value for name, value in notification.facts.items()}
        write(notification.text, code=notification.code, fix=notification.fix, **facts)


class ConsoleNotifier:
    """Writes notifications as one line of text each, control characters made visible."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def notify(self, notification: Notification) -> None:
        parts = [f"{notification.severity}: {notification.text} ({notification.code})"]
        if notification.fix:
            parts.append(f"fix: {notification.fix}")
        line = "  ".join(parts)
        visible = "".join(mark if mark.isprintable() else "\ufffd" for mark in line)
        self._stream.write(visible + "\n")
        self._stream.flush()


class NotifyAll:
    """Hands every notification to several notifiers."""

    def __init__(self, notifiers: Sequence[Notifier]) -> None:
        self._notifiers = tuple(notifiers)

    def notify(self, notification: Notification) -> None:
        for notifier in self._notifiers:
            notifier.notify(notification)
