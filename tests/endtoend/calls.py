"""The calls of a stretch of a test, as the simulators logged them."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Spent:
    """The calls of a stretch of a test: ``{(system, method, path template): count}``."""

    calls: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    entries: dict[str, list[Any]] = field(default_factory=dict)

    def of(self, system: str, method: str, path: str) -> int:
        """How often a path was called whose template matches a regular expression."""
        return sum(
            count
            for (where, how, template), count in self.calls.items()
            if where == system and how == method and re.search(path, template)
        )

    def on(self, system: str, method: str, path: str) -> int:
        """How often an address was called that matches a regular expression."""
        return sum(
            1
            for entry in self.entries.get(system, [])
            if entry.request.method == method and re.search(path, entry.request.path)
        )

    def queries(self, text: str) -> int:
        """How many queries of Salesforce match a regular expression."""
        return sum(
            1
            for entry in self.entries.get("salesforce", [])
            for name, value in entry.request.query
            if name == "q" and re.search(text, value)
        )

    @property
    def total(self) -> int:
        return self.calls.total()

    @property
    def writes(self) -> Counter[tuple[str, str, str]]:
        """The calls that can change something."""
        return Counter({call: n for call, n in self.calls.items() if _writes(*call)})


def _writes(_system: str, method: str, template: str) -> bool:
    if method in ("PATCH", "PUT", "DELETE"):
        return True
    if method != "POST" or template.startswith("/services/oauth2"):
        return False
    return not template.endswith(("/search", "/batch/read"))
