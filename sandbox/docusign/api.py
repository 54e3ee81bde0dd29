"""The REST surface: ``/restapi/v2.1/accounts/{accountId}/…``.

Reference: developers.docusign.com, "eSignature REST API v2.1".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sandbox.docusign import custom_fields, lifecycle, listing, making, render
from sandbox.docusign.account import Account
from sandbox.docusign.connect import Connect
from sandbox.docusign.errors import Problem, bad_body, bad_parameter
from sandbox.docusign.templates import TEMPLATES
from sandbox.docusign.values import Row, guid, mapping, printed, text
from sandbox.messages import Request
from sandbox.routes import Route

BASE: Final = "/restapi/v2.1/accounts/{accountId}"
_MANY: Final = "request_body"

Answer = Callable[[Request], tuple[int, Any]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address. ``query`` names the parameters it knows."""

    method: str
    path: str
    answer: Answer
    query: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Api:
    """Handlers over one account."""

    account: Account
    connect: Connect

    def endpoints(self) -> Iterator[Endpoint]:
        """The whole surface."""
        one, hooks = "/envelopes/{envelopeId}", "/connect"
        yield Endpoint("GET", "/envelopes", self.list, listing.QUERY)
        yield Endpoint("POST", "/envelopes", self.create, frozenset({"merge_roles_on_draft"}))
        yield Endpoint(
            "PUT", "/envelopes/status", self.status, frozenset({"envelope_ids", "transaction_ids"})
        )
        yield Endpoint("GET", one, self.get, frozenset({"include", "advanced_update"}))
        yield Endpoint("PUT", one, self.update, frozenset({"resend_envelope", "advanced_update"}))
        yield Endpoint("GET", f"{one}/recipients", self.recipients, frozenset({"include_tabs"}))
        yield Endpoint("GET", f"{one}/custom_fields", self.fields)
        yield Endpoint("POST", f"{one}/custom_fields", self.add_fields)
        yield Endpoint("PUT", f"{one}/custom_fields", self.change_fields)
        yield Endpoint("GET", "/custom_fields", self.account_fields)
        yield Endpoint("GET", "/templates", self.templates, frozenset({"count", "start_position"}))
        dates = frozenset({"from_date", "to_date"})
        yield Endpoint("GET", f"{hooks}/logs", lambda _: self._logs(failed=False), dates)
        yield Endpoint("GET", f"{hooks}/failures", lambda _: self._logs(failed=True), dates)
        yield Endpoint("PUT", f"{hooks}/envelopes/retry_queue", self.retry_many)
        yield Endpoint("PUT", f"{hooks}/envelopes/{{envelopeId}}/retry_queue", self.retry_one)
        yield Endpoint("POST", f"{hooks}/envelopes/publish/historical", self.history)

    # -- reading -----------------------------------------------------------------------------------

    def list(self, request: Request) -> tuple[int, Any]:
        """Envelopes by time, status, custom field or ids."""
        query = dict(request.query)
        if len(query) != len(request.query):
            raise bad_parameter("a parameter was given twice")
        return 200, listing.page(self.account, query, request.path)

    def status(self, request: Request) -> tuple[int, Any]:
        """The status of many: ids in the body."""
        body = _body(request)
        if request.first("envelope_ids") == _MANY:
            return 200, listing.by_ids(self.account, _texts(body, "envelopeIds"))
        if request.first("transaction_ids") == _MANY:
            wanted = _texts(body, "transactionIds")
            return 200, listing.by_transaction(self.account, wanted, None)
        raise bad_parameter("envelope_ids or transaction_ids is not request_body")

    def get(self, request: Request) -> tuple[int, Any]:
        """One envelope."""
        include = frozenset(request.every("include"))
        return 200, render.envelope(self._row(request), include)

    def recipients(self, request: Request) -> tuple[int, Any]:
        """The recipients of one envelope."""
        tabs = request.first("include_tabs") == "true"
        return 200, render.recipients(self._row(request), tabs=tabs)

    def fields(self, request: Request) -> tuple[int, Any]:
        """The custom fields of one envelope."""
        return 200, printed(self._row(request)["customFields"])

    def account_fields(self, _: Request) -> tuple[int, Any]:
        """The custom fields that the account offers."""
        kinds: Row = {"textCustomFields": [], "listCustomFields": []}
        for one in self.account.custom_fields:
            kinds[f"{one['customFieldType']}CustomFields"].append(one)
        return 200, printed(kinds)

    def templates(self, _: Request) -> tuple[int, Any]:
        """The templates."""
        rows = [{"templateId": one.id, "name": one.name} for one in TEMPLATES.values()]
        sizes = {"resultSetSize": len(rows), "totalSetSize": len(rows), "startPosition": 0}
        return 200, printed({**sizes, "endPosition": len(rows) - 1, "envelopeTemplates": rows})

    # -- writing -----------------------------------------------------------------------------------

    def create(self, request: Request) -> tuple[int, Any]:
        """A new envelope, as a draft or sent."""
        row, problem = making.make(self.account, _body(request))
        self.account.written.append((row["envelopeId"], "creates"))
        answer = {
            "envelopeId": row["envelopeId"],
            "uri": f"/envelopes/{row['envelopeId']}",
            "statusDateTime": row["statusChangedDateTime"],
            "status": row["status"],
            "errorDetails": problem,
        }
        return 201, printed(answer)

    def update(self, request: Request) -> tuple[int, Any]:
        """Change, send, void or resend."""
        row, body = self._row(request), _body(request)
        id = row["envelopeId"]
        with self.account.changing(id):
            before = render.envelope(row)
            if request.first("resend_envelope") == "true":
                lifecycle.resend(self.account, row)
            status = (text(body, "status") or "").lower()
            if status == "voided":
                lifecycle.void(self.account, row, text(body, "voidedReason"))
            else:
                self._change(row, body, status)
            self._count(row, changed=render.envelope(row) != before)
        return 200, {"envelopeId": id}

    def _change(self, row: Row, body: Row, status: str) -> None:
        edits = {
            "emailSubject": making.SUBJECT_MAX,
            "emailBlurb": making.BLURB_MAX,
            "externalEnvelopeId": making.SUBJECT_MAX,
        }
        given = {
            name: text(body, name, longest=longest)
            for name, longest in edits.items()
            if name in body
        }
        if given or status:
            lifecycle.require_editable(row)
        if any(row[name] != value for name, value in given.items()):
            if given.get("emailSubject", "some") in (None, "") and row["status"] != "created":
                raise bad_body("emailSubject is needed once an envelope is sent")
            row.update(given)
            lifecycle.touch(self.account, row)
        if status == "sent":
            lifecycle.send(self.account, row)
        elif status:
            raise bad_body(f"an envelope cannot be made {status}")

    def add_fields(self, request: Request) -> tuple[int, Any]:
        """Add custom fields; 201 even when some were not."""
        return 201, self._fields(request, custom_fields.add)

    def change_fields(self, request: Request) -> tuple[int, Any]:
        """Change custom fields; 200 even when some were not."""
        return 200, self._fields(request, custom_fields.update)

    def _fields(self, request: Request, edit: Callable[[Account, Row, Row], Row]) -> Any:
        row, body = self._row(request), _body(request)
        with self.account.changing(row["envelopeId"]):
            lifecycle.require_editable(row)
            before = printed(row["customFields"])
            told = edit(self.account, row, body)
            changed = printed(row["customFields"]) != before
            if changed:
                lifecycle.touch(self.account, row)
            self._count(row, changed=changed)
        return printed(told)

    def _count(self, row: Row, *, changed: bool) -> None:
        what = "changing_updates" if changed else "unchanged_updates"
        self.account.written.append((row["envelopeId"], what))

    # -- Connect -----------------------------------------------------------------------------------

    def _logs(self, *, failed: bool) -> tuple[int, Any]:
        return 200, self.connect.logs(failed=failed)

    def retry_many(self, request: Request) -> tuple[int, Any]:
        """Send again at once."""
        return 200, self.connect.retry(_texts(_body(request), "envelopeIds"))

    def retry_one(self, request: Request) -> tuple[int, Any]:
        """Send again at once what concerns one envelope."""
        return 200, self.connect.retry([self._row(request)["envelopeId"]])

    def history(self, request: Request) -> tuple[int, Any]:
        """Publish envelopes again."""
        body = _body(request)
        mapping(body, "config")
        return 201, self.connect.history(body)

    def _row(self, request: Request) -> Row:
        row = self.account.get(guid(request.parameters["envelopeId"], "envelopeId"))
        if row["status"] == "deleted" and request.method != "GET":
            text_ = "The envelope specified either does not exist or you have no rights to it."
            raise Problem("ENVELOPE_DOES_NOT_EXIST", text_, status=404)
        return row


def routes(api: Api, guarded: Callable[[Answer], Callable[[Request], Any]]) -> Iterator[Route]:
    """The endpoints as routes; ``guarded`` turns an answer or a problem into a response."""
    for one in api.endpoints():
        yield Route(one.method, BASE + one.path, guarded(one.answer), one.query)


def _body(request: Request) -> Row:
    kind = request.headers.get("content-type", "")
    if request.body and not kind.startswith("application/json"):
        raise Problem("INVALID_CONTENT_TYPE", "Content-Type is not application/json", status=415)
    try:
        body = request.json()
    except ValueError:
        raise bad_body("it is not JSON") from None
    if not isinstance(body, dict):
        raise bad_body("it is not an object")
    return body


def _texts(body: Mapping[str, Any], name: str) -> list[str]:
    value = body.get(name)
    if not isinstance(value, list) or not value:
        raise bad_body(f"{name} is not a list of ids")
    return [str(one) for one in value]
