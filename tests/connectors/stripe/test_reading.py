"""Reading through the SDK, against the simulated account and against scripted answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

import pytest
from stripe_desk import Desk, paid

from connectors.base import Confirmed, Wiring
from connectors.errors import ActionNeeded, Rejected, UnexpectedAnswer
from connectors.records import MISSING, Life, Selection
from connectors.stripe.connector import Stripe, build
from connectors.testing.hostile import Asked, HostileServer, answer
from sandbox.simulator import Mutation
from sandbox.stripe.keys import LIVE_RESTRICTED_KEY


def test_a_dotted_name_leads_through_references_in_one_call(desk: Desk) -> None:
    id = paid(desk)
    fields = ("latest_charge", "latest_charge.balance_transaction.fee", "status")
    found: list[Any] = []
    calls = desk.paths(
        lambda: found.extend(desk.connector.read(Selection("payment_intents", fields), [id]))
    )
    assert len(calls) == 1
    assert str(found[0].fields["latest_charge"]).startswith("ch_"), "a reference stays an id"
    assert found[0].fields["latest_charge.balance_transaction.fee"] == Decimal("0.66")


@pytest.mark.parametrize(
    ("currency", "amount", "units"), [("jpy", "1234", 1234), ("kwd", "1.230", 1230)]
)
def test_amounts_are_in_stripes_units(desk: Desk, currency: str, amount: str, units: int) -> None:
    id = paid(desk, amount, currency)
    with desk.simulator.lock:
        row: Any = desk.simulator.snapshot()["payment_intents"][id]
    assert row["amount"] == units
    (record,) = desk.connector.read(Selection("payment_intents", ("amount", "currency")), [id])
    assert record.fields == {"amount": Decimal(amount), "currency": currency}


def test_secrets_of_payments_are_not_read(desk: Desk) -> None:
    id = paid(desk)
    (record,) = desk.connector.read(Selection("payment_intents", ("client_secret", "id")), [id])
    assert record.get("client_secret") is MISSING
    assert record.get("id") == id


def test_ids_that_are_none_name_no_record(desk: Desk) -> None:
    selection = Selection("customers", ("name",))
    for record in desk.connector.read(selection, ["", ".", "..", "a/b?c", "cus_ü"]):
        assert record.life is Life.DELETED
        assert not record.fields


@pytest.mark.parametrize(
    ("selection", "code"),
    [
        (Selection("meter_events", ("identifier",)), "NOT_READABLE"),
        (Selection("customers", ("name",), ("invoices",)), "NO_ASSOCIATIONS"),
        (Selection("orders", ("name",)), "UNKNOWN_OBJECT"),
    ],
)
def test_what_cannot_be_read_is_said(desk: Desk, selection: Selection, code: str) -> None:
    for work in (
        lambda: desk.connector.read(selection, ["x"]),
        lambda: desk.connector.list(selection, None, 10),
        lambda: desk.connector.first_cursor(selection, desk.now()),
    ):
        with pytest.raises(Rejected) as raised:
            work()
        assert raised.value.code == code


def test_live_and_test_are_two_systems(desk: Desk) -> None:
    live = desk.build(api_key=LIVE_RESTRICTED_KEY)
    ours, theirs = desk.connector.check(), live.check()
    assert (ours.environment, theirs.environment) == ("sandbox", "production")
    assert ours.id != theirs.id
    made = desk.create("customers", "k", name="A")
    assert isinstance(made, Confirmed)
    with pytest.raises(Rejected) as raised:
        live.read(Selection("customers", ("name",)), [made.id])
    assert raised.value.code == "WRONG_MODE", "not a deleted record"


def test_a_walk_goes_on_where_its_last_record_was_deleted(desk: Desk) -> None:
    with desk.simulator.lock:
        for number in range(6):
            desk.simulator.mutate(Mutation("customers", "create", None, {"name": f"n{number}"}))
    selection = Selection("customers", ("name",))
    page = desk.connector.list(selection, None, 2)
    with desk.simulator.lock:
        desk.simulator.mutate(Mutation("customers", "delete", page.records[-1].ref.id, {}))
    names = [record.fields["name"] for record in page.records]
    for _ in range(9):
        page = desk.connector.list(selection, page.cursor, 2)
        names += [record.fields["name"] for record in page.records]
        if page.at_head:
            break
    assert set(names) == {f"n{number}" for number in range(6)}


def line(number: int) -> dict[str, Any]:
    return {"id": f"il_{number}", "object": "line_item", "amount": number, "currency": "usd"}


class Script:
    """Answers by path, and remembers what was asked."""

    def __init__(self, pages: dict[str, Any]) -> None:
        self.pages = pages
        self.targets: list[str] = []

    def __call__(self, asked: Asked) -> Iterator[bytes]:
        self.targets.append(asked.target)
        for start, content in self.pages.items():
            if asked.target.startswith(start):
                yield answer(200, json.dumps(content).encode(), Content_Type="application/json")
                return
        yield answer(404, b"{}")


def aimed(url: str, **settings: str) -> Stripe:
    wiring = Wiring(
        now=lambda: datetime(2026, 9, 1, tzinfo=UTC), observe=lambda _: None, allow_loopback=True
    )
    return build({"api_key": "rk_test_1", "base_url": url, **settings}, wiring)


def test_lists_inside_a_record_are_read_to_their_end() -> None:
    url = "/v1/invoices/in_1/lines"
    lines = {"object": "list", "url": url, "has_more": True, "data": [line(n) for n in range(10)]}
    script = Script(
        {
            f"{url}?limit=100&starting_after=il_9": {
                "object": "list", "has_more": True, "data": [line(10), line(11)],
            },
            f"{url}?limit=100&starting_after=il_11": {
                "object": "list", "has_more": False, "data": [line(12)],
            },
            "/v1/invoices/in_1": {
                "id": "in_1", "object": "invoice", "currency": "usd", "lines": lines, "total": 5,
            },
        }
    )  # fmt: skip
    with HostileServer(script) as server:
        connector = aimed(server.url)
        (whole,) = connector.read(Selection("invoices", ("lines", "total")), ["in_1"])
        asked = len(script.targets)
        (part,) = connector.read(Selection("invoices", ("total",)), ["in_1"])
    found: Any = whole.fields["lines"]
    assert [one["id"] for one in found["data"]] == [f"il_{number}" for number in range(13)]
    assert found["data"][12]["amount"] == Decimal("0.12")
    assert asked == 3
    assert len(script.targets) == 4, "what is not selected is not completed"
    assert part.fields == {"total": Decimal("0.05")}


def test_hidden_parts_are_asked_for() -> None:
    script = Script({"/v1/": {"id": "in_1", "object": "invoice", "currency": "usd"}})
    with HostileServer(script) as server:
        connector = aimed(server.url)
        connector.read(Selection("invoices", ("payments", "customer.email")), ["in_1"])
    (target,) = script.targets
    assert unquote(target) == "/v1/invoices/in_1?expand[0]=payments&expand[1]=customer"


def test_another_record_than_asked_for_is_no_answer() -> None:
    script = Script({"/v1/": {"id": "cus_2", "object": "customer"}})
    with HostileServer(script) as server, pytest.raises(UnexpectedAnswer):
        aimed(server.url).read(Selection("customers", ("name",)), ["cus_1"])


def test_what_is_sent_names_the_version_and_nothing_of_this_machine() -> None:
    script = Script({"/v1/": {"id": "cus_1", "object": "customer"}})
    with HostileServer(script) as server:
        aimed(server.url).read(Selection("customers", ("name",)), ["cus_1"])
        aimed(server.url, account="acct_7").read(Selection("customers", ("name",)), ["cus_1"])
        headers = server.asked[0].headers
        assert server.asked[1].headers["stripe-account"] == "acct_7"
    assert headers["stripe-version"] == "2026-10-28.endive"
    assert headers["authorization"] == "Bearer rk_test_1"
    assert headers["user-agent"] == "revline"
    assert "stripe-account" not in headers
    assert not [name for name in headers if name.startswith("x-stripe-client")]
    assert "idempotency-key" not in headers


def test_threads_share_one_connector(desk: Desk) -> None:
    made = [desk.create("customers", f"c{number}", name=f"n{number}") for number in range(8)]
    ids = [outcome.id for outcome in made if isinstance(outcome, Confirmed)]
    fresh = desk.build()

    def names(id: str) -> list[object]:
        return [fresh.read(Selection("customers", ("name",)), [id])[0].fields for _ in range(5)]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(names, ids))
    assert found == [[{"name": f"n{number}"}] * 5 for number in range(8)]


@pytest.mark.parametrize("key", ["", "rk test", "rk_tést_1", "rk_test_1\n x"])
def test_a_key_that_is_none_is_said_before_any_call(key: str) -> None:
    with pytest.raises(ActionNeeded) as raised:
        aimed("http://127.0.0.1:9", api_key=key)
    assert "api_key" in raised.value.message
