"""What people and banks do behind the API's back, and loading data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from sandbox.emit import Sender
from sandbox.messages import Json
from sandbox.seed import Product, build_world
from sandbox.simulator import BadCommand, Mutation
from sandbox.stripe import webhooks
from sandbox.stripe.account import Account
from sandbox.stripe.api import (
    catalogue,
    collecting,
    customers,
    disputes,
    invoices,
    payment_intents,
    payouts,
    refunds,
)
from sandbox.stripe.errors import ApiError
from sandbox.stripe.store import Record
from sandbox.stripe.tables import RESOURCES, table_of_id
from sandbox.stripe.webhooks import Post

Act: TypeAlias = Callable[[Account, str, Mapping[str, Json]], Record]


def _edit(table: str) -> Act:
    def update(account: Account, id: str, fields: Mapping[str, Json]) -> Record:
        old = account.find(table, id)
        unknown = sorted(set(fields) - set(old))
        if unknown:
            raise BadCommand(f"{table} have no fields {', '.join(unknown)}")
        event = f"{RESOURCES[table].object}.updated"
        told = (event,) if event in webhooks.known_events() else ()
        return account.change(table, id, account.merged(old, fields), *told)

    return update


def _payout(account: Account, _: str, fields: Mapping[str, Json]) -> Record:
    made = payouts.payout_now(account, fields)
    if not made:
        raise BadCommand("there is nothing to pay out")
    return made[0]


_ACTS: Final[Mapping[tuple[str, str], Act]] = MappingProxyType(
    {
        ("customers", "create"): lambda a, _, f: customers.new_customer(a, f),
        ("customers", "update"): _edit("customers"),
        ("customers", "delete"): lambda a, key, _: customers.delete_customer(a, key),
        ("payment_intents", "update"): _edit("payment_intents"),
        ("payment_intents", "pay"): payment_intents.pay,
        ("payment_intents", "settle"): lambda a, key, _: collecting.settle_debit(a, key),
        ("payment_intents", "fail"): lambda a, key, f: collecting.fail_debit(
            a, key, f.get("reason")
        ),
        ("charges", "dispute"): disputes.dispute,
        ("charges", "refund"): refunds.refund_charge,
        ("disputes", "win"): lambda a, key, _: disputes.win(a, key),
        ("disputes", "lose"): lambda a, key, _: disputes.lose(a, key),
        ("invoices", "pay"): invoices.pay,
        ("products", "create"): lambda a, _, f: catalogue.new_product(a, f),
        ("products", "update"): _edit("products"),
        ("prices", "create"): lambda a, _, f: catalogue.new_price(a, f),
        ("payouts", "payout_now"): _payout,
        ("payouts", "arrive"): lambda a, key, _: payouts.arrive(a, key),
        ("payouts", "fail"): lambda a, key, f: payouts.fail(a, key, *f.values()),
        ("refunds", "succeed"): lambda a, key, _: refunds.succeed(a, key),
        ("refunds", "fail"): lambda a, key, f: refunds.fail(a, key, *f.values()),
        ("webhook_endpoints", "roll"): webhooks.roll_secret,
    }
)


def mutate(account: Account, post: Post, mutation: Mutation) -> Json:
    """Carry out one act; :class:`BadCommand` when there is no such act or it cannot be."""
    act = _ACTS.get((mutation.object, mutation.operation))
    if act is None:
        known = ", ".join(sorted(f"{table} {op}" for table, op in _ACTS))
        raise BadCommand(f"no {mutation.operation} of {mutation.object}; there are: {known}")
    try:
        with account.transaction():
            made = act(account, mutation.id or "", mutation.fields)
    except ApiError as error:
        raise BadCommand(str(error)) from error
    for endpoint in account.rows("webhook_endpoints"):
        post.sender_of(endpoint)  # a rolled secret signs from now on
    if "deleted" in made or mutation.object == "webhook_endpoints":
        return made
    return account.render(table_of_id(made["id"]) or mutation.object, made)


def load(account: Account, body: Mapping[str, Json], seed: int) -> Mapping[str, int]:
    """``{"objects": {"customers": [fields]}}`` puts records in, ``{"catalogue": true}`` the made-up
    company's products and prices; anything else leaves the account empty."""
    loaded: dict[str, int] = {}
    for table, rows in (body.get("objects") or {}).items():
        act = _ACTS.get((table, "create"))
        if act is None:
            raise BadCommand(f"{table} cannot be loaded")
        for row in rows:
            act(account, "", row)
        loaded[table] = len(rows)
    if body.get("catalogue"):
        world = build_world(int(body.get("seed", seed)), body.get("sizes"))
        for product in world.products:
            _sell(account, product)
        loaded |= {"products": len(world.products), "prices": len(world.products)}
    return loaded


def _sell(account: Account, product: Product) -> None:
    """A product under its SKU, with a price in dollars."""
    tag = {"sku": product.sku}
    fields = {"id": product.sku, "name": product.name, "metadata": tag}
    made = catalogue.new_product(account, fields)
    interval = {"monthly": "month", "annually": "year"}.get(product.billing or "")
    price = catalogue.new_price(
        account,
        {
            "product": made["id"],
            "currency": "usd",
            "unit_amount": int(product.price * 100),
            "lookup_key": product.sku,
            "recurring": {"interval": interval} if interval else None,
            "metadata": tag,
        },
    )
    account.change("products", made["id"], {"default_price": price["id"]}, quiet=True)


def configure_webhooks(
    account: Account, post: Post, sender: Sender, body: Mapping[str, Json]
) -> Json:
    """``{"url", "secret", "enabled_events", "paused"}``: the endpoint of the Dashboard, in place of
    the one it had. A blank URL removes every endpoint."""
    unknown = sorted(set(body) - {"url", "secret", "enabled_events", "paused"})
    if unknown:
        raise BadCommand(f"unknown keys: {', '.join(unknown)}")
    url = body.get("url")
    for row in list(account.rows("webhook_endpoints")):
        if not url or row["url"] == url or row.get("_dashboard"):
            account.store.erase("webhook_endpoints", row["id"])
            post.forget(row["id"])
    if not url:
        sender.configure(None)
        return {"url": None}
    fields = {"url": url, "enabled_events": body.get("enabled_events") or ["*"]}
    try:
        made = webhooks.new_endpoint(account, fields, body.get("secret"))
    except ApiError as error:
        raise BadCommand(str(error)) from error
    account.change("webhook_endpoints", made["id"], {"_dashboard": True})
    own = post.sender_of(made)
    own.configure(own.target, paused=bool(body.get("paused", False)))
    return {"id": made["id"], "url": url, "secret": made["_secrets"], "paused": own.paused}
