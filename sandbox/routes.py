"""Which handler answers a path."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import unquote

from sandbox.messages import Request, Response

Handler: TypeAlias = Callable[[Request], Response]

_PARAMETER = re.compile(r"\{(\w+)(\*?)\}")


@dataclass(frozen=True, slots=True)
class Route:
    """One method and path template.

    ``{name}`` takes one path segment, ``{name*}`` the rest of the path. ``query`` names the query
    parameters the vendor knows; another one is a violation (``None``: anything goes). ``open``
    routes need no credentials (token endpoints).
    """

    method: str
    template: str
    handler: Handler
    query: frozenset[str] | None = frozenset()
    open: bool = False


class RouteTable:
    """Finds the route of a request; a literal segment wins over a parameter."""

    def __init__(self, routes: Iterable[Route]) -> None:
        ordered = sorted(routes, key=lambda route: _PARAMETER.sub("\uffff", route.template))
        self._exact: dict[tuple[str, str], Route] = {}
        self._patterns: dict[str, list[tuple[re.Pattern[str], Route]]] = {}
        for route in ordered:
            if "{" in route.template:
                compiled = (_compile(route.template), route)
                self._patterns.setdefault(route.method, []).append(compiled)
            else:
                self._exact[route.method, route.template] = route

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The route and its decoded path parameters, or ``None``."""
        bare = path.rstrip("/") or "/"
        exact = self._exact.get((method, bare))
        if exact is not None:
            return exact, {}
        for pattern, route in self._patterns.get(method, ()):
            match = pattern.fullmatch(bare)
            if match is not None:
                return route, {name: unquote(text) for name, text in match.groupdict().items()}
        return None


def _compile(template: str) -> re.Pattern[str]:
    parts: list[str] = []
    end = 0
    for match in _PARAMETER.finditer(template):
        parts.append(re.escape(template[end : match.start()]))
        parts.append(f"(?P<{match[1]}>{'.+' if match[2] else '[^/]+'})")
        end = match.end()
    parts.append(re.escape(template[end:]))
    return re.compile("".join(parts))
