"""The store is lost, the systems are not: what was made is found again and never made twice."""

from __future__ import annotations

import shutil
from datetime import date, timedelta

import pytest

from engine.commands.rebuilding import rebuild_links
from tests.moneyline.mishaps import made
from tests.moneyline.world import MoneyLine

START = date(2026, 1, 1)


def lose_store(line: MoneyLine) -> None:
    line.store.close()
    shutil.rmtree(line.folder / "state")
    line.clock.shift(timedelta(minutes=10))
    line.boot()


def test_everything_is_found_again(line: MoneyLine) -> None:
    # given two deals that were billed, one of them paid, journals posted; and no store
    line.won(line.account("Paid Ltd"), [("PLT-001", 1_200)], START)
    line.won(line.account("Open Ltd"), [("PLT-001", 600)], START)
    line.settle()
    pay_one(line)
    line.rest(minutes=10)
    before = made(line)
    lose_store(line)
    # when an engine without memory goes over everything
    line.rest(minutes=10)
    # then nothing was made twice, nobody is asked, and a second run writes nothing
    assert made(line) == before
    assert line.codes() == []
    writes = line.written()
    line.restart()
    line.rest(hours=1)
    assert line.written() == writes


@pytest.mark.torture
def test_links_are_made_anew_from_what_is_there(line: MoneyLine) -> None:
    # given two deals, one after another, and an order with a number as Zuora gives them
    line.won(line.account("Paid Ltd"), [("PLT-001", 1_200)], START)
    line.settle()
    line.pay()
    line.rest(minutes=10)
    line.won(line.account("Open Ltd"), [("PLT-001", 600)], START)
    line.settle()
    renumbered(line, "O-00000001")
    before = made(line)
    lose_store(line)
    # when the operator has links made before anything is sent
    syncs = line.services.config.syncs
    names = ("billing_accounts", "orders", "payments", "payers", "collections", "receipts")
    counts = {name: rebuild_links(line.services, syncs[name])[0] for name in names}
    # then each record has its link again, but for the order that is nobody's
    assert counts == {
        "billing_accounts": 2,
        "orders": 1,
        "payments": 1,
        "payers": 2,
        "collections": 2,
        "receipts": 1,
    }
    assert made(line) == before


def renumbered(line: MoneyLine, number: str) -> None:
    """One of the orders has this number, as if somebody had made it by hand."""
    zuora = line.simulators["zuora"]
    with zuora.lock:
        zuora.tenant.update("orders", min(line.records("zuora", "orders")), {"orderNumber": number})


def pay_one(line: MoneyLine) -> None:
    """One customer pays, the other does not."""
    id = min(line.records("stripe", "payment_intents"))
    line.do("stripe", "payment_intents", "pay", id, {"payment_method": "pm_card_visa"})
