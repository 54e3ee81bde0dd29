"""The packages' REST resources: ``/services/apexrest/SBQQ/ServiceRouter`` and that of ``sbaa``.

"Salesforce CPQ Developer Guide", Quote API and Contract API; "Advanced Approvals REST API". What is
handed over, and what comes back, is JSON text inside a JSON string.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from sandbox.messages import Json, Request
from sandbox.salesforce.cpq.approvals import decide
from sandbox.salesforce.cpq.quotes import LINE, PRICE_FIELDS, QUOTE, calculate, lines_of, own_prices
from sandbox.salesforce.cpq.renewals import amend, renew
from sandbox.salesforce.errors import Refusal
from sandbox.salesforce.ids import MalformedId, normalise
from sandbox.salesforce.org import Org
from sandbox.salesforce.values import Row, dump_json, parse_json
from sandbox.salesforce.writing import Writer

SBQQ: Final = "SBQQ/ServiceRouter"
SBAA: Final = "sbaa/ServiceRouter"
_MODEL_KEYS: Final = ("record", "lineItems", "lineItemGroups", "nextKey")
Loader = Callable[[Org, str, Mapping[str, Any]], Any]


def answer_sbqq(request: Request, org: Org) -> tuple[int, Json]:
    """One call of the quoting package."""
    return _answered(_sbqq, request, org)


def answer_sbaa(request: Request, org: Org) -> tuple[int, Json]:
    """One call of the approvals package."""
    return _answered(_sbaa, request, org)


def _answered(
    handle: Callable[[Request, Org], Any], request: Request, org: Org
) -> tuple[int, Json]:
    try:
        if org.cpq is None:
            raise Refusal("NOT_FOUND", "Could not find a match for URL")
        with org.savepoint():
            return 200, dump_json(handle(request, org)).decode()
    except Refusal as refusal:
        return refusal.status, refusal.body()


def _broken(message: str) -> Refusal:
    return Refusal("APEX_ERROR", message, status=500)


def _sbqq(request: Request, org: Org) -> Any:
    if request.method == "GET":
        if request.first("reader") != "SBQQ.QuoteAPI.QuoteReader":
            raise _broken("System.TypeException: Invalid type: " + str(request.first("reader")))
        return quote_model(org, _live(org, request.first("uid"), QUOTE))
    if request.method == "PATCH":
        loader = _LOADERS.get(request.first("loader") or "")
        if loader is None:
            raise _broken("System.TypeException: Invalid type: " + str(request.first("loader")))
        return loader(org, request.first("uid") or "", _inner(request, "context"))
    if request.method == "POST":
        body = _body(request)
        if body.get("saver") != "SBQQ.QuoteAPI.QuoteSaver":
            raise _broken(f"System.TypeException: Invalid type: {body.get('saver')}")
        return _save(org, _inner(request, "model"))
    raise Refusal("METHOD_NOT_ALLOWED", f"HTTP Method '{request.method}' not allowed.")


def _sbaa(request: Request, org: Org) -> Any:
    words = {
        "SBAA.ApprovalRestApiProvider.Approve": True,
        "SBAA.ApprovalRestApiProvider.Reject": False,
    }
    approve = words.get(str(_body(request).get("saver")))
    if request.method != "POST" or approve is None:
        raise _broken("System.TypeException: Invalid type")
    model = _inner(request, "model")
    id = _normal(str(model.get("approvalId")))
    row = decide(org, id, approve=approve, comments=model.get("comments"))
    return {"approvalId": row["Id"], "status": row["sbaa__Status__c"]}


# -- envelopes -----------------------------------------------------------------------------------


def _body(request: Request) -> dict[str, Any]:
    body = parse_json(request.body) if request.body else {}
    if not isinstance(body, dict):
        raise Refusal("JSON_PARSER_ERROR", "The HTTP entity body is required to be a JSON object")
    return body


def _inner(request: Request, name: str) -> dict[str, Any]:
    """The JSON object in a text of the body; an object that is not packed into text is refused."""
    text = _body(request).get(name)
    if text is None and name == "context":
        return {}
    if not isinstance(text, str):
        raise Refusal("JSON_PARSER_ERROR", f"{name} is required to be a text that holds JSON")
    value = parse_json(text.encode())
    if not isinstance(value, dict):
        raise _broken("System.JSONException: Malformed JSON")
    return value


def _normal(id: str) -> str:
    try:
        return normalise(id)
    except MalformedId as error:
        raise _broken(f"System.StringException: Invalid id: {id}") from error


def _live(org: Org, id: str | None, object_name: str) -> Row:
    full = _normal(id or "")
    row = org.live(full)
    if row is None or org.object_of(full) != object_name:
        raise _broken("System.QueryException: List has no rows for assignment to SObject")
    return row


# -- the quote model -----------------------------------------------------------------------------


def quote_model(org: Org, quote: Row) -> dict[str, Any]:
    """The quote with its lines, as QuoteReader hands it out."""
    lines = lines_of(org, quote["Id"])
    keys = {line["Id"]: number for number, line in enumerate(lines, start=1)}
    return {
        "record": _record(org, quote),
        "nextKey": len(lines) + 1,
        "netTotal": quote["SBQQ__NetAmount__c"],
        "netNonSegmentTotal": quote["SBQQ__NetAmount__c"],
        "customerTotal": quote["SBQQ__CustomerAmount__c"],
        "lineItems": [
            {
                "record": _record(org, line),
                "key": keys[line["Id"]],
                "parentItemKey": keys.get(line.get("SBQQ__RequiredBy__c") or ""),
                "upliftable": False,
                "amountDiscountProrated": False,
            }
            for line in lines
        ],
        "lineItemGroups": [],
        "applyAdditionalDiscountLast": False,
        "applyPartnerDiscountFirst": False,
        "channelDiscountsOffList": False,
    }


def _record(org: Org, row: Row) -> dict[str, Any]:
    name = org.object_of(row["Id"]) or ""
    fields = org.table(name).spec.fields
    values = {key: row[key] for key in fields if row.get(key) is not None}
    address = f"/services/data/v67.0/sobjects/{name}/{row['Id']}"
    return {"attributes": {"type": name, "url": address}, **values}


def _apply(org: Org, model: Mapping[str, Any]) -> str:
    """Write a model's inputs into the org: changed, new and absent lines; the quote's id."""
    if absent := [key for key in _MODEL_KEYS if key not in model]:
        message = f"Attempt to de-reference a null object: {', '.join(absent)}"
        raise _broken(f"System.NullPointerException: {message}")
    quote = _live(org, str(model["record"].get("Id")), QUOTE)
    writer = Writer(org)
    if changes := _inputs(org, QUOTE, model["record"], quote):
        writer.update(QUOTE, quote["Id"], changes)
    kept = set()
    for item in model["lineItems"]:
        record = item["record"]
        line = org.live(record.get("Id"))
        if line is None:
            created = _inputs(org, LINE, record, None)
            kept.add(writer.create(LINE, {**created, "SBQQ__Quote__c": quote["Id"]}).row["Id"])
            continue
        kept.add(line["Id"])
        if changes := _inputs(org, LINE, record, line):
            writer.update(LINE, line["Id"], changes)
    for line in lines_of(org, quote["Id"]):
        if line["Id"] not in kept:
            writer.delete(LINE, line["Id"])
    return str(quote["Id"])


def _inputs(
    org: Org, object_name: str, record: Mapping[str, Any], row: Row | None
) -> dict[str, Any]:
    """What a person may have entered: neither formulas, nor prices the calculator makes."""
    fields = org.table(object_name).spec.fields
    own = own_prices(record)
    wanted = {}
    for name, value in record.items():
        field = fields.get(name)
        if field is None or (name in PRICE_FIELDS and name not in own):
            continue
        writable = field.createable if row is None else field.updateable
        if writable and (row is None or row.get(name) != value):
            wanted[name] = value
    return wanted


def _save(org: Org, model: Mapping[str, Any]) -> Any:
    """Save a model: done each time it is sent, so that a new line sent twice is there twice."""
    id = _apply(org, model)
    calculate(org, id)
    org.note(id, "changing_updates")
    return quote_model(org, org.row(id) or {})


def _calculate(org: Org, _: str, context: Mapping[str, Any]) -> Any:
    """Price a model. Nothing is saved: that takes another call."""
    model = context.get("quote")
    if not isinstance(model, dict):
        raise _broken("System.NullPointerException: Attempt to de-reference a null object")
    mark = org.mark()
    id = _apply(org, model)
    calculate(org, id)
    priced = quote_model(org, org.row(id) or {})
    org.roll_back(mark)
    return priced


def _amend(org: Org, uid: str, context: Mapping[str, Any]) -> Any:
    return _made(org, amend(org, _normal(uid)), context)


def _renew(org: Org, uid: str, context: Mapping[str, Any]) -> Any:
    master = context.get("masterContractId") or uid
    return _made(org, renew(org, _normal(str(master))), context)


def _made(org: Org, id: str, context: Mapping[str, Any]) -> Any:
    org.note(id, "creates")
    row = org.row(id) or {}
    if context.get("returnOnlyQuoteId") is True:
        return {"record": {"attributes": {"type": QUOTE}, "Id": row["Id"]}}
    return quote_model(org, row)


_LOADERS: Final[Mapping[str, Loader]] = {
    "SBQQ.QuoteAPI.QuoteCalculator": _calculate,
    "SBQQ.ContractManipulationAPI.ContractAmender": _amend,
    "SBQQ.ContractManipulationAPI.ContractRenewer": _renew,
}
