"""The admin surface: loading, state, edits behind the back, furniture."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from sandbox.app import build
from sandbox.seed import build_world


def test_a_built_account_sells_what_the_company_sells() -> None:
    simulator = build("netsuite", 3, {"products": 12, "companies": 5, "deals": 5, "contacts": 5})
    items = {
        fields["itemId"]: object
        for object, _, fields in simulator.live_records()
        if object.endswith("SaleItem")
    }
    skus = {product.sku for product in build_world(3, {"products": 12}).products}
    assert skus <= set(items)
    assert items["TRN-001"] == "serviceSaleItem"
    simulator.close()


def test_the_company_is_the_same_everywhere(account: Any) -> None:
    rows = account.query(
        "SELECT s.id, s.name, c.symbol FROM subsidiary s JOIN currency c ON c.id = s.currency "
        "ORDER BY s.id"
    )
    assert [(row["id"], row["symbol"]) for row in rows] == [
        ("1", "USD"),
        ("2", "GBP"),
        ("3", "EUR"),
    ]
    assert [row["name"] for row in rows] == ["Revline US Inc.", "Revline UK Ltd", "Revline GmbH"]
    symbols = account.query("SELECT symbol, currencyprecision FROM currency ORDER BY id")
    assert {row["symbol"]: row["currencyprecision"] for row in symbols} == {
        "USD": "2", "GBP": "2", "EUR": "2", "JPY": "0", "KWD": "3",
    }  # fmt: skip
    types = account.query("SELECT DISTINCT accttype FROM account")
    assert {"AcctRec", "DeferRevenue", "Income", "COGS", "Bank", "Expense"} <= {
        row["accttype"] for row in types
    }


def test_rates_are_dated(account: Any) -> None:
    rows = account.query(
        "SELECT exchangerate, effectivedate FROM currencyrate WHERE transactioncurrency = 4 "
        "AND basecurrency = 3 ORDER BY effectivedate"
    )
    assert len({row["exchangerate"] for row in rows}) > 3
    assert rows[0]["effectivedate"] == "1/1/2025"
    group = account.query(
        "SELECT fromsubsidiary, averagerate FROM consolidatedexchangerate r "
        "JOIN accountingperiod p ON p.id = r.postingperiod WHERE p.periodname = 'Sep 2026' "
        "ORDER BY fromsubsidiary"
    )
    assert [row["fromsubsidiary"] for row in group] == ["2", "3"]


def test_state_shows_what_transactions_do_to_the_ledger(account: Any) -> None:
    invoice = account.invoice(account.customer(externalId="c-1"), account.line("PLT-001", 10.5))
    state = account.look("state")["objects"]
    shown = state["invoice"][invoice]
    assert shown["amountRemaining"] == 10.5
    assert [(line["account"], line["foreign"]) for line in shown["impact"]] == [
        ("119", 10.5),
        ("230", -10.5),
    ]
    assert account.look("counts")["counts"]["customer"]["c-1"]["creates"] == 1


def test_people_edit_delete_and_create(account: Any) -> None:
    body = {"companyName": "Made by hand", "subsidiary": {"id": "1"}}
    made = account.admin("mutate", {"object": "customer", "op": "create", "fields": body})["record"]
    change = {"object": "customer", "op": "update", "id": made["id"], "fields": {"phone": "7"}}
    assert account.admin("mutate", change)["record"]["phone"] == "7"
    assert "customer" not in account.look("counts")["counts"]
    account.admin("mutate", {"object": "customer", "op": "delete", "id": made["id"]})
    assert account.call("GET", f"customer/{made['id']}").status_code == 404
    closed = {"object": "accountingPeriod", "op": "close", "id": "Oct 2026"}
    assert account.admin("mutate", closed)["record"]["closed"] is True


@pytest.mark.parametrize(
    ("command", "body"),
    [
        ("mutate", {"object": "unicorn", "op": "create"}),
        ("mutate", {"object": "customer", "op": "create", "fields": {}}),
        ("mutate", {"object": "customer", "op": "update", "id": "99"}),
        ("mutate", {"object": "customer", "op": "update"}),
        ("mutate", {"object": "customer", "op": "explode", "id": "1"}),
        ("mutate", {"object": "customer", "op": "add_field", "fields": {"name": "x", "line": "y"}}),
        ("options", {"speed": 1}),
        ("options", {"denied": ["unicorn"]}),
        ("options", {"query_zone": "Mars/Olympus"}),
        ("certificates", {"id": "x", "public_key": "rubbish"}),
        ("load", {"objects": {"unicorn": []}}),
        ("load", {"objects": {"customer": [{}]}}),
    ],
)
def test_commands_that_make_no_sense(account: Any, command: str, body: dict[str, Any]) -> None:
    answer = requests.post(f"{account.admin_url}/{command}", json=body, timeout=5)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]
    assert account.call("GET", "customer").json()["totalResults"] == 0


def test_objects_can_be_loaded(account: Any) -> None:
    rows = [{"companyName": "A", "subsidiary": {"id": "1"}, "externalId": "a"}]
    assert account.admin("load", {"objects": {"customer": rows}})["loaded"] == {"customer": 1}
    assert account.read("customer", "eid:a")["companyName"] == "A"


def test_a_dropped_page_is_the_next_one(account: Any) -> None:
    sql = "SELECT id FROM currency ORDER BY id"
    account.admin("faults", {"match": {"path": "suiteql$"}, "action": "drop_page"})
    assert [row["id"] for row in account.query(sql, limit=2)] == ["3", "4"]
    assert [row["id"] for row in account.query(sql, limit=2)] == ["1", "2"]


def test_a_reset_is_a_clean_account(account: Any) -> None:
    account.customer()
    account.admin("options", {"denied": ["invoice"], "concurrency_max": 1, "async_seconds": 9})
    account.admin("reset")
    assert account.call("GET", "customer").status_code == 401
    account.sign_in()
    assert account.call("GET", "customer").json()["totalResults"] == 0
    options = account.look("options")["options"]
    assert (options["denied"], options["concurrency_max"], options["async_seconds"]) == ([], 5, 0)
