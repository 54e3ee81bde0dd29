"""A deal that is held says what is missing and where; filling it in there is all that is needed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from engine.commands.state import state_of
from tests.moneyline.world import MoneyLine

GATES = """
field_groups:
  ship_to:
    title: The ship-to address
    fill_in: Salesforce on the account
    fields: {street: Account.ShippingStreet, country: Account.ShippingCountry}
gates:
  - {name: ship_to, complete: ship_to}
"""
SAYS = (
    "The ship-to address is incomplete: Street, Country are blank. "
    "Fill them in Salesforce on the account."
)


class ShipTo(MoneyLine):
    """Orders alone, of deals whose account has a ship-to address."""

    def boot(self) -> None:
        file = self.folder / "mappings" / "opportunity_to_order.yaml"
        if "ship_to" not in file.read_text():
            file.write_text(file.read_text().replace("\ngates:\n", GATES, 1))
        super().boot()


@pytest.fixture
def line(tmp_path: Path) -> Iterator[ShipTo]:
    made = ShipTo(tmp_path, lambda text: text.split("  subscriptions:\n")[0])
    yield made
    made.close()


def test_a_ship_to_filled_in_on_the_account_lets_the_order_go(line: ShipTo) -> None:
    account = line.account()
    line.won(account, [("PLT-001", 1_200)], date(2026, 12, 1))
    line.settle()
    (held,) = state_of(line.project, line.store)["held"]
    assert (held["reason"], held["says"]) == ("ship_to", SAYS)
    assert line.records("zuora", "orders") == {}
    assert SAYS not in str(line.lines())
    # when the account, which is not what is held, is put right
    address = {"ShippingStreet": "Kai 1", "ShippingCountry": "Germany"}
    line.do("salesforce", "Account", "update", account, address)
    line.rest(minutes=21)
    # then the order follows by itself, once
    assert state_of(line.project, line.store)["held"] == []
    assert len(line.records("zuora", "orders")) == 1
