"""What holds whatever is sent: the ledger balances, and nothing odd brings the simulator down."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.netsuite.bodies import Reading
from sandbox.netsuite.books import Books
from sandbox.netsuite.errors import Refusal
from sandbox.netsuite.furniture import found
from sandbox.netsuite.rules.settling import available
from sandbox.netsuite.writing import Writer

D = Decimal
ONCE = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
NOW = datetime(2026, 9, 15, tzinfo=UTC)

cents = st.integers(1, 500_00).map(lambda n: D(n) / 100)
rates = st.integers(50, 200).map(lambda n: D(n) / 100)
steps = st.lists(
    st.tuples(
        st.sampled_from(["invoice", "pay", "credit", "refund", "edit", "unapply", "delete"]),
        cents,
        rates,
        st.integers(0, 20),
    ),
    min_size=3,
    max_size=14,
)


class Company:
    """One customer in euros of the American subsidiary, so that every rate counts."""

    def __init__(self) -> None:
        self.books = Books(lambda: NOW)
        found(self.books)
        self.writer = Writer(self.books, Reading(self.books, strict_names=True))
        body = {"companyName": "A", "subsidiary": {"id": "1"}, "currency": {"id": "3"}}
        self.customer = {"id": self.create("customer", body)}
        item = self.books.by_external_id("otherChargeSaleItem", "REVLINE-WRITEOFF")
        self.item = {"id": item}

    def create(self, type: str, body: dict[str, Any]) -> str:
        return self.writer.create(self.books.types[type], body).id

    def pick(self, type: str, number: int) -> str:
        ids = sorted(self.books.tables[type])
        if not ids:
            raise Refusal(400)
        return ids[number % len(ids)]

    def lines(self, amount: Decimal) -> dict[str, Any]:
        return {"items": [{"item": self.item, "amount": amount}]}

    def step(self, what: str, amount: Decimal, rate: Decimal, number: int) -> None:
        types = self.books.types
        shared = {"exchangeRate": rate, "tranDate": "2026-09-10"}
        if what in {"invoice", "credit"}:
            body = {"entity": self.customer, "item": self.lines(amount), **shared}
            type = "invoice" if what == "invoice" else "creditMemo"
            if what == "credit":
                body["autoApply"] = number % 2 == 0
            self.create(type, body)
        elif what == "pay":
            body = {"customer": self.customer, "payment": amount, "autoApply": number % 3 > 0}
            self.create("customerPayment", {**body, **shared})
        elif what == "refund":
            source = "creditMemo" if number % 2 else "customerPayment"
            id = self.pick(source, number)
            apply = {"items": [{"doc": {"id": id}, "apply": True, "amount": amount}]}
            body = {"account": {"id": "114"}, "apply": apply, **shared}
            self.writer.transform(types[source], id, "customerRefund", body)
        elif what == "edit":
            id = self.pick("invoice", number)
            change = {"item": {"items": [{"line": 1, "amount": amount}]}, "exchangeRate": rate}
            self.writer.update(types["invoice"], id, change)
        elif what == "unapply":
            id = self.pick("customerPayment", number)
            applied = self.books.tables["customerPayment"][id]["apply"]
            lines = [{"doc": {"id": one["doc"]}, "apply": False} for one in applied[:1]]
            self.writer.update(types["customerPayment"], id, {"apply": {"items": lines}})
        else:
            type = ("invoice", "customerPayment", "creditMemo")[number % 3]
            self.writer.delete(types[type], self.pick(type, number))


def check(books: Books) -> None:
    receivable = D(0)
    for name in books.names_of("transaction"):
        for row in books.tables[name].values():
            assert sum(one.base for one in row["_impact"]) == 0
            assert sum(one.foreign for one in row["_impact"]) == 0
            receivable += sum(one.foreign for one in row["_impact"] if one.account == "119")
    signs = {"invoice": 1, "creditMemo": -1, "customerPayment": -1}
    rests = [
        (sign, available(books, id)) for name, sign in signs.items() for id in books.tables[name]
    ]
    assert all(rest >= 0 for _, rest in rests)
    assert receivable == sum(sign * rest for sign, rest in rests)


@ONCE
@given(steps)
def test_the_ledger_balances_and_receivables_are_what_is_open(
    plan: list[tuple[str, Decimal, Decimal, int]],
) -> None:
    company = Company()
    done = 0
    for what, amount, rate, number in plan:
        try:
            with company.books.savepoint():
                company.step(what, amount, rate, number)
            done += 1
        except Refusal:
            pass
        check(company.books)
    assert done or not any(what in {"invoice", "pay", "credit"} for what, *_ in plan)


# -- odd bodies ------------------------------------------------------------------------------------

NAMES = st.sampled_from(
    ["companyName", "subsidiary", "entity", "customer", "item", "line", "apply", "items", "doc",
     "amount", "rate", "quantity", "account", "debit", "credit", "id", "externalId", "tranDate",
     "payment", "addressBook", "addressBookAddress", "country", "taxDetails", "orderLine",
     "taxDetailsOverride", "currency", "currencyList", "exchangeRate", "postingPeriod"]
)  # fmt: skip
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-5, 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["1", "119", "2026-09-10", "USD", "", "\x1e2026", "\x00", "eid:x"])
)
references = st.sampled_from([{"id": "1"}, {"id": "501"}, {"id": "119"}, {"externalId": "x"}])
bodies = st.recursive(
    scalars | references,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
lists = st.fixed_dictionaries({"items": st.lists(st.dictionaries(NAMES, bodies), max_size=3)})
requests_made = st.tuples(
    st.sampled_from(["POST", "PUT", "PATCH"]),
    st.sampled_from(
        ["customer", "salesOrder", "invoice", "creditMemo", "customerPayment", "customerRefund",
         "journalEntry", "account", "department", "customerSubsidiaryRelationship"]
    ),
    st.dictionaries(NAMES, bodies | lists, max_size=6),
)  # fmt: skip


@ONCE
@given(requests_made, st.booleans())
def test_odd_bodies_are_answered(
    account: Any, made: tuple[str, str, dict[str, Any]], strict: bool
) -> None:
    method, type, body = made
    path = {"POST": type, "PUT": f"{type}/eid:x", "PATCH": f"{type}/eid:x"}[method]
    headers = {"Content-Type": "application/json"}
    if not strict:
        headers["X-NetSuite-PropertyNameValidation"] = "Ignore"
        headers["X-NetSuite-PropertyValueValidation"] = "Ignore"
    answer = account.call(method, path, data=json.dumps(body).encode(), headers=headers)
    assert answer.status_code < 500, answer.text
    listed = account.call("GET", type, params={"expandRecords": "true", "ids": "eid:x"})
    assert listed.status_code == 200, listed.text


WORDS = st.sampled_from(
    ["SELECT", "id", "*", "FROM", "customer", "c", "WHERE", "=", "'x'", "(", ")", "IN", ",", "AND",
     "NOT", "ORDER", "BY", "1", "?", "COUNT", "TO_CHAR", "CASE", "WHEN", "END", ".", "IS", "NULL",
     "lastmodifieddate", "-", "||", "LIKE", "BETWEEN", "9" * 400, "GROUP", "BUILTIN", "DF"]
)  # fmt: skip


@ONCE
@given(st.lists(WORDS, max_size=14).map(" ".join), st.lists(scalars, max_size=2))
def test_odd_queries_are_answered(account: Any, words: str, params: list[Any]) -> None:
    account.call("PUT", "customer/eid:x", {"companyName": "\x1eodd", "subsidiary": {"id": "1"}})
    for text in (words, f"SELECT id FROM customer WHERE {words}", f"SELECT {words} FROM customer"):
        answer = account.ask(text, *params)
        assert answer.status_code in {200, 400}, answer.text


def test_very_deep_queries_and_bodies_are_answered(account: Any) -> None:
    for deep in (
        "NOT " * 5000 + "id = 1",
        "(" * 5000 + "id = 1" + ")" * 5000,
        "-" * 5000 + "1 = 1",
    ):
        answer = account.ask(f"SELECT id FROM customer WHERE {deep}")
        assert answer.status_code == 400, answer.text
    headers = {"Content-Type": "application/json"}
    deep = '{"subsidiary":' * 5000 + "1" + "}" * 5000
    answer = account.call("POST", "customer", data=deep, headers=headers)
    assert answer.status_code == 400
