"""Actions: flags that start the package's work, and calls of its own REST resource.

Each is looked at before it is asked for: a flag that is set is never set again, a contract with an
open amendment gets no second one. "Salesforce CPQ Developer Guide", Quote API and Contract API.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from connectors.base import Confirmed, Failed, Outcome
from connectors.errors import (
    ActionNeeded,
    CallError,
    Gone,
    OutcomeUnknown,
    Rejected,
    RetryLater,
    UnexpectedAnswer,
)
from connectors.records import Change
from connectors.salesforce.ids import normal_id
from connectors.salesforce.rest import Rest
from connectors.salesforce.soql import all_true, any_of, object_name, select
from connectors.salesforce_cpq.errors import APEX_ERROR, PASSING, router_error
from connectors.salesforce_cpq.guarding import FLAGS
from connectors.salesforce_cpq.objects import CONTRACT, QUOTE

ROUTER: Final = "SBQQ/ServiceRouter"
_UNCALCULATED: Final = "SBQQ__Uncalculated__c"
# Refusals of one record: the next one may well go through.
_OF_ONE_RECORD: Final = frozenset({"QUOTE_UNCALCULATED", APEX_ERROR, *PASSING})


def apply_actions(rest: Rest, changes: Sequence[Change]) -> tuple[Outcome, ...]:
    """One outcome per change, in order, one after another. After a call that failed as a call
    those not yet sent are ``RetryLater``. Never raises ``CallError``."""
    outcomes: list[Outcome] = []
    broken = False
    for change in changes:
        if broken:
            text = "not sent: the call before it failed"
            outcomes.append(Failed(RetryLater(text, code="NOT_SENT")))
            continue
        try:
            outcomes.append(_act(rest, change))
        except CallError as error:
            outcomes.append(Failed(error))
            broken = _of_the_call(error)
    return tuple(outcomes)


def _of_the_call(error: CallError) -> bool:
    if isinstance(error, OutcomeUnknown | ActionNeeded | UnexpectedAnswer):
        return True
    return isinstance(error, RetryLater) and error.code not in _OF_ONE_RECORD


def _act(rest: Rest, change: Change) -> Confirmed:
    id = normal_id(change.id or "")
    if id is None:
        raise Rejected(f"{change.id!r} is not a Salesforce record id", code="MALFORMED_ID")
    if change.fields:
        raise Rejected(
            f"the action {change.action} takes no arguments",
            code="ARGUMENTS_UNKNOWN",
            field_errors=dict.fromkeys(change.fields, "no argument of this action"),
        )
    action = change.action or ""
    flag = FLAGS.get(change.object, {}).get(action)
    if flag is not None:
        return _set_flag(rest, change.object, id, flag)
    call = _CALLS.get((change.object, action))
    if call is None:
        raise Rejected(f"{change.object} knows no action {action!r}", code="ACTION_UNKNOWN")
    return call(rest, id)


# -- flags ---------------------------------------------------------------------------------------


def _set_flag(rest: Rest, object: str, id: str, flag: str) -> Confirmed:
    """Set a flag that is not set. A quote whose prices are being calculated has to wait."""
    names = ("Id", flag, *((_UNCALCULATED,) if object == QUOTE else ()))
    row = _row(rest, object, id, names)
    if row.get(flag) is True:
        return Confirmed(id, created=False, fields={flag: True})
    if row.get(_UNCALCULATED) is True:
        raise RetryLater(
            "the quote's prices are being calculated; it is ordered once they are",
            code="QUOTE_UNCALCULATED",
        )
    body = json.dumps({flag: True}).encode()
    rest.send("PATCH", f"sobjects/{object_name(object)}/{id}", body, object=object)
    return Confirmed(id, created=False, fields={flag: True})


def _row(rest: Rest, object: str, id: str, names: Sequence[str]) -> Mapping[str, object]:
    rows = rest.query(select(object, names, where=any_of("Id", [id])), object=object).rows
    if not rows:
        raise Gone(f"there is no {object} {id} any more")
    return rows[0]


# -- the package's REST resource -----------------------------------------------------------------


def _calculate(rest: Rest, id: str) -> Confirmed:
    """Read the quote's model, have it priced, save it. The model is handed on text for text, so
    that nothing we do not know of is lost, and no amount changes its digits."""
    model = _router(rest, "GET", f"?reader=SBQQ.QuoteAPI.QuoteReader&uid={id}", None, saves=False)
    _check_model(model, id)
    context = {"context": '{"quote":' + model + "}"}
    path = "?loader=SBQQ.QuoteAPI.QuoteCalculator"
    priced = _router(rest, "PATCH", path, context, saves=False)
    _check_model(priced, id)
    _router(rest, "POST", "", {"saver": "SBQQ.QuoteAPI.QuoteSaver", "model": priced}, saves=True)
    return Confirmed(id, created=False, fields={_UNCALCULATED: False})


def _amend(rest: Rest, id: str) -> Confirmed:
    """Have a quote made that amends a contract, unless one is open."""
    _row(rest, CONTRACT, id, ("Id",))
    still_open = all_true(
        [
            any_of("SBQQ__MasterContract__c", [id]),
            any_of("SBQQ__Type__c", ["Amendment"]),
            "SBQQ__Ordered__c = false",
        ]
    )
    if rest.query(select(QUOTE, ("Id",), where=still_open, limit=1), object=QUOTE).rows:
        return Confirmed(id, created=False)
    path = f"?loader=SBQQ.ContractManipulationAPI.ContractAmender&uid={id}"
    _router(rest, "PATCH", path, {"context": '{"returnOnlyQuoteId":true}'}, saves=True)
    return Confirmed(id, created=False)


def _router(
    rest: Rest, method: str, path: str, body: Mapping[str, str] | None, *, saves: bool
) -> str:
    """One call of the package; its answer is JSON text inside a JSON string."""
    content = json.dumps(body, ensure_ascii=False).encode() if body is not None else None
    try:
        answer = rest.apex(method, ROUTER + path, content)
    except CallError as error:
        raise router_error(error, saves=saves) from None
    if isinstance(answer, str):
        return answer
    text = "the package answered with something else than a text"
    if saves:
        raise OutcomeUnknown(text, code="ROUTER_SHAPE")
    raise UnexpectedAnswer(text, code="ROUTER_SHAPE")


def _check_model(text: str, id: str) -> None:
    """Whether the text is the model of this quote. Raises ``UnexpectedAnswer``."""
    try:
        model = json.loads(text)
        found = normal_id(str(model["record"]["Id"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        found = None
    if found != id:
        raise UnexpectedAnswer(
            "the package did not answer with the model of this quote", code="ROUTER_SHAPE"
        )


_CALLS: Final[Mapping[tuple[str, str], Callable[[Rest, str], Confirmed]]] = {
    (QUOTE, "calculate"): _calculate,
    (CONTRACT, "amend"): _amend,
}
