"""Installing the packages into an org: their fields, and what their triggers do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.salesforce.cpq import approvals, contracts, orders, quotes, renewals
from sandbox.salesforce.cpq.settings import Cpq
from sandbox.salesforce.org import Org
from sandbox.salesforce.rules import RULES
from sandbox.salesforce.rules.base import NO_RULES, ObjectRules, Save
from sandbox.salesforce.schema import with_package
from sandbox.salesforce.values import Row

_FIELDS = Path(__file__).with_name("package.yaml")


def install(org: Org, *, multi_currency: bool) -> Cpq:
    """Install the packages; an org that has them stays as it is."""
    if org.cpq is None:
        org.cpq = Cpq()
        org.install(with_package(org.schema, _FIELDS, multi_currency=multi_currency))
        org.triggers.update(_triggers())
    return org.cpq


def _triggers() -> Mapping[str, ObjectRules]:
    added: dict[str, ObjectRules] = {
        quotes.QUOTE: _after(quotes.QUOTES, ObjectRules(orders.before_quote)),
        quotes.LINE: quotes.LINES,
        "Contract": ObjectRules(renewals.before_contract, contracts.after_contract),
        "Opportunity": ObjectRules(contracts.before_opportunity),
        "Order": ObjectRules(contracts.before_order, orders.after_order),
        "OrderItem": ObjectRules(after_change=orders.after_item),
        contracts.SUBSCRIPTION: contracts.SUBSCRIPTIONS,
        approvals.APPROVAL: approvals.APPROVALS,
    }
    return {name: _after(RULES.get(name, NO_RULES), rules) for name, rules in added.items()}


def _after(first: ObjectRules, second: ObjectRules) -> ObjectRules:
    """The platform's rules, then the package's."""

    def before_save(save: Save) -> None:
        first.before_save(save)
        second.before_save(save)

    def after_change(org: Org, row: Row) -> None:
        first.after_change(org, row)
        second.after_change(org, org.row(row["Id"]) or row)

    def before_delete(org: Org, row: Row) -> None:
        first.before_delete(org, row)
        second.before_delete(org, row)

    return ObjectRules(before_save, after_change, before_delete)


def options_of(org: Org) -> dict[str, Any]:
    """The packages' options, as far as they are installed."""
    return {"cpq": org.cpq is not None, **(org.cpq.options() if org.cpq is not None else {})}
