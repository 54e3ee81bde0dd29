"""Fault rules: which request goes wrong, when, and how.

A rule names a request (``match``), a moment (``phase``) and a mishap (``action``):

* phase ``before``: nothing has happened yet, and nothing will; ``after``: the effect took place and
  the answer is lost or replaced; ``mid``: the answer breaks off while it is sent;
* actions ``delay`` (``seconds``, real time), ``reset``, ``hang`` (until the rule is cleared, then a
  reset), ``hold`` (until released, then the request goes on), ``status`` (``status``, ``body``,
  ``headers``), ``truncate`` (``at`` bytes of the body), ``content_type`` (``content_type``),
  ``redirect`` (``location``, ``status``), ``duplicate_page``, ``drop_page``, ``stale_read``.
"""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from sandbox.messages import Json, Request

PHASES: Final = ("before", "after", "mid")
ACTIONS: Final = {
    "delay": "before",
    "reset": "before",
    "hang": "before",
    "hold": "before",
    "status": "before",
    "truncate": "mid",
    "content_type": "after",
    "redirect": "before",
    "duplicate_page": "after",
    "drop_page": "after",
    "stale_read": "before",
}
_RULE_KEYS: Final = frozenset(
    [
        "match",
        "phase",
        "action",
        "times",
        "seconds",
        "status",
        "body",
        "headers",
        "at",
        "content_type",
        "location",
    ]
)
_MATCH_KEYS: Final = frozenset(["method", "path", "nth", "probability", "seed", "body_contains"])


class BadRule(ValueError):
    """A fault rule that makes no sense; the message says why."""


@dataclass(slots=True)
class Rule:
    """One rule, with how often it was matched and fired. ``times`` ``None`` means for ever."""

    id: str
    action: str
    phase: str
    times: int | None
    options: Mapping[str, Json]
    method: str | None = None
    path: re.Pattern[str] | None = None
    nth: int | None = None
    probability: float | None = None
    body_contains: bytes | None = None
    chance: random.Random = field(default_factory=lambda: random.Random(0))
    matched: int = 0
    fired: int = 0
    waiting: int = 0
    cleared: threading.Event = field(default_factory=threading.Event)

    def fires_on(self, request: Request) -> bool:
        """Whether this request is hit; counts the look."""
        if self.cleared.is_set() or (self.times is not None and self.fired >= self.times):
            return False
        if self.method is not None and self.method != request.method:
            return False
        if self.path is not None and not self.path.search(request.path):
            return False
        if self.body_contains is not None and self.body_contains not in request.body:
            return False
        self.matched += 1
        if self.nth is not None and self.matched != self.nth:
            return False
        if self.probability is not None and self.chance.random() >= self.probability:
            return False
        self.fired += 1
        return True

    def as_json(self) -> dict[str, Json]:
        """The rule as the admin surface shows it."""
        return {
            "id": self.id,
            "action": self.action,
            "phase": self.phase,
            "times": self.times,
            "matched": self.matched,
            "fired": self.fired,
            "waiting": self.waiting,
        }


def parse_rule(id: str, body: Json) -> Rule:
    """A rule from its JSON form; :class:`BadRule` when a key or value is unknown."""
    if not isinstance(body, dict):
        raise BadRule("a rule is a JSON object")
    match = body.get("match") or {}
    unknown = sorted((set(body) - _RULE_KEYS) | (set(match) - _MATCH_KEYS))
    if unknown:
        raise BadRule(f"unknown keys in the rule: {', '.join(unknown)}")
    action = body.get("action")
    if action not in ACTIONS:
        raise BadRule(f"action must be one of {', '.join(ACTIONS)}; got {action!r}")
    phase = body.get("phase") or ACTIONS[action]
    if phase not in PHASES:
        raise BadRule(f"phase must be one of {', '.join(PHASES)}; got {phase!r}")
    if phase == "mid" and action not in {"truncate", "reset", "hang", "delay"}:
        raise BadRule(f"{action} cannot happen in the middle of an answer")
    contains = match.get("body_contains")
    try:
        path = re.compile(match["path"]) if match.get("path") else None
    except re.error as error:
        raise BadRule(f"match.path is not a regular expression: {error}") from error
    return Rule(
        id=id,
        action=action,
        phase=phase,
        times=body.get("times", 1),
        options={key: value for key, value in body.items() if key not in {"match", "times"}},
        method=match.get("method"),
        path=path,
        nth=match.get("nth"),
        probability=match.get("probability"),
        body_contains=contains.encode() if contains else None,
        chance=random.Random(match.get("seed", 0)),
    )


class Faults:
    """All rules of one simulator. Safe to share between threads."""

    def __init__(self) -> None:
        self._rules: dict[str, Rule] = {}
        self._added = 0
        self._changed = threading.Condition()

    def add(self, body: Json) -> Rule:
        """Add one rule; it applies to requests that arrive from now on."""
        with self._changed:
            rule = parse_rule(f"f{self._added + 1}", body)
            self._added += 1
            self._rules[rule.id] = rule
            return rule

    def for_request(self, request: Request) -> tuple[Rule, ...]:
        """The rules that hit this request, in the order they were added."""
        with self._changed:
            return tuple(rule for rule in self._rules.values() if rule.fires_on(request))

    def rules(self) -> tuple[Rule, ...]:
        """All rules, spent ones included."""
        with self._changed:
            return tuple(self._rules.values())

    def clear(self, id: str | None = None, action: str | None = None) -> int:
        """Forget rules (one, all of an action, or all) and let go whoever waits on them."""
        with self._changed:
            gone = [
                rule
                for rule in self._rules.values()
                if id in {None, rule.id} and action in {None, rule.action}
            ]
            for rule in gone:
                del self._rules[rule.id]
                rule.cleared.set()
            self._changed.notify_all()
            return len(gone)

    def stand_still(self, rule: Rule) -> None:
        """Wait until the rule is cleared or released."""
        with self._changed:
            rule.waiting += 1
            self._changed.notify_all()
        rule.cleared.wait()
        with self._changed:
            rule.waiting -= 1
            self._changed.notify_all()

    def wait_until_held(self, rule_id: str, wait_seconds: float) -> bool:
        """Whether a request stands at the rule, waiting for one if need be."""

        def held() -> bool:
            rule = self._rules.get(rule_id)
            return rule is not None and rule.waiting > 0

        with self._changed:
            return self._changed.wait_for(held, wait_seconds)
