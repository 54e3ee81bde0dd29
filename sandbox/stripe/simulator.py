"""The Stripe simulator: accounts, their API and the admin commands put together."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from datetime import timedelta
from typing import ClassVar, Final

import orjson

from sandbox.clock import VirtualClock
from sandbox.messages import Json, Request, Response, json_response
from sandbox.routes import Route
from sandbox.simulator import BadCommand, Mutation, Simulator
from sandbox.stripe import administration, keys, wiring
from sandbox.stripe.account import API_VERSION, Account
from sandbox.stripe.api import payouts
from sandbox.stripe.carrying_out import Desk
from sandbox.stripe.errors import ApiError
from sandbox.stripe.keys import LIVE_RESTRICTED_KEY, RESTRICTED_KEY
from sandbox.stripe.limits import Limits, locked, too_many
from sandbox.stripe.service import Endpoint
from sandbox.stripe.settings import Settings
from sandbox.stripe.tables import RESOURCES
from sandbox.stripe.webhooks import EventSender, Post

ACCOUNT_ID: Final = "acct_1RevlineSandbox0"
_LOCKED_NEVER: Final = frozenset({"GET"})


class Stripe(Simulator):
    """One Stripe account in test and in live mode, and its connected accounts."""

    system: ClassVar[str] = "stripe"
    identity_field: ClassVar[str] = "metadata[revline_id]"

    def __init__(
        self,
        *,
        seed: int = 0,
        clock: VirtualClock | None = None,
        identity_fields: Mapping[str, str] | None = None,
        settings: Settings | None = None,
    ) -> None:
        super().__init__(seed=seed, clock=clock, identity_fields=identity_fields)
        self._initial = settings or Settings()
        self._first_sender = EventSender(self.clock, seed)
        self.sender = self._first_sender
        self._post: Post | None = None
        self.clear()
        self.clock.subscribe(self._time_moved)

    # -- state -----------------------------------------------------------------------------------

    def clear(self) -> None:
        """A clean account with the settings it was made with."""
        self.settings = replace(self._initial)
        if self._post is not None:
            self._post.stop()
        self._post = Post(self.clock, self.seed, self._first_sender)
        self.limits = Limits()
        self.desk = Desk(self)
        self._accounts: dict[tuple[str, bool], Account] = {}
        self._endpoints = {(e.method, e.path): e for e in wiring.endpoints(self._post)}
        self._table = None
        self._request_id = ""
        self.account = self._account(ACCOUNT_ID, livemode=False)
        self._apply_settings()

    @property
    def post(self) -> Post:
        """What brings events to webhook endpoints."""
        if self._post is None:
            raise RuntimeError("there is no account yet")
        return self._post

    def _account(self, id: str, *, livemode: bool) -> Account:
        found = self._accounts.get((id, livemode))
        if found is None:
            chance = random.Random(f"stripe-{self.seed}-{id}-{livemode}")
            found = Account(id, self.clock.now, chance, self.settings, livemode=livemode)
            wiring.connect(found, self.post)
            self._accounts[id, livemode] = found
        return found

    def account_of(self, request: Request) -> Account:
        """The account a request acts on: the key's own, or the connected one it names."""
        live = keys.key_of(request) == LIVE_RESTRICTED_KEY
        id = request.headers.get("stripe-account") or ACCOUNT_ID
        return self._account(id, livemode=live)

    def other_mode(self, account: Account) -> Account | None:
        """The same account in the other mode, if it was ever used."""
        return self._accounts.get((account.id, not account.livemode))

    def _time_moved(self) -> None:
        with self.lock:
            self._carry_out_due()
            self._flush()

    def _carry_out_due(self) -> None:
        for account in list(self._accounts.values()):
            payouts.schedule_daily(account)
            account.carry_out_due()

    def _flush(self) -> None:
        for account in self._accounts.values():
            if account.outbox:
                events, account.outbox = account.outbox, []
                self.post.deliver(account, events)

    # -- around every request --------------------------------------------------------------------

    def routes(self) -> Iterable[Route]:
        """The whole surface. Parameters are checked by each endpoint, as the vendor does."""
        for endpoint in self._endpoints.values():
            yield Route(endpoint.method, endpoint.path, self.desk.handler(endpoint), None)

    def authorize(self, request: Request) -> Response | None:
        """A key this account knows; first everything due by now is done."""
        self._request_id = "req_" + "".join(self.random.choices("abcdefghijkmnopqrstuvwxyz", k=14))
        self._carry_out_due()
        key = keys.key_of(request)
        if key not in {RESTRICTED_KEY, LIVE_RESTRICTED_KEY}:
            return keys.refuse_key(key)
        return None

    def admit(self, request: Request, route: Route) -> Response | None:
        """The account, the permission, then the rate limits."""
        key = keys.key_of(request)
        named = request.headers.get("stripe-account")
        if named and named not in {ACCOUNT_ID, *self.settings.connected_accounts}:
            return keys.refuse_account(key, named)
        endpoint = self._endpoints[route.method, route.template]
        if not keys.allows(self.settings.permissions, endpoint.permission):
            return keys.refuse_permission(key, named or ACCOUNT_ID, endpoint.permission)
        account = self.account_of(request)
        account.request = (self._request_id, request.headers.get("idempotency-key"))
        reason = self.limits.admit(
            route.template, route.method, self.now(), livemode=account.livemode
        )
        if reason is None and request.method == "POST" and "/payment_intents/pi_" in request.path:
            intent = request.path.split("/")[3]
            reason = self.limits.admit_update(intent, self.now())
        if reason is not None:
            return too_many(reason)
        if self.settings.lock_timeouts > 0 and request.method not in _LOCKED_NEVER:
            self.spend("lock_timeouts")
            return locked()
        self._check_version(request)
        return None

    def spend(self, knob: str) -> None:
        """Use up one of a number of mishaps."""
        left = {knob: getattr(self.settings, knob) - 1}
        self.settings = replace(self.settings, **left)

    def _check_version(self, request: Request) -> None:
        version = request.headers.get("stripe-version", API_VERSION)
        if version != API_VERSION:
            text = f"shapes of {version} are not simulated, only {API_VERSION}"
            self.violation("not_simulated", text, request)

    def finish(self, request: Request, response: Response) -> Response:
        """The vendor's headers; the events the request caused are sent."""
        self._flush()
        extra = [("Request-Id", self._request_id), ("Stripe-Version", API_VERSION)]
        key = request.headers.get("idempotency-key")
        if key is not None and request.method == "POST":
            extra.append(("Idempotency-Key", key))
        if response.status == 409:
            extra.append(("Stripe-Should-Retry", "true"))
        return replace(response, headers=(*response.headers, *extra))

    def close_entry(self, entry: Json, response: Response | None, bytes_sent: int) -> None:
        """The answer is out: its idempotency key can be replayed."""
        super().close_entry(entry, response, bytes_sent)
        with self.lock:
            self.desk.released(entry.request.seq)

    def answer(self, entry: Json, *, stale: bool = False) -> Response:
        """Carry out one request; a key is in use until an answer that is held up is out."""
        with self.lock:
            self.desk.held_up = entry.fault is not None and ":after:" in entry.fault
            return super().answer(entry, stale=stale)

    def remember_page(self, entry: Json, response: Response) -> None:
        """A failure after the effect is what the idempotency store keeps."""
        super().remember_page(entry, response)
        if response.status >= 500:
            with self.lock:
                self.desk.falsify(entry.request, response)

    def unknown_route(self, request: Request) -> Response:
        """404 in the vendor's words."""
        text = f"Unrecognized request URL ({request.method}: {request.path})."
        return ApiError(404, text).response()

    def error_response(self, status: int) -> Response:
        """The general body of a status."""
        if status == 429:
            return too_many("global-rate")
        if status == 401:
            return keys.refuse_key("")
        kind = "api_error" if status >= 500 else "invalid_request_error"
        return ApiError(status, "Something went wrong on our side", type=kind).response()

    def following_page(self, request: Request, response: Response) -> Request | None:
        """The request for the page after a list or a search."""
        try:
            page = orjson.loads(response.body)
            more, last = page["has_more"], page["data"][-1]["id"]
        except (KeyError, IndexError, TypeError, ValueError):
            return None
        if not more:
            return None
        name, value = "starting_after", last
        if page.get("object") == "search_result":
            name, value = "page", page["next_page"]
        query = [(key, text) for key, text in request.query if key != name]
        return replace(request, query=(*query, (name, value)))

    # -- admin -----------------------------------------------------------------------------------

    def load(self, body: Mapping[str, Json]) -> Mapping[str, int]:
        """See :func:`sandbox.stripe.administration.load`."""
        with self.account.transaction():
            loaded = administration.load(self.account, body, self.seed)
        self.account.outbox.clear()
        return loaded

    def snapshot(self) -> dict[str, dict[str, Json]]:
        """Every record of the account in test mode."""
        self._carry_out_due()
        return {
            table: {id: self.account.render(table, row) for id, row in rows.items()}
            for table, rows in self.account.store.tables.items()
        }

    def live_records(self) -> Iterator[tuple[str, str, Mapping[str, Json]]]:
        """Every record that is not deleted, metadata keys as ``metadata[key]``."""
        for table in RESOURCES:
            for row in self.account.rows(table):
                metadata = row.get("metadata") or {}
                flat = {f"metadata[{key}]": value for key, value in metadata.items()}
                yield table, row["id"], {**row, **flat}

    def mutate(self, mutation: Mutation) -> Json:
        """What people and banks do; see :mod:`sandbox.stripe.administration`."""
        self._carry_out_due()
        self.account.request = (None, None)
        try:
            made = administration.mutate(self.account, self.post, mutation)
        finally:
            self._flush()
        self.touch()
        return made

    def get_options(self) -> dict[str, Json]:
        """The settings by name."""
        return {entry.name: getattr(self.settings, entry.name) for entry in fields(Settings)}

    def set_options(self, options: Mapping[str, Json]) -> None:
        """Change settings by name."""
        unknown = sorted(set(options) - {entry.name for entry in fields(Settings)})
        if unknown:
            raise BadCommand(f"unknown options: {', '.join(unknown)}")
        levels = set(options.get("permissions", {}).values())
        if levels - set(keys.LEVELS) or options.get("payouts", "daily") not in {"daily", "manual"}:
            raise BadCommand(f"permissions are {', '.join(keys.LEVELS)}; payouts daily or manual")
        if options.get("card_refunds", "pending") not in {"succeeded", "pending"}:
            raise BadCommand("card_refunds is succeeded or pending")
        self.settings = replace(self.settings, **options)
        self._apply_settings()

    def _apply_settings(self) -> None:
        settings, post = self.settings, self.post
        self.limits.scale = settings.rate_scale
        post.duplicates, post.shuffle = settings.webhook_duplicates, settings.webhook_shuffle
        post.drop_every = settings.webhook_drop_every
        post.delay_seconds = settings.webhook_delay_seconds
        for account in self._accounts.values():
            account.settings = settings
            account.store.index_delay = timedelta(seconds=settings.index_delay_seconds)

    def configure_webhooks(self, body: Mapping[str, Json]) -> Json:
        """See :func:`sandbox.stripe.administration.configure_webhooks`."""
        return administration.configure_webhooks(self.account, self.post, self._first_sender, body)

    def admin_routes(self) -> Sequence[Route]:
        """``GET /__admin/endpoints``: every method and path there is."""
        return (Route("GET", "/__admin/endpoints", self._list_endpoints),)

    def _list_endpoints(self, _: Request) -> Response:
        rows = [f"{method} {path}" for method, path in self._endpoints]
        return json_response(200, {"endpoints": rows})

    def close(self) -> None:
        """Stop background work."""
        super().close()
        self.post.stop()


__all__ = ["ACCOUNT_ID", "API_VERSION", "RESTRICTED_KEY", "Endpoint", "Settings", "Stripe"]
