"""``/v1/object/usage`` with its capital ``Success``, and ``/v1/usage`` for files."""

from __future__ import annotations

import email.parser
import email.policy
from typing import Final

from sandbox.messages import Request
from sandbox.zuora.api.desk import PAGES, Call, Endpoint
from sandbox.zuora.errors import Problem, missing, not_found
from sandbox.zuora.tenant import made_id
from sandbox.zuora.usage import change_usage, import_file, record_usage
from sandbox.zuora.values import Row

_FIELDS: Final = (
    "AccountId", "AccountNumber", "SubscriptionId", "SubscriptionNumber", "ChargeId",
    "ChargeNumber", "UOM", "Quantity", "StartDateTime", "EndDateTime", "Description", "UniqueKey",
    "SubmissionDateTime",
)  # fmt: skip


def _create(call: Call) -> Row:
    return {"Success": True, "Id": record_usage(call.tenant, call.known(*_FIELDS))["id"]}


def _told(row: Row) -> Row:
    return {
        "Id": row["id"], "AccountId": row["accountId"], "AccountNumber": row["accountNumber"],
        "SubscriptionId": row["subscriptionId"], "SubscriptionNumber": row["_subscriptionNumber"],
        "ChargeId": row["ratePlanChargeId"], "ChargeNumber": row["_chargeNumber"],
        "UOM": row["uOM"], "Quantity": row["quantity"], "StartDateTime": row["startDateTime"],
        "EndDateTime": row["endDateTime"], "Description": row["description"],
        "SourceType": row["sourceType"], "RbeStatus": row["rbeStatus"],
        "SubmissionDateTime": row["submissionDateTime"], "CreatedDate": row["createdDate"],
        "UpdatedDate": row["updatedDate"], "CreatedById": row["createdById"],
        "UpdatedById": row["updatedById"],
    }  # fmt: skip


def _read(call: Call) -> Row:
    return {key: value for key, value in _told(_row(call)).items() if value is not None}


def _row(call: Call) -> Row:
    row = call.tenant.find("usages", call.key())
    if row is None:
        raise Problem(40, "invalid id for type Usage", status=404)
    return row


def _update(call: Call) -> Row:
    row = change_usage(call.tenant, _row(call), call.known(*_FIELDS))
    return {"Success": True, "Id": row["id"]}


def _delete(call: Call) -> Row:
    row = _row(call)
    if row["rbeStatus"] == "Processed":
        raise Problem(30, "The usage record is billed and cannot be deleted.")
    call.tenant.delete("usages", row["id"])
    return {"success": True, "id": row["id"]}


def _list(call: Call) -> Row:
    account = call.tenant.get("accounts", call.key())
    rows = call.tenant.where("usages", accountId=account["id"])[::-1]
    return call.page(rows, "usage", lambda row: {
        "id": row["id"], "accountId": row["accountId"], "accountNumber": row["accountNumber"],
        "quantity": row["quantity"], "unitOfMeasure": row["uOM"], "status": row["rbeStatus"],
        "startDateTime": row["startDateTime"], "submissionDateTime": row["submissionDateTime"],
        "sourceName": row["fileName"] or "API", "subscriptionNumber": row["_subscriptionNumber"],
        "chargeNumber": row["_chargeNumber"],
    })  # fmt: skip


def _file(request: Request) -> tuple[str, bytes]:
    """Name and content of the uploaded file."""
    kind = request.headers.get("content-type", "")
    head = f"Content-Type: {kind}\r\n\r\n".encode("latin-1", "replace")
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + request.body)
    for part in message.iter_parts() if message.is_multipart() else ():
        if part.get_param("name", header="content-disposition") == "file":
            content = part.get_payload(decode=True)
            return part.get_filename() or "", content if isinstance(content, bytes) else b""
    raise missing("file")


def _upload(call: Call) -> Row:
    name, content = _file(call.request)
    id = made_id("import", call.request.seq)
    count = import_file(call.tenant, name, content, id)
    call.simulator.imports[id] = count
    return {"size": len(content), "checkImportStatus": f"/v1/usage/{id}/status"}


def _status(call: Call) -> Row:
    if call.key() not in call.simulator.imports:
        raise not_found("Import", call.key())
    return {"importStatus": "Completed", "message": ""}


ENDPOINTS: Final = (
    Endpoint("POST", "/v1/object/usage", _create, family="object",
             query=frozenset({"rejectUnknownFields"})),
    Endpoint("GET", "/v1/object/usage/{key}", _read, family="object",
             query=frozenset({"fields"})),
    Endpoint("PUT", "/v1/object/usage/{key}", _update, family="object"),
    Endpoint("DELETE", "/v1/object/usage/{key}", _delete, family="object"),
    Endpoint("GET", "/v1/usage/accounts/{key}", _list, 560100, query=PAGES),
    Endpoint("POST", "/v1/usage", _upload, 560200),
    Endpoint("GET", "/v1/usage/{key}/status", _status, 560300),
)  # fmt: skip
