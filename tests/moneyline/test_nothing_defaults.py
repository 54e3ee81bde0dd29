"""What nobody decided about is never guessed: an issue with its cause and its fix, and no write."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from engine.accounts import identify_all
from engine.commands.acts import Acts
from engine.issues import cause, fix
from engine.store import connections
from tests.moneyline.world import MoneyLine

ON = date(2026, 12, 1)
PLATFORM = [("PLT-001", 1_200)]


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MoneyLine]:
    made = MoneyLine(tmp_path_factory.mktemp("line"))
    yield made
    made.close()


def told(line: MoneyLine, sync: str) -> list[tuple[str, str, str]]:
    """The open issues of a sync: code, cause and fix."""
    return [
        (one.code, cause(one.code, one.parameters), fix(one.code, one.parameters, one.id))
        for one in line.issues()
        if one.sync == sync
    ]


def settled(line: MoneyLine, sync: str) -> None:
    """Whatever the issue was about has been put right at its source; nothing is left of it."""
    line.rest(hours=1)
    assert told(line, sync) == []


def test_a_product_that_billing_does_not_know(line: MoneyLine) -> None:
    deal = line.won(line.account(), [("NEW-001", 500)], ON)
    line.settle()
    ((code, why, what),) = told(line, "orders")
    assert code == "MAPPING"
    assert "Zuora has no rate plan for this product" in why + what
    assert line.records("zuora", "orders") == {}
    (item,) = (
        id
        for id, row in line.records("salesforce", "OpportunityLineItem").items()
        if row["OpportunityId"] == deal
    )
    line.do("salesforce", "OpportunityLineItem", "delete", item, {})
    line.do("salesforce", "Opportunity", "update", deal, {"StageName": "Closed Lost"})
    settled(line, "orders")


def test_a_currency_that_nobody_decided_about(line: MoneyLine) -> None:
    """Zuora and Salesforce know kuwaiti dinars; the map to NetSuite's ids is emptied of them."""
    file = line.folder / "mappings" / "account_to_customer.yaml"
    before = file.read_text()
    assert "KWD" in before
    file.write_text(before.replace(', KWD: "5"', ""))
    line.config = None
    line.restart()
    account = line.account("Gulf")
    line.won(account, [("PLT-001", "1200.125")], ON, "KWD")
    line.settle()
    ((code, why, _what),) = told(line, "customers")
    assert code == "MAPPING"
    assert "KWD" in why
    file.write_text(before)
    line.config = None
    line.restart()
    settled(line, "customers")


def test_a_month_that_is_closed(line: MoneyLine) -> None:
    line.do("netsuite", "accountingPeriod", "close", "Dec 2026", {})
    line.won(line.account("Closed"), PLATFORM, ON)
    line.settle()
    ((code, why, what),) = told(line, "invoices")
    assert code == "REFUSED"
    assert "the posting period Dec 2026 is closed" in why
    assert what
    line.do("netsuite", "accountingPeriod", "reopen", "Dec 2026", {})
    Acts(line.services).retry({"issues": "all"})
    settled(line, "invoices")


def test_a_record_that_somebody_has_locked(line: MoneyLine) -> None:
    line.won(line.account("Held"), PLATFORM, ON)
    line.settle()
    customer = max(line.records("netsuite", "customer"), key=int)
    line.do("netsuite", "customer", "lock", customer, {})
    account = next(
        id for id, row in line.records("salesforce", "Account").items() if row["Name"] == "Held"
    )
    line.do("salesforce", "Account", "update", account, {"Name": "Held & Sons"})
    line.rest(hours=1)
    found = told(line, "customers")
    assert [code for code, _why, _what in found] == ["REFUSED"]
    assert "locked" in found[0][1]
    line.do("netsuite", "customer", "unlock", customer, {})
    Acts(line.services).retry({"issues": "all"})
    settled(line, "customers")


def test_another_account_than_the_one_that_was_there(line: MoneyLine) -> None:
    """The sandbox's credentials in the project of production: nothing is read, nothing written."""
    identify_all(line.services, ["zuora"])
    with line.store.write() as tx:
        tx.exec_driver_sql(
            "UPDATE connection_state SET account_id = 'another' WHERE name = 'zuora'"
        )
    before = len(line.simulators["zuora"].journal.entries)
    identify_all(line.services, ["zuora"])
    with line.store.read() as tx:
        state = connections.every(tx)["zuora"]
    assert state.paused_code
    assert "another" in str(state.paused_reason)
    asked = len(line.simulators["zuora"].journal.entries)
    line.won(line.account("Elsewhere"), PLATFORM, ON)
    line.runner.poll_now()
    line.runner.until_idle(60, look_again=False)
    assert asked - before <= 2
    assert len(line.simulators["zuora"].journal.entries) == asked
