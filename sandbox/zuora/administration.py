"""What people do behind the back of the API's users: operators, accountants, administrators."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from sandbox.messages import Json, Request, Response, json_response
from sandbox.routes import Route
from sandbox.seed import WORLD_NOW, Product
from sandbox.simulator import BadCommand, Mutation
from sandbox.zuora import catalog
from sandbox.zuora.accounts import create_account, create_contact, delete_account, update_account
from sandbox.zuora.billing import Run, bill
from sandbox.zuora.documents import post_invoice
from sandbox.zuora.fields import Fields
from sandbox.zuora.finance import set_period
from sandbox.zuora.objects import OBJECTS
from sandbox.zuora.ordering import place
from sandbox.zuora.paying import (
    cancel_payment,
    create_payment,
    credit_charges,
    credit_invoice,
    post_and_apply,
    reverse_payment,
    write_off,
)
from sandbox.zuora.settlement import MEMO, PAYMENT, add_refund, apply, unapply, wanted_invoices
from sandbox.zuora.tenant import Change, Lock, Tenant
from sandbox.zuora.usage import record_usage
from sandbox.zuora.values import Row, number, read_date

if TYPE_CHECKING:
    from sandbox.zuora.simulator import ZuoraSimulator

_DERIVED: Final[dict[str, frozenset[str]]] = {
    "accounts": frozenset(
        {"balance", "totalInvoiceBalance", "unappliedBalance", "unappliedCreditMemoAmount", "mrr"}
    ),
    "invoices": frozenset({"balance", "paymentAmount", "creditMemoAmount"}),
    "invoice-items": frozenset({"balance"}),
    "rate-plan-charges": frozenset({"chargedThroughDate", "processedThroughDate"}),
}
_CREATED_BEFORE: Final = timedelta(days=180)


def add_product(tenant: Tenant, product: Product) -> None:
    """A product of the seeded world, older than its records."""
    catalog.add_product(tenant, product, WORLD_NOW - _CREATED_BEFORE)


def effects(changes: list[Change]) -> Iterator[tuple[str, str, str, Row]]:
    """What a request did to each record: object, id, the tally it belongs to, the row.

    A new version of a subscription is an update of the subscription.
    """
    first: dict[tuple[str, str], Change] = {}
    last: dict[tuple[str, str], Change] = {}
    for change in changes:
        first.setdefault((change.object, change.id), change)
        last[change.object, change.id] = change
    for (object, id), end in last.items():
        before, after = first[object, id].before, end.after
        if after is None:
            if before is not None:
                yield object, id, "deletes", before
        elif not after.get("isLatestVersion", True):
            continue
        elif before is None:
            new = after.get("version", 1) == 1 or object != "subscriptions"
            yield object, id, "creates" if new else "changing_updates", after
        elif not _derived_alone(object, before, after):
            same = _without_stamp(before) == _without_stamp(after)
            yield object, id, "unchanged_updates" if same else "changing_updates", after


def _derived_alone(object: str, before: Row, after: Row) -> bool:
    """Whether a record changed only because others did."""
    changed = {key for key in after if before.get(key) != after[key]} - {"updatedDate"}
    return bool(changed) and changed <= _DERIVED.get(object, frozenset())


def _without_stamp(row: Row) -> Row:
    return {key: value for key, value in row.items() if key != "updatedDate"}


def exact(value: Any) -> Any:
    """Admin JSON with decimals instead of floats."""
    match value:
        case float():
            return Decimal(str(value))
        case dict():
            return {key: exact(inner) for key, inner in value.items()}
        case list():
            return [exact(inner) for inner in value]
    return value


def mutate(tenant: Tenant, mutation: Mutation) -> Row:
    """Carry out an edit; refusals are those of the API."""
    object = mutation.object
    if object not in OBJECTS:
        raise BadCommand(f"no object {object!r}; there are: {', '.join(OBJECTS)}")
    fields: Row = exact(dict(mutation.fields))
    word = mutation.operation
    if word == "create":
        return _create(tenant, object, fields)
    if (object, word) == ("invoices", "bill"):
        return _bill(tenant, fields)
    if mutation.id is None:
        raise BadCommand(f"{word} needs an id or a number")
    row = tenant.get(object, mutation.id)
    if word == "update":
        return _update(tenant, object, row, fields)
    if word == "delete":
        return _delete(tenant, object, row)
    act = _WORDS.get((object, word))
    if act is None:
        raise BadCommand(f"Zuora knows no {word!r} of {object}")
    return act(tenant, row, Fields(fields))


def _create(tenant: Tenant, object: str, fields: Row) -> Row:
    """As the API's create would."""
    body = Fields(fields)
    match object:
        case "accounts":
            return create_account(tenant, body)
        case "contacts":
            account = tenant.get("accounts", body.need("accountId"))
            return create_contact(tenant, account["id"], body)
        case "orders":
            return place(tenant, body).order
        case "payments":
            return create_payment(tenant, body)
        case "usages":
            return record_usage(tenant, body)
        case "credit-memos":
            invoice = body.text("invoiceId")
            if invoice is not None:
                return credit_invoice(tenant, tenant.get("invoices", invoice), body)
            return credit_charges(tenant, body)
        case "products":
            price = number(fields.get("price", 100)) or Decimal(100)
            product = Product(body.need("sku"), body.need("name"), price, "annually", "P12M")
            return catalog.add_product(tenant, product, tenant.now())
    raise BadCommand(f"create {object} by what brings them about, for instance an order")


def _bill(tenant: Tenant, fields: Row) -> Row:
    """Bill everybody, one account or one subscription up to a date, as the operator would."""
    until = read_date(str(fields["until"]))
    account, subscription = fields.get("account"), fields.get("subscription")
    accounts = {tenant.get("accounts", account)["id"]} if account else set()
    subscriptions = {tenant.get("subscriptions", subscription)["name"]} if subscription else set()
    made = bill(tenant, Run(
        target=until,
        document_date=read_date(str(fields.get("date", until))),
        post=bool(fields.get("post", True)),
        accounts=frozenset(accounts),
        subscriptions=frozenset(subscriptions),
    ))  # fmt: skip
    return {
        "invoices": [row["invoiceNumber"] for row in made.invoices],
        "creditMemos": [row["memoNumber"] for row in made.memos],
    }


def _update(tenant: Tenant, object: str, row: Row, fields: Row) -> Row:
    if object == "accounts":
        return update_account(tenant, row, Fields(fields))
    if unknown := sorted(set(fields) - set(row) - tenant.custom_fields[object]):
        raise BadCommand(f"{object} have no {', '.join(unknown)}")
    return tenant.update(object, row["id"], fields)


def _delete(tenant: Tenant, object: str, row: Row) -> Row:
    if object == "accounts":
        delete_account(tenant, row)
    else:
        tenant.delete(object, row["id"])
    return row


Act = Callable[[Tenant, Row, Fields], Row]


def _refund(tenant: Tenant, row: Row, fields: Fields) -> Row:
    """Refund a payment, taking it off its invoices when ``unapply`` is set."""
    amount = fields.amount("amount", row["currency"])
    if fields.flag("unapply"):
        from_invoices = tenant.where("payment-applications", paymentId=row["id"])
        wanted = [
            (tenant.get("invoices", link["invoiceId"]), link["applyAmount"])
            for link in from_invoices
            if link["applyAmount"]
        ]
        row = unapply(tenant, PAYMENT, row, wanted, tenant.today())
    return add_refund(tenant, PAYMENT, row, amount, fields)


def _apply_payment(tenant: Tenant, row: Row, fields: Fields) -> Row:
    wanted = wanted_invoices(tenant, fields, row["currency"])
    return apply(tenant, PAYMENT, row, wanted, tenant.today())


def _chargeback(tenant: Tenant, row: Row, fields: Fields) -> Row:
    amount = fields.amount("amount", row["currency"]) if fields.has("amount") else row["amount"]
    return reverse_payment(tenant, row, amount, fields)


def _post_memo(tenant: Tenant, row: Row, fields: Fields) -> Row:  # noqa: ARG001
    return post_and_apply(tenant, row, tenant.find("invoices", row["invoiceId"]))


_WORDS: Final[dict[tuple[str, str], Act]] = {
    ("invoices", "post"): lambda t, row, f: post_invoice(t, row, f.date("date")),
    ("invoices", "write_off"): lambda t, row, f: write_off(
        t, row, f, reason="Write-off", whole=False
    ),
    ("invoices", "credit"): credit_invoice,
    ("credit-memos", "post"): _post_memo,
    ("credit-memos", "refund"): lambda t, row, f: add_refund(
        t, MEMO, row, f.amount("amount", row["currency"]), f
    ),
    ("payments", "apply"): _apply_payment,
    ("payments", "cancel"): lambda t, row, _: cancel_payment(t, row),
    ("payments", "chargeback"): _chargeback,
    ("payments", "refund"): _refund,
    ("accounting-periods", "close"): lambda t, row, _: set_period(t, row, "Closed"),
    ("accounting-periods", "reopen"): lambda t, row, _: set_period(t, row, "Open"),
}


def routes(simulator: ZuoraSimulator) -> Sequence[Route]:
    """Admin commands of this vendor alone."""
    commands: dict[str, Callable[[dict[str, Any]], Json]] = {
        "custom_fields": lambda body: _define_fields(simulator.tenant, body),
        "locks": lambda body: _lock(simulator.tenant, body),
        "clients": lambda body: _add_client(simulator, body),
        "revoke_tokens": lambda _: {"revoked": simulator.tokens.revoke_all()},
    }
    return [_route(simulator, name, command) for name, command in commands.items()]


def _route(
    simulator: ZuoraSimulator, name: str, command: Callable[[dict[str, Any]], Json]
) -> Route:
    def answer(request: Request) -> Response:
        body = request.json() if request.body else {}
        with simulator.lock:
            return json_response(200, command(body))

    return Route("POST", f"/__admin/{name}", answer)


def _define_fields(tenant: Tenant, body: dict[str, Any]) -> Json:
    """``{"object": "invoices", "fields": ["Plan__c"]}``."""
    object = str(body["object"])
    if object not in OBJECTS:
        raise BadCommand(f"no object {object!r}")
    tenant.custom_fields[object].update(str(name) for name in body["fields"])
    return {"object": object, "fields": sorted(tenant.custom_fields[object])}


def _lock(tenant: Tenant, body: dict[str, Any]) -> Json:
    """``{"key": id or number, "times": writes to refuse}``; an empty body releases all."""
    if not body:
        tenant.locks.clear()
    else:
        tenant.locks.append(Lock(str(body["key"]), int(body.get("times", 1))))
    return {"locks": [{"key": lock.key, "times": lock.times} for lock in tenant.locks]}


def _add_client(simulator: ZuoraSimulator, body: dict[str, Any]) -> Json:
    """``{"client_id", "client_secret"}`` of another API client."""
    simulator.tokens.secrets[str(body["client_id"])] = str(body["client_secret"])
    return {"client_id": body["client_id"]}
