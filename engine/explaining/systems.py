"""What connections and their objects are called when they are talked about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from connectors.base import ConnectorSpec
from engine.config.model import OURSELVES, Endpoint
from engine.explaining.words import singular, spoken

BOOKS = "the books"


class Systems:
    """The connections of one project, by name, with what their connectors declare."""

    def __init__(self, specs: Mapping[str, ConnectorSpec]) -> None:
        self._specs = specs
        self._titles = Counter(spec.title for spec in specs.values())

    def title(self, connection: str) -> str:
        """The vendor's name for it, with the connection's own where several have the same."""
        if connection == OURSELVES:
            return BOOKS
        title = self._specs[connection].title
        return title if self._titles[title] == 1 else f"{title} ({connection})"

    def object(self, endpoint: Endpoint) -> str:
        """One record of an object, in the words of its system."""
        spec = self._specs[endpoint.connection].object(endpoint.object)
        if spec is None or spec.name == "*" or endpoint.connection == OURSELVES:
            return singular(spoken(endpoint.object))
        label = spec.label.partition(",")[0].partition(" (")[0]
        return singular(label[:1].lower() + label[1:])
