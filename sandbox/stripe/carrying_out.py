"""One API request from its parameters to its answer: replayed, refused, or carried out whole."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sandbox.messages import Json, Request, Response, json_response
from sandbox.routes import Handler
from sandbox.stripe import forms, parameters
from sandbox.stripe.account import Account
from sandbox.stripe.errors import ApiError
from sandbox.stripe.idempotency import Entry, IdempotencyStore
from sandbox.stripe.service import Call, Endpoint
from sandbox.stripe.store import Record
from sandbox.stripe.tables import table_of_id

if TYPE_CHECKING:
    from sandbox.stripe.simulator import Stripe


class Desk:
    """Carries out requests of one simulator. Guarded by the simulator's lock."""

    def __init__(self, simulator: Stripe) -> None:
        self._simulator = simulator
        self._answers = IdempotencyStore()
        self.held_up = False  # whether the answer to the request at hand will be held up

    def handler(self, endpoint: Endpoint) -> Handler:
        """What the route of an endpoint calls."""

        def handle(request: Request) -> Response:
            account = self._simulator.account_of(request)
            try:
                tree = forms.of_request(request)
                params = parameters.parse(endpoint.operation, tree)
                key = request.headers.get("idempotency-key") if request.method == "POST" else None
                if not key:
                    return self._carry_out(endpoint, Call(account, request, params))[0]
                return self._once(endpoint, Call(account, request, params), key, tree)
            except ApiError as error:
                return self._refused(account, error)

        return handle

    def _once(self, endpoint: Endpoint, call: Call, key: str, tree: Json) -> Response:
        name, request = _name_of(call.account), call.request
        now = self._simulator.now()
        try:
            before = self._answers.replay(name, key, request.path, tree, now)
        except ApiError as error:
            if error.status == 400:
                text = "an idempotency key was used again with other parameters"
                self._simulator.violation("key_reused", text, request)
            raise
        if before is not None:
            replayed = (("Idempotent-Replayed", "true"),)
            return replace(before.answer, headers=(*before.answer.headers, *replayed))
        response, stored = self._carry_out(endpoint, call)
        if stored:
            entry = Entry(request.path, tree, now, request.seq, response)
            entry.busy = request.seq if self.held_up else None
            self._answers.keep(name, key, entry)
        return response

    def _carry_out(self, endpoint: Endpoint, call: Call) -> tuple[Response, bool]:
        """The answer, and whether the idempotency store keeps it."""
        account, request = call.account, call.request
        if request.stale and not endpoint.effect:
            with account.store.before_latest_write():
                return json_response(200, endpoint.answer(call)), False
        before = self._target(endpoint, call)
        try:
            with account.transaction():
                shown, declined = self._run(endpoint, call)
        except ApiError as error:
            return self._refused(account, error), error.stored
        self._count(endpoint, call, before, shown)
        extra = sorted(set(call.params) - call.used)
        if extra:
            text = f"parameters without effect here: {', '.join(extra)}"
            self._simulator.violation("not_simulated", text, request)
        if declined is not None:
            return declined.response(), True
        return json_response(200, shown), True

    def _run(self, endpoint: Endpoint, call: Call) -> tuple[Record, ApiError | None]:
        if endpoint.effect and self._simulator.settings.internal_errors > 0:
            self._simulator.spend("internal_errors")
            endpoint.run(call)
            raise ApiError(500, "An unknown error occurred", type="api_error")
        try:
            return endpoint.answer(call), None
        except ApiError as error:
            if not error.kept:
                raise
            return error.body.get("payment_intent") or {}, error

    def _refused(self, account: Account, error: ApiError) -> Response:
        """The refusal; for an id of the other mode it says so."""
        other = self._simulator.other_mode(account)
        if error.body.get("code") == "resource_missing" and other is not None:
            id = str(error.body["message"]).partition("'")[2].partition("'")[0]
            table = table_of_id(id)
            if table is not None and other.store.get(table, id) is not None:
                mine, theirs = ("live", "test") if account.livemode else ("test", "live")
                error.body["message"] += (
                    f"; a similar object exists in {theirs} mode, but a {mine} mode key was used"
                    " to make this request."
                )
        return error.response()

    def _target(self, endpoint: Endpoint, call: Call) -> Record | None:
        id = call.request.parameters.get("id")
        return call.account.store.get(endpoint.resource.table, id) if id is not None else None

    def _count(self, endpoint: Endpoint, call: Call, before: Record | None, shown: Record) -> None:
        if not endpoint.effect:
            return
        table = endpoint.resource.table
        id = shown.get("id") if endpoint.effect == "create" else call.request.parameters.get("id")
        if id is None:
            return
        now = call.account.store.get(table, id)
        what = {"create": "creates", "delete": "deletes"}.get(endpoint.effect)
        what = what or ("unchanged_updates" if now == before else "changing_updates")
        metadata = (now or before or {}).get("metadata") or {}
        flat = {f"metadata[{key}]": value for key, value in metadata.items()}
        simulator = self._simulator
        simulator.count(table, id, what, flat.get(simulator.identity_of(table)))

    def released(self, seq: int) -> None:
        """The answer to a request is out."""
        self._answers.release(seq)

    def falsify(self, request: Request, answer: Response) -> None:
        """The client saw a failure of the server instead of the answer."""
        key = request.headers.get("idempotency-key")
        if key and request.method == "POST":
            account = self._simulator.account_of(request)
            self._answers.falsify(request.seq, _name_of(account), key, answer)


def _name_of(account: Account) -> str:
    return f"{account.id}/{account.livemode}"
