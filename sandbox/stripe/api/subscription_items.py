"""The items of a subscription on their own. Reference: docs.stripe.com/api/subscription_items."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sandbox.messages import Json
from sandbox.stripe.account import Account
from sandbox.stripe.api.billing import ITEMS, TABLE, items_of
from sandbox.stripe.api.subscriptions import change_item, tell_updated
from sandbox.stripe.errors import not_now
from sandbox.stripe.service import Call, Endpoint, Reading, writing
from sandbox.stripe.store import Record

_FIELDS = ("price", "price_data", "quantity", "metadata", "tax_rates")


def _changed(account: Account, call: Call, id: str, row: Mapping[str, Json]) -> list[Record]:
    subscription = account.find(TABLE, id, "subscription")
    before = account.render(TABLE, subscription)
    change_item(call, subscription, row)
    tell_updated(account, id, before)
    return items_of(account, id)


def _create(call: Call) -> Record:
    rows = _changed(call.account, call, call.get("subscription"), call.given(*_FIELDS))
    return rows[-1]


def _update(call: Call) -> Record:
    account = call.account
    old = account.find(ITEMS, call.id)
    row = {**call.given(*_FIELDS), "id": call.id}
    _changed(account, call, old["subscription"], row)
    return account.find(ITEMS, call.id)


def _delete(call: Call) -> Record:
    account = call.account
    old = account.find(ITEMS, call.id)
    if len(items_of(account, old["subscription"])) == 1:
        raise not_now("A subscription must have at least one item: cancel the subscription")
    _changed(account, call, old["subscription"], {"id": call.id, "deleted": True})
    return {"id": call.id, "object": "subscription_item", "deleted": True}


def endpoints() -> Iterator[Endpoint]:
    """The API of subscription items."""
    yield from Reading(ITEMS, "subscription_item.list").endpoints()
    yield writing(ITEMS, "", "subscription_item.create", _create, "create")
    yield writing(ITEMS, "/{id}", "subscription_item.modify", _update)
    yield writing(ITEMS, "/{id}", "subscription_item.delete", _delete, "delete", "DELETE")
