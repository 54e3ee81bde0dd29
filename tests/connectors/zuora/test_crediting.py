"""An amount spread over an invoice's lines: exact, and never more than a line was billed for."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from zuora_desk import BILL_TO, Desk

from connectors.errors import Rejected
from connectors.records import Identity, Operation
from connectors.zuora.crediting import credited_lines

ZERO = Decimal(0)
LINES = st.lists(
    st.tuples(st.integers(0, 10**9), st.integers(0, 10**8)), min_size=1, max_size=6
).filter(lambda lines: any(net + tax for net, tax in lines))


def shown(lines: list[tuple[int, int]], places: int) -> list[dict[str, object]]:
    return [
        {
            "id": str(place),
            "chargeAmount": Decimal(net).scaleb(-places),
            "taxAmount": Decimal(tax).scaleb(-places),
        }
        for place, (net, tax) in enumerate(lines)
    ]


def gross(item: object) -> Decimal:
    return item["amount"] + sum((tax["amount"] for tax in item.get("taxItems", ())), ZERO)


@given(LINES, st.sampled_from([0, 2, 3]), st.fractions(0, 1))
def test_the_lines_come_to_the_amount(lines, places, part) -> None:
    whole = sum(net + tax for net, tax in lines)
    amount = Decimal(max(1, int(whole * part))).scaleb(-places)
    found = credited_lines(amount, shown(lines, places), places)
    assert sum(map(gross, found)) == amount
    for item in found:
        net, _tax = lines[int(item["invoiceItemId"])]
        assert ZERO <= item["amount"] <= Decimal(net).scaleb(-places)


@given(LINES, st.sampled_from([0, 2, 3]))
def test_all_of_it_credits_every_line_in_full(lines, places) -> None:
    amount = Decimal(sum(net + tax for net, tax in lines)).scaleb(-places)
    found = credited_lines(amount, shown(lines, places), places)
    credited = {int(item["invoiceItemId"]): item["amount"] for item in found}
    assert credited == {
        place: Decimal(net).scaleb(-places)
        for place, (net, tax) in enumerate(lines)
        if net + tax > 0
    }
    assert credited_lines(amount + 1, shown(lines, places), places) is None


def test_a_memo_over_a_part_of_an_invoice(desk: Desk) -> None:
    desk.account(billToContact={**BILL_TO, "country": "Germany", "state": None})
    invoice = desk.invoice()
    ours = Identity("Revline_Id__c", "revline-refunds-re_1")
    made = desk.make("credit_memos", ours, invoiceNumber=invoice, amount=Decimal("119.01"))
    memo = desk.read("credit_memos", made.id, "amount", "taxAmount", "status", "invoiceNumber")
    assert memo.fields == {
        "amount": Decimal("119.01"),
        "taxAmount": Decimal("19.01"),
        "status": "Draft",
        "invoiceNumber": invoice,
    }


def test_more_than_the_invoice_is_refused(desk: Desk) -> None:
    desk.account()
    fields = {"invoiceNumber": desk.invoice(), "amount": Decimal(10_000_000)}
    ours = Identity("Revline_Id__c", "x")
    change = desk.change(Operation.CREATE, "credit_memos", fields=fields, identity=ours)
    error = desk.apply(change)
    assert isinstance(error, Rejected)
    assert error.code == "AMOUNT_TOO_LARGE"
