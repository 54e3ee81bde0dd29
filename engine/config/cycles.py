"""Finds cycles in small graphs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def find_cycles(graph: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """One cycle per knot of nodes that reach one another, each beginning with its least node."""
    cycles: list[list[str]] = []
    settled: set[str] = set()
    for start in sorted(graph):
        if start in settled:
            continue
        cycle = _shortest_back(graph, start)
        if cycle is not None and settled.isdisjoint(cycle):
            cycles.append(cycle)
            settled.update(cycle)
    return cycles


def _shortest_back(graph: Mapping[str, Sequence[str]], start: str) -> list[str] | None:
    """The shortest way from a node back to itself."""
    paths: list[list[str]] = [[start]]
    seen: set[str] = set()
    while paths:
        longer: list[list[str]] = []
        for path in paths:
            for node in graph.get(path[-1], ()):
                if node == start:
                    return path
                if node not in seen:
                    seen.add(node)
                    longer.append([*path, node])
        paths = longer
    return None
