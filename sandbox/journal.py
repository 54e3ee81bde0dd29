"""What a simulator remembers of its calls: log, totals, violations, write counts."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, urlencode

from sandbox.messages import Json, Request

BODY_KEPT_MAX_BYTES: Final = 256 * 1024
SECRET_HEADERS: Final = frozenset({"authorization", "cookie", "x-api-key", "proxy-authorization"})
SECRET_FIELDS: Final = frozenset(
    {
        "access_token",
        "api_key",
        "assertion",
        "client_assertion",
        "client_secret",
        "code",
        "hapikey",
        "oauth_token",
        "password",
        "refresh_token",
        "session_id",
        "sid",
        "token",
        "tokenKey",
    }
)
_SECRET_IN_PATH = re.compile(r"(?<=/access-tokens/)[^/]+")
_SECRET_IN_JSON = re.compile(
    r'("(?:' + "|".join(sorted(SECRET_FIELDS - {"code"})) + r')"\s*:\s*")((?:[^"\\]|\\.)*)(")'
)


def hashed(secret: str) -> str:
    """A stand-in by which two uses of one secret can be recognised, and nothing else."""
    return "sha256:" + hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()[:16]


def readable_path(path: str) -> str:
    """The path with a token that a vendor's own URL carries hashed."""
    return _SECRET_IN_PATH.sub(lambda match: hashed(match[0]), path)


def _readable_headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name: hashed(value) if name in SECRET_HEADERS else value for name, value in headers.items()
    }


def _hide(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(key, hashed(value) if key in SECRET_FIELDS else value) for key, value in pairs]


def _readable_body(request: Request) -> str:
    text = request.body[:BODY_KEPT_MAX_BYTES].decode("utf-8", "replace")
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return urlencode(_hide(parse_qsl(text, keep_blank_values=True)))
    return _SECRET_IN_JSON.sub(lambda match: match[1] + hashed(match[2]) + match[3], text)


@dataclass(slots=True)
class Entry:
    """One call. ``status`` is ``None`` while it is under way or when no answer was sent."""

    request: Request
    time: str
    template: str = ""
    fault: str | None = None
    applied: bool = False
    status: int | None = None
    bytes_sent: int = 0

    def as_json(self) -> dict[str, Json]:
        """The entry as the admin surface shows it, secrets hashed."""
        request = self.request
        return {
            "seq": request.seq,
            "time": self.time,
            "method": request.method,
            "path": readable_path(request.path),
            "query": _hide(request.query),
            "headers": _readable_headers(request.headers),
            "body": _readable_body(request),
            "body_sha256": hashlib.sha256(request.body).hexdigest(),
            "template": self.template,
            "fault": self.fault,
            "applied": self.applied,
            "status": self.status,
            "bytes_sent": self.bytes_sent,
        }


@dataclass(slots=True)
class Tally:
    """What API writes did to one record."""

    creates: int = 0
    changing_updates: int = 0
    unchanged_updates: int = 0
    deletes: int = 0


@dataclass(slots=True)
class WriteCounts:
    """Writes per (object, record id). Grouped by external id only when read, because a record may
    get its external id later than its first write."""

    tallies: dict[tuple[str, str], Tally] = field(default_factory=dict)
    external: dict[tuple[str, str], str] = field(default_factory=dict)

    def note(self, object: str, id: str) -> Tally:
        """The tally of one record, to be added to."""
        return self.tallies.setdefault((object, id), Tally())

    def grouped(
        self, live: Iterable[tuple[str, str, str | None]]
    ) -> dict[str, dict[str, dict[str, Json]]]:
        """Counts per object and external id; ``live`` lists (object, id, external id)."""
        groups: dict[str, dict[str, dict[str, Json]]] = {}

        def group(object: str, key: str) -> dict[str, Json]:
            empty: dict[str, Json] = {
                "creates": 0,
                "changing_updates": 0,
                "unchanged_updates": 0,
                "deletes": 0,
                "ids": [],
            }
            return groups.setdefault(object, {}).setdefault(key, empty)

        for object, id, external in live:
            if external is not None:
                self.external[object, id] = external
            if external is not None or (object, id) in self.tallies:
                group(object, external or f"id:{id}")["ids"].append(id)
        for (object, id), tally in self.tallies.items():
            entry = group(object, self.external.get((object, id)) or f"id:{id}")
            entry["creates"] += tally.creates
            entry["changing_updates"] += tally.changing_updates
            entry["unchanged_updates"] += tally.unchanged_updates
            entry["deletes"] += tally.deletes
        return groups


class Journal:
    """Log, call totals, violations and write counts of one simulator. Guarded by its lock."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.calls: Counter[tuple[str, str, int | None]] = Counter()
        self.violations: list[dict[str, Json]] = []
        self.counts = WriteCounts()

    def violation(self, time: str, kind: str, message: str, request: Request | None) -> None:
        """Note something a real vendor, or an auditor, would object to."""
        self.violations.append(
            {
                "seq": request.seq if request else None,
                "time": time,
                "kind": kind,
                "message": message,
                "method": request.method if request else None,
                "path": readable_path(request.path) if request else None,
            }
        )
