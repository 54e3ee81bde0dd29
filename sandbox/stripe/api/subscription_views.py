"""How subscriptions and their items are printed. docs.stripe.com/api/subscriptions/object."""

from __future__ import annotations

from sandbox.stripe.account import Account
from sandbox.stripe.api.billing import ITEMS, items_of
from sandbox.stripe.store import Record


def item_view(account: Account, record: Record) -> Record:
    """The price is printed whole."""
    price = account.render("prices", account.find("prices", record["price"]))
    rates = [account.render("tax_rates", rate) for rate in record["tax_rates"]]
    bare = {key: value for key, value in record.items() if key != "livemode"}
    return {**bare, "plan": _plan(price), "price": price, "tax_rates": rates}


def _plan(price: Record) -> Record:
    """The price in its older form, which items still carry."""
    same = ("active", "billing_scheme", "created", "currency", "id", "livemode", "metadata")
    more = ("nickname", "product", "tiers_mode")
    times = ("interval", "interval_count", "meter", "trial_period_days", "usage_type")
    return {
        **{name: price[name] for name in (*same, *more)},
        **{name: price["recurring"][name] for name in times},
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "object": "plan",
        "transform_usage": None,
    }


def view(account: Account, record: Record) -> Record:
    """The items are printed inside."""
    rows = [account.render(ITEMS, item) for item in items_of(account, record["id"])]
    url = f"/v1/subscription_items?subscription={record['id']}"
    rates = [account.render("tax_rates", rate) for rate in record["default_tax_rates"]]
    items = {"object": "list", "data": rows, "has_more": False, "url": url}
    return {**record, "items": {**items, "total_count": len(rows)}, "default_tax_rates": rates}
