"""The contract that every connector keeps. A connector's own test inherits it and says how.

::

    class TestContract(ConnectorContract):
        kind = "acme"
        waivers = {"Removals": "Acme has no feed of removed records; changes shows them."}

        @pytest.fixture
        def bench(self, ...) -> Bench:
            return Bench(kind=self.kind, connector=..., world=..., sample=..., again=...)

``waivers`` maps a capability (:data:`~connectors.testing.needs.CAPABILITIES`) or the name of a test
to the reason why it is missing. A waiver of something that is there fails, and so does a waiver of
a test that passes.
"""

from __future__ import annotations

from typing import ClassVar

from connectors.testing.abusing import Abusing
from connectors.testing.declaring import Declaring
from connectors.testing.feeding import Changing, Listing
from connectors.testing.needs import Waivers
from connectors.testing.reading import Families, Reading, Searching
from connectors.testing.receiving import Receiving
from connectors.testing.writing import Valuing, Writing


class ConnectorContract(
    Declaring,
    Reading,
    Listing,
    Changing,
    Searching,
    Families,
    Writing,
    Valuing,
    Receiving,
    Abusing,
    Waivers,
):
    """All groups. ``kind`` is the connector's name in the registry."""

    kind: ClassVar[str]
