"""What people do in the packages' screens, and the packages' options, on the admin surface."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.salesforce.cpq.approvals import decide, open_approvals, recall, submit
from sandbox.salesforce.cpq.install import install
from sandbox.salesforce.cpq.quotes import calculate
from sandbox.salesforce.cpq.renewals import amend, renew
from sandbox.salesforce.cpq.settings import OPTIONS
from sandbox.salesforce.errors import Refusal
from sandbox.salesforce.ids import MalformedId, normalise
from sandbox.salesforce.org import Org
from sandbox.simulator import BadCommand


def set_options(org: Org, options: Mapping[str, Any], *, multi_currency: bool) -> None:
    """``cpq: true`` installs the packages; options beginning with ``cpq_`` are theirs."""
    given = {name: value for name, value in options.items() if name in OPTIONS}
    if options.get("cpq") is True:
        install(org, multi_currency=multi_currency)
    elif options.get("cpq") is False and org.cpq is not None:
        raise BadCommand("an installed package stays until the next reset")
    if not given:
        return
    if org.cpq is None:
        raise BadCommand(f"{', '.join(sorted(given))}: set cpq to true first")
    try:
        org.cpq.set_options(given)
    except (ValueError, ArithmeticError) as error:
        raise BadCommand(str(error)) from error


def carry_out(org: Org, body: Mapping[str, Any]) -> Any:
    """``{"do", "id", "comments"?}``: submit, approve, reject, recall, calculate, amend or renew.

    ``id`` is the quote's, for approve and reject the approval's or the quote's, for amend and renew
    the contract's. Answers the ids of what was made or changed.
    """
    if org.cpq is None:
        raise BadCommand("the packages are not installed: set the option cpq to true")
    try:
        org.catch_up()
        id = normalise(str(body.get("id")))
        with org.savepoint():
            return _carry_out(org, str(body.get("do")), id, body.get("comments"))
    except (Refusal, MalformedId) as error:
        raise BadCommand(str(error)) from error


def _carry_out(org: Org, word: str, id: str, comments: str | None) -> list[str]:
    match word:
        case "submit":
            submit(org, id)
            return [row["Id"] for row in open_approvals(org, id)]
        case "approve" | "reject":
            found = [id] if org.object_of(id) != "SBQQ__Quote__c" else []
            wanted = found or [row["Id"] for row in open_approvals(org, id)]
            if not wanted:
                raise BadCommand("the quote is not waiting for approval")
            for one in wanted:
                decide(org, one, approve=word == "approve", comments=comments)
            return wanted
        case "recall":
            return [recall(org, id)["Id"]]
        case "calculate":
            calculate(org, id)
            return [id]
        case "amend":
            return [amend(org, id)]
        case "renew":
            return [renew(org, id)]
    raise BadCommand(f"the packages know no {word!r}")
