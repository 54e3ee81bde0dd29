"""Quotes and their lines: what the package derives when they are saved, and the calculation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any, Final

from sandbox.salesforce.cpq import prices
from sandbox.salesforce.cpq.settings import Cpq
from sandbox.salesforce.org import Org
from sandbox.salesforce.rules.base import ObjectRules, Save, integrity, missing
from sandbox.salesforce.values import Row
from sandbox.salesforce.work import Job
from sandbox.salesforce.writing import Writer

QUOTE: Final = "SBQQ__Quote__c"
LINE: Final = "SBQQ__QuoteLine__c"
_FIRST: Final = "@first"  # the quote was made, and is the first of its opportunity
_EDITS: Final = "@edits"  # how often inputs changed: a queued calculation serves the latest only
# Written by the calculator; a plain write of one leaves totals that no rule of the org has made.
PRICE_FIELDS: Final = frozenset(
    f"SBQQ__{name}__c"
    for name in (
        "ListPrice", "SpecialPrice", "RegularPrice", "CustomerPrice", "PartnerPrice", "NetPrice",
        "OriginalPrice", "ProratedListPrice", "ProratedPrice", "UnproratedNetPrice",
        "ProrateMultiplier",
    )
)  # fmt: skip
# Changing one of these on a quote changes no price.
_NO_INPUT: Final = frozenset(
    {
        "SBQQ__Status__c", "SBQQ__Primary__c", "SBQQ__Ordered__c", "SBQQ__Notes__c",
        "SBQQ__WatermarkShown__c", "SBQQ__DocumentStatus__c", "SBQQ__SalesRep__c",
        "SBQQ__PrimaryContact__c", "SBQQ__ExpirationDate__c", "SBQQ__PaymentTerms__c",
        "SBQQ__Introduction__c", "ApprovalStatus__c", "ApprovalSubmittedOn__c",
        "ApprovalDecidedOn__c", "OwnerId", "Name",
    }
)  # fmt: skip


def own_prices(line: Mapping[str, Any]) -> frozenset[str]:
    """The prices that people may enter for a line: of custom pricing, and special ones."""
    found = set()
    if line.get("SBQQ__PricingMethod__c") == "Custom":
        found.add("SBQQ__ListPrice__c")
    if line.get("SBQQ__SpecialPriceType__c") == "Custom":
        found.add("SBQQ__SpecialPrice__c")
    return frozenset(found)


def package(org: Org) -> Cpq:
    """The package's settings; only called where it is installed."""
    if org.cpq is None:
        raise LookupError("the package is not installed")
    return org.cpq


def lines_of(org: Org, quote_id: str) -> list[Row]:
    """The quote's live lines in the order of their numbers."""
    found = org.table(LINE).children("SBQQ__Quote__c", quote_id)
    return sorted(found, key=lambda row: (row.get("SBQQ__Number__c") or 0, row["Id"]))


def queue(org: Org, name: str, seconds: float, run: Callable[[Org], None]) -> None:
    """Have the package do something some seconds from now."""
    org.work.add(Job(name, org.now() + timedelta(seconds=seconds), run))


def book_of(org: Org, quote: Row) -> str:
    """The quote's price book: its own, the opportunity's, or the standard one."""
    opportunity = org.live(quote.get("SBQQ__Opportunity2__c")) or {}
    own = quote.get("SBQQ__PriceBook__c") or quote.get("SBQQ__PricebookId__c")
    book = own or opportunity.get("Pricebook2Id")
    if book is not None:
        return str(book)
    return str(next(row["Id"] for row in org.table("Pricebook2") if row.get("IsStandard")))


def entry_of(org: Org, quote: Row, product_id: str | None) -> Row | None:
    """The active price of a product in the quote's book and currency."""
    if product_id is None:
        return None
    book = book_of(org, quote)
    for entry in org.table("PricebookEntry").children("Product2Id", product_id):
        fits = entry["Pricebook2Id"] == book and entry.get("IsActive")
        if fits and entry.get("CurrencyIsoCode") == quote.get("CurrencyIsoCode"):
            return entry
    return None


# -- quotes --------------------------------------------------------------------------------------


def _before_quote(save: Save) -> None:
    org, row, given = save.org, save.row, save.given
    if save.old is None:
        row["Name"] = f"Q-{int(org.next_number(QUOTE)):05d}"
        row["SBQQ__Uncalculated__c"] = False
        row[_EDITS] = 0
        _from_opportunity(save)
        others = _quotes_of(org, row.get("SBQQ__Opportunity2__c"))
        row[_FIRST] = package(org).initial_sync and not others
        row.update(prices.quote_roll_ups([]))
    elif set(given) - _NO_INPUT and lines_of(org, row["Id"]):
        _edited(org, row)
    row.update(prices.quote_formulas(row, lines_of(org, row["Id"]), org.now().date()))


def _quotes_of(org: Org, opportunity_id: str | None) -> list[Row]:
    if opportunity_id is None:
        return []
    return list(org.table(QUOTE).children("SBQQ__Opportunity2__c", opportunity_id))


def _from_opportunity(save: Save) -> None:
    row, given = save.row, save.given
    opportunity = save.org.live(row.get("SBQQ__Opportunity2__c")) or {}
    if row.get("SBQQ__Account__c") is None:
        row["SBQQ__Account__c"] = opportunity.get("AccountId")
    if "CurrencyIsoCode" in row and "CurrencyIsoCode" not in given and opportunity:
        row["CurrencyIsoCode"] = opportunity.get("CurrencyIsoCode")
    if opportunity and opportunity.get("CurrencyIsoCode") != row.get("CurrencyIsoCode"):
        raise integrity("CurrencyIsoCode", "the quote's currency is not the opportunity's")
    row["SBQQ__PricebookId__c"] = book_of(save.org, row)


def _after_quote(org: Org, row: Row) -> None:
    opportunity = org.live(row.get("SBQQ__Opportunity2__c"))
    if opportunity is None:
        return
    if row.get(_FIRST) and not row["IsDeleted"]:
        org.recompute(row["Id"], {_FIRST: False})
        _take_products(org, row)
    if row["IsDeleted"]:
        if opportunity.get("SBQQ__PrimaryQuote__c") == row["Id"]:
            org.revise(opportunity["Id"], {"SBQQ__PrimaryQuote__c": None})
        return
    if not row.get("SBQQ__Primary__c") or opportunity.get("SBQQ__PrimaryQuote__c") == row["Id"]:
        return
    for other in _quotes_of(org, opportunity["Id"]):
        if other["Id"] != row["Id"] and other.get("SBQQ__Primary__c"):
            org.revise(other["Id"], {"SBQQ__Primary__c": False})
    more = {"SBQQ__QuotePricebookId__c": book_of(org, row)}
    org.revise(opportunity["Id"], {"SBQQ__PrimaryQuote__c": row["Id"], **more})
    sync_opportunity(org, row)


def _take_products(org: Org, quote: Row) -> None:
    """A line for each product of the opportunity, which shows that line from then on."""
    table = org.table("OpportunityLineItem")
    for product in list(table.children("OpportunityId", quote["SBQQ__Opportunity2__c"])):
        body = {
            "SBQQ__Quote__c": quote["Id"],
            "SBQQ__Product__c": product["Product2Id"],
            "SBQQ__Quantity__c": product["Quantity"],
        }
        line = Writer(org, as_system=True).create(LINE, body).row
        if quote.get("SBQQ__Primary__c"):
            org.revise(product["Id"], {"SBQQ__QuoteLine__c": line["Id"]})


def _edited(org: Org, row: Row) -> None:
    """Prices no longer fit the inputs; the calculation is queued."""
    row[_EDITS] = row.get(_EDITS, 0) + 1
    row["SBQQ__Uncalculated__c"] = True
    run = partial(_calculate_if_latest, quote_id=row["Id"], edits=row[_EDITS])
    queue(org, f"calculation of {row['Name']}", package(org).calculation_seconds, run)


def _calculate_if_latest(org: Org, quote_id: str, edits: int) -> None:
    quote = org.live(quote_id)
    if quote is not None and quote["SBQQ__Uncalculated__c"] and quote[_EDITS] == edits:
        calculate(org, quote_id)


def calculate(org: Org, quote_id: str) -> None:
    """Price every line anew. Stamps of lines whose prices stay the same do not move."""
    quote = org.live(quote_id)
    if quote is None:
        return
    unit = package(org).term_unit
    for line in lines_of(org, quote_id):
        entry = entry_of(org, quote, line.get("SBQQ__Product__c"))
        priced = prices.calculated(line, quote, entry, unit)
        if any(line.get(name) != value for name, value in priced.items()):
            org.revise(line["Id"], priced)
        _recompute_line(org, quote, line["Id"])
    now = org.stamp()
    changes = {"SBQQ__Uncalculated__c": False, "SBQQ__LastCalculatedOn__c": now}
    org.revise(quote_id, {**changes, "SBQQ__LastSavedOn__c": now})
    roll_up(org, quote_id)
    sync_opportunity(org, org.row(quote_id) or quote)


def _recompute_line(org: Org, quote: Row, line_id: str) -> None:
    line = org.row(line_id) or {}
    product = org.row(line.get("SBQQ__Product__c")) or {}
    org.recompute(line_id, prices.line_formulas(line, quote, product, package(org).term_unit))


def roll_up(org: Org, quote_id: str) -> None:
    """Bring roll-ups and formulas in line; the quote counts as modified only by the roll-ups."""
    quote = org.live(quote_id)
    if quote is None:
        return
    lines = lines_of(org, quote_id)
    sums = prices.quote_roll_ups(lines)
    if any(quote.get(name) != value for name, value in sums.items()):
        quote = org.revise(quote_id, sums)
    org.recompute(quote_id, prices.quote_formulas({**quote, **sums}, lines, org.now().date()))


# -- lines ---------------------------------------------------------------------------------------


def _before_line(save: Save) -> None:
    org, row = save.org, save.row
    quote = org.live(row["SBQQ__Quote__c"]) or {}
    product = org.live(row.get("SBQQ__Product__c"))
    if product is None:
        raise missing("SBQQ__Product__c")
    if save.old is None:
        row["Name"] = f"QL-{int(org.next_number(LINE)):07d}"
        if "CurrencyIsoCode" in org.table(LINE).spec.fields:
            row["CurrencyIsoCode"] = quote.get("CurrencyIsoCode")
        if row.get("SBQQ__Number__c") is None:
            row["SBQQ__Number__c"] = prices.ONE * (len(lines_of(org, quote["Id"])) + 1)
        row.update(prices.from_product(row, product))
        if row.get("SBQQ__ListPrice__c") is None:
            entry = entry_of(org, quote, product["Id"])
            row["SBQQ__ListPrice__c"] = (entry or {}).get("UnitPrice", prices.ZERO)
    if written := sorted(PRICE_FIELDS & set(save.given) - own_prices(row)):
        text = f"{row['Name']}: {', '.join(written)} written without the calculator"
        org.objections.append(("price_field_written", text))
    row.update(prices.line_formulas(row, quote, product, package(org).term_unit))


def _after_line(org: Org, row: Row) -> None:
    quote = org.live(row["SBQQ__Quote__c"])
    if quote is None:
        return
    changed = dict(quote)
    _edited(org, changed)
    org.recompute(quote["Id"], {name: changed[name] for name in (_EDITS, "SBQQ__Uncalculated__c")})
    roll_up(org, quote["Id"])


# -- the opportunity's products ------------------------------------------------------------------


def sync_opportunity(org: Org, quote: Row) -> None:
    """Products of the opportunity follow the lines of its primary quote; others stay."""
    opportunity = org.live(quote.get("SBQQ__Opportunity2__c"))
    if opportunity is None or not quote.get("SBQQ__Primary__c"):
        return
    writer = Writer(org, as_system=True)
    if opportunity.get("Pricebook2Id") is None and lines_of(org, quote["Id"]):
        org.revise(opportunity["Id"], {"Pricebook2Id": book_of(org, quote)})
    mirrors: dict[str | None, Row] = {
        row.get("SBQQ__QuoteLine__c"): row
        for row in org.table("OpportunityLineItem").children("OpportunityId", opportunity["Id"])
        if row.get("SBQQ__QuoteLine__c") is not None
    }
    for line in lines_of(org, quote["Id"]):
        body = _mirror(org, quote, line)
        if body is None:
            continue
        mirror = mirrors.pop(line["Id"], None)
        if mirror is None:
            writer.create("OpportunityLineItem", {"OpportunityId": opportunity["Id"], **body})
        elif any(mirror.get(name) != value for name, value in body.items()):
            writer.update("OpportunityLineItem", mirror["Id"], body)
    for mirror in mirrors.values():
        writer.delete("OpportunityLineItem", mirror["Id"])


def _mirror(org: Org, quote: Row, line: Row) -> dict[str, Any] | None:
    """The product of the opportunity that shows a line; ``None`` for one that adds nothing."""
    entry = entry_of(org, quote, line.get("SBQQ__Product__c"))
    quantity = line["SBQQ__EffectiveQuantity__c"]
    if entry is None or not quantity:
        return None
    return {
        "PricebookEntryId": entry["Id"],
        "Quantity": quantity,
        "UnitPrice": prices.money(line.get("SBQQ__NetPrice__c") or prices.ZERO),
        "SBQQ__QuoteLine__c": line["Id"],
    }


def _before_line_delete(org: Org, row: Row) -> None:
    """The opportunity's product goes with the line it shows."""
    writer = Writer(org, as_system=True)
    for mirror in list(org.table("OpportunityLineItem").children("SBQQ__QuoteLine__c", row["Id"])):
        writer.delete("OpportunityLineItem", mirror["Id"])


QUOTES: Final = ObjectRules(_before_quote, _after_quote)
LINES: Final = ObjectRules(_before_line, _after_line, _before_line_delete)
