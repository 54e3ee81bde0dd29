"""Laws that hold whatever happens: money adds up, forms survive, lists are complete."""

from __future__ import annotations

import contextlib
import itertools
from datetime import timedelta
from urllib.parse import urlencode

from hypothesis import given, settings
from hypothesis import strategies as st
from stripe import _encode

from sandbox.messages import Request
from sandbox.simulator import BadCommand, Mutation
from sandbox.stripe import RESTRICTED_KEY, Settings, Stripe
from sandbox.stripe.api.periods import period_start
from sandbox.stripe.forms import decode
from sandbox.stripe.money import CHARGE_MIN, check_charge, fee_of

NAMES = st.text("abcdefgh_", min_size=1, max_size=6)
VALUES = st.text(max_size=8) | st.integers(-9999, 9999).map(str)
TREES = st.recursive(
    VALUES,
    lambda inner: (
        st.dictionaries(NAMES, inner, min_size=1, max_size=3)
        | st.lists(inner, min_size=1, max_size=3)
    ),
    max_leaves=8,
)


def listed(tree: object) -> object:
    """Lists as the decoder has them before a shape is known."""
    if isinstance(tree, dict):
        return {key: listed(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return {str(place): listed(value) for place, value in enumerate(tree)}
    return tree


@given(st.dictionaries(NAMES, TREES, max_size=4))
def test_what_the_sdk_encodes_is_decoded(params) -> None:
    pairs = [(key, str(value)) for key, value in _encode._api_encode(params)]
    assert decode(pairs) == listed(params)


ACTS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "pay",
                "decline",
                "debit",
                "refund",
                "dispute",
                "win",
                "lose",
                "payout",
                "fail",
                "wait",
            ]
        ),
        st.integers(0, 5),
        st.integers(50, 20_000),
    ),
    max_size=25,
)


class World:
    """Drives a simulator without a socket."""

    def __init__(self) -> None:
        self.simulator = Stripe(settings=Settings(rate_scale=10**6))
        self.simulator.clock.freeze()

    def post(self, path: str, **form: object) -> None:
        headers = {"authorization": f"Bearer {RESTRICTED_KEY}"}
        body = urlencode(form).encode()
        request = Request(0, "POST", path, (), headers, body)
        entry = self.simulator.open_entry(request)
        self.simulator.close_entry(entry, self.simulator.answer(entry), 0)

    def rows(self, table: str) -> list[dict[str, object]]:
        return list(self.simulator.snapshot().get(table, {}).values())

    def act(self, table: str, op: str, place: int, **fields: object) -> None:
        rows = self.rows(table)
        id = rows[place % len(rows)]["id"] if rows else None
        with contextlib.suppress(BadCommand):
            self.simulator.mutate(Mutation(table, op, id, fields))

    def step(self, what: str, place: int, amount: int) -> None:
        if what in {"pay", "decline", "debit"}:
            method = {"decline": "pm_card_chargeDeclined", "debit": "pm_usBankAccount"}
            self.post(
                "/v1/payment_intents",
                amount=amount,
                currency="usd",
                payment_method=method.get(what, "pm_card_visa"),
                confirm="true",
                off_session="true",
            )
        elif what == "refund":
            rows = self.rows("charges")
            if rows:
                charge = rows[place % len(rows)]["id"]
                self.post("/v1/refunds", charge=charge, amount=amount)
        elif what == "dispute":
            self.act("charges", "dispute", place)
        elif what in {"win", "lose"}:
            self.act("disputes", what, place)
        elif what == "payout":
            self.act("payouts", "payout_now", place)
        elif what == "fail":
            self.act("refunds", "fail", place)
        else:
            self.simulator.clock.shift(timedelta(days=place))


@settings(max_examples=40, deadline=None)
@given(ACTS)
def test_the_balance_is_the_sum_of_what_happened(acts) -> None:
    world = World()
    try:
        for what, place, amount in acts:
            world.step(what, place, amount)
        moves = world.rows("balance_transactions")
        assert all(row["net"] == row["amount"] - row["fee"] for row in moves)
        charged = [row for row in world.rows("charges") if row["status"] == "succeeded"]
        given_back = [row for row in world.rows("refunds") if row["status"] != "failed"]
        taken = [row for row in world.rows("disputes") if row["status"] != "won"]
        fees = sum(fee_of(row["amount_captured"]) for row in charged)
        expected = (
            sum(row["amount_captured"] for row in charged)
            - fees
            - sum(row["amount"] for row in given_back)
            - sum(row["amount"] for row in taken)
            - 1500 * len(world.rows("disputes"))
            - sum(row["amount"] for row in world.rows("payouts"))
        )
        assert sum(row["net"] for row in moves) == expected
        for charge in charged:
            back = sum(row["amount"] for row in given_back if row["charge"] == charge["id"])
            assert charge["amount_refunded"] == back <= charge["amount"]
            assert charge["refunded"] == (back == charge["amount"])
        assert world.simulator.journal.violations == []
    finally:
        world.simulator.close()


@given(st.integers(0, 2_000_000_000), st.sampled_from(["day", "week", "month", "year"]))
def test_periods_follow_each_other_from_the_anchor(anchor, interval) -> None:
    recurring = {"interval": interval, "interval_count": 1}
    starts = [period_start(anchor, recurring, number) for number in range(14)]
    assert starts[0] == anchor
    assert starts == sorted(set(starts))
    shortest = {"day": 1, "week": 7, "month": 28, "year": 365}[interval] * 86_400
    assert min(b - a for a, b in itertools.pairwise(starts)) >= shortest


@given(st.sampled_from(sorted(CHARGE_MIN)), st.integers(1, 10_000))
def test_the_least_charge_is_the_boundary(currency, more) -> None:
    assert check_charge(CHARGE_MIN[currency] + more, currency) == CHARGE_MIN[currency] + more
