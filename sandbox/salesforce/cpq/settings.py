"""The package's settings in an org, as an administrator would have made them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any, Final

PREFIX: Final = "cpq_"


@dataclass(slots=True)
class Cpq:
    """How long the queued work of each kind takes, and the package's own settings.

    ``term_unit``: what a subscription term counts, ``month`` or ``day``. ``approval_discount``:
    submitted quotes whose discount in percent is above it need the approver's word.
    ``initial_sync``: the first quote of an opportunity gets a line for each of its products. An org
    has that unless "Disable Initial Quote Sync" is ticked, as it is in this one at first.
    """

    calculation_seconds: float = 5.0
    order_seconds: float = 10.0
    contract_seconds: float = 10.0
    renewal_seconds: float = 10.0
    term_unit: str = "month"
    approval_discount: Decimal = Decimal(20)
    initial_sync: bool = False

    def options(self) -> dict[str, Any]:
        """The settings under the names the admin surface knows them by."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return {PREFIX + name: _plain(value) for name, value in found.items()}

    def set_options(self, given: Mapping[str, Any]) -> None:
        """Change settings; ``ValueError`` names what makes no sense."""
        for name, value in given.items():
            key = name.removeprefix(PREFIX)
            if key == "term_unit":
                if value not in {"month", "day"}:
                    raise ValueError("cpq_term_unit is month or day")
                self.term_unit = value
            elif key == "initial_sync":
                if not isinstance(value, bool):
                    raise ValueError("cpq_initial_sync is true or false")
                self.initial_sync = value
            elif key == "approval_discount":
                self.approval_discount = Decimal(str(value))
            elif float(value) < 0:
                raise ValueError(f"{name} is a number of seconds")
            else:
                setattr(self, key, float(value))


def _plain(value: object) -> object:
    return float(value) if isinstance(value, Decimal) else value


OPTIONS: Final = frozenset(Cpq().options())
