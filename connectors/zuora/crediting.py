"""A credit memo over a part of an invoice: which of its lines it credits, and with how much tax.

Zuora credits lines, not amounts ("Create a credit memo from an invoice"), while a refund knows an
amount alone. The amount is spread over the invoice's lines in proportion to what each was billed
with its tax, so that the memo comes to the amount to the cent. What it is spread by never changes
once an invoice is posted: the same amount is spread the same way when a call is repeated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from typing import Final

from connectors.errors import Rejected
from connectors.records import Selection, Value
from connectors.values import exponent
from connectors.zuora.reading import Source, read_records

ZERO: Final = Decimal(0)


def with_items(source: Source, fields: Mapping[str, Value]) -> dict[str, Value]:
    """The fields of a memo from an invoice, ``amount`` turned into lines. Raises ``Rejected``."""
    amount, number = fields["amount"], fields["invoiceNumber"]
    if not isinstance(amount, Decimal | int) or isinstance(amount, bool) or amount <= 0:
        raise _refused("a credit memo needs an amount above zero", "AMOUNT_MISSING")
    selection = Selection("invoices", ("items", "currency"))
    (invoice,) = read_records(source, selection, [str(number)])
    items = invoice.fields.get("items")
    lines = [one for one in items if isinstance(one, Mapping)] if isinstance(items, tuple) else []
    try:
        places = exponent(str(invoice.fields.get("currency") or ""))
    except ValueError as error:
        raise _refused(f"invoice {number}: {error}", "UNKNOWN_CURRENCY") from None
    spread = credited_lines(Decimal(amount), lines, places)
    if spread is None:
        raise _refused(f"invoice {number} was billed for less than {amount}", "AMOUNT_TOO_LARGE")
    kept = {name: value for name, value in fields.items() if name != "amount"}
    return {**kept, "items": spread, "taxAutoCalculation": False}


def credited_lines(
    amount: Decimal, lines: Sequence[Mapping[str, Value]], places: int
) -> tuple[Mapping[str, Value], ...] | None:
    """The lines to credit, gross amounts summing to ``amount``; ``None`` if it is more than all.

    ``places`` are the decimals of the currency.

    Each line gets its share, rounded cumulatively; within a line the net part is rounded down, so
    that several part credits never come to more than the line.
    """
    billed = [
        (line, _number(line.get("chargeAmount")), _number(line.get("taxAmount"))) for line in lines
    ]
    billed = [one for one in billed if one[1] + one[2] > 0]
    whole = sum((net + tax for _line, net, tax in billed), ZERO)
    if not billed or amount > whole:
        return None
    place = Decimal(1).scaleb(-places)
    found: list[Mapping[str, Value]] = []
    upto, given = ZERO, ZERO
    for line, net, tax in billed:
        upto += net + tax
        share = (amount * upto / whole).quantize(place, ROUND_HALF_EVEN) - given
        given += share
        if share > 0:
            found.append(_credited(line, share, net, tax, place))
    return tuple(found)


def _credited(
    line: Mapping[str, Value], share: Decimal, net: Decimal, tax: Decimal, place: Decimal
) -> Mapping[str, Value]:
    part = (share * net / (net + tax)).quantize(place, ROUND_DOWN)
    item: dict[str, Value] = {"invoiceItemId": line.get("id"), "amount": part}
    if line.get("chargeName"):
        item["skuName"] = line["chargeName"]
    if share != part:
        item["taxItems"] = ({"amount": share - part},)
    return item


def _number(value: Value) -> Decimal:
    return Decimal(value) if isinstance(value, Decimal | int) else ZERO


def _refused(text: str, code: str) -> Rejected:
    return Rejected(text, code=code, field_errors={"amount": text})
