"""Callouts: posts to the customer's address, without a signature, with whatever fields were chosen.

The first request bears no credentials and waits for a Basic challenge unless the callout is
preemptive; only 200 counts; three more tries, thirty minutes apart.
Reference: developer.zuora.com, "Callout notifications".
"""

from __future__ import annotations

import base64
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import orjson

from sandbox.clock import VirtualClock
from sandbox.emit import Delivery, Sender, Target
from sandbox.messages import Json
from sandbox.simulator import BadCommand
from sandbox.zuora.objects import OBJECTS
from sandbox.zuora.tenant import Change, Tenant, made_id
from sandbox.zuora.values import Row, printable

TRIES_AFTER_FIRST: Final = 3
WAIT: Final = timedelta(minutes=30)
PREEMPTIVE: Final = "preemptive "
_PREEMPTIVE_HEADER: Final = "X-Sandbox-Preemptive"
_MERGE: Final = re.compile(r"<(\w+)\.(\w+)>")
_TERM: Final = re.compile(r"^(\w+)(?:\.(\w+?))?(_old)?\s*(==|!=)\s*'([^']*)'$")
BY_LABEL: Final = {spec.label.lower(): name for name, spec in OBJECTS.items()}
DEFAULT_EVENTS: Final = (
    ("Account", "AccountChanged", "changeType == 'INSERT' || changeType == 'UPDATE'"),
    ("Order", "OrderCompleted", "changeType == 'INSERT' || changeType == 'UPDATE'"),
    ("Subscription", "SubscriptionChanged", "changeType == 'INSERT' || changeType == 'UPDATE'"),
    ("Invoice", "InvoiceChanged", "changeType == 'INSERT' || changeType == 'UPDATE'"),
    ("Payment", "PaymentChanged", "changeType == 'INSERT' || changeType == 'UPDATE'"),
    ("CreditMemo", "CreditMemoChanged", "changeType == 'INSERT' || changeType == 'UPDATE'"),
    ("Refund", "RefundChanged", "changeType == 'INSERT' || changeType == 'UPDATE'"),
)


class CalloutFormat:
    """One event per request, merged fields as JSON."""

    batch_max = 1
    answer_wait_seconds = 30.0

    def render(self, events: Sequence[Json], attempt: int) -> bytes:  # noqa: ARG002
        """The merged fields and nothing else."""
        body: bytes = orjson.dumps(events[0])
        return body

    def headers(
        self, target: Target, body: bytes, sent_at: datetime, signature: str
    ) -> Mapping[str, str]:
        """Basic credentials; ``wrong`` ones, or none when ``missing``."""
        request_id = made_id("callout", target.url, body, sent_at.isoformat())
        common = {"Content-Type": "application/json", "Zuora-Request-Id": request_id}
        secret = target.secret.removeprefix(PREEMPTIVE)
        if not secret or signature == "missing":
            return common
        if signature == "wrong":
            secret += "-not"
        common["Authorization"] = "Basic " + base64.b64encode(secret.encode()).decode()
        if target.secret.startswith(PREEMPTIVE):
            common[_PREEMPTIVE_HEADER] = "1"
        return common

    def retry_after(self, attempt: int, chance: random.Random) -> timedelta | None:  # noqa: ARG002
        """Three more tries."""
        return WAIT if attempt < TRIES_AFTER_FIRST else None


class CalloutSender(Sender):
    """Sends to the address of each definition, answering the challenge."""

    def submit_to(self, target: Target, event: Json) -> None:
        """Queue one event for an address of its own."""
        with self._wake:
            if not self.paused and not self._stopped:
                self._queue([Delivery(event, self._clock.now(), target)])

    def resend(self, index: int) -> None:
        """Queue again what was sent before."""
        with self._wake:
            sent = self._deliveries[index]
            self._queue([Delivery(sent.event, self._clock.now(), sent.target)])

    def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int | str:
        """Without credentials first; again with them when challenged. Only 200 is a success."""
        sent = dict(headers)
        preemptive = sent.pop(_PREEMPTIVE_HEADER, None)
        credentials = sent.get("Authorization")
        if credentials is not None and preemptive is None:
            del sent["Authorization"]
        status = super()._post(url, body, sent)
        if status == 401 and credentials is not None and preemptive is None:
            status = super()._post(url, body, {**sent, "Authorization": credentials})
        if isinstance(status, int) and 200 < status < 300:
            return f"{status} is not 200"
        return status


@dataclass
class Callouts:
    """Which changes cause which callouts."""

    tenant: Tenant
    sender_: CalloutSender

    @staticmethod
    def sender(clock: VirtualClock, seed: int) -> CalloutSender:
        """The thread that sends."""
        return CalloutSender(CalloutFormat(), clock, seed)

    def configure(self, body: Mapping[str, Json]) -> Json:
        """A definition for every event of interest, all to one address."""
        known = {"url", "username", "password", "preemptive", "paused", "events", "params"}
        if unknown := sorted(set(body) - known):
            raise BadCommand(f"unknown keys: {', '.join(unknown)}")
        url = body.get("url")
        for name in ("event-triggers", "notification-definitions"):
            for row in list(self.tenant.rows(name)):
                self.tenant.delete(name, row["id"])
        target = _target(body) if url else None
        self.sender_.configure(target, paused=bool(body.get("paused", False)))
        wanted = body.get("events")
        for base, event, condition in DEFAULT_EVENTS if url else ():
            if wanted is None or event in wanted:
                self._define(base, event, condition, body)
        self.tenant.take_changes()
        events = [row["eventType"]["name"] for row in self.tenant.rows("event-triggers")]
        return {"url": url, "paused": self.sender_.paused, "events": events}

    def _define(self, base: str, event: str, condition: str, body: Mapping[str, Json]) -> None:
        params = body.get("params") or {
            "object": base, "event": event, "id": f"<{base}.Id>",
            "updatedDate": f"<{base}.UpdatedDate>",
        }  # fmt: skip
        self.tenant.insert("event-triggers", {
            "active": True, "baseObject": base, "condition": condition, "description": "",
            "eventType": {"name": event, "displayName": event},
        })  # fmt: skip
        auth = {
            "username": body.get("username"), "password": body.get("password"),
            "preemptive": bool(body.get("preemptive", False)),
        }  # fmt: skip
        self.tenant.insert("notification-definitions", {
            "name": event, "eventTypeName": event, "active": True, "calloutActive": True,
            "callout": {
                "name": event, "calloutBaseurl": body["url"], "httpMethod": "POST",
                "calloutParams": params, "calloutAuth": auth, "calloutRetry": True,
                "eventTypeName": event, "requiredAuth": bool(auth["username"]), "active": True,
            },
        })  # fmt: skip

    def tell(self, changes: list[Change]) -> None:
        """Send what the changes of one request cause."""
        triggers = [row for row in self.tenant.rows("event-triggers") if row["active"]]
        if not triggers:
            return
        for before, after, object in _net(changes):
            for trigger in triggers:
                if BY_LABEL.get(trigger["baseObject"].lower()) != object:
                    continue
                if holds(trigger["condition"], before, after):
                    self._send(trigger["eventType"]["name"], object, after)

    def _send(self, event: str, object: str, row: Row) -> None:
        for definition in self.tenant.where("notification-definitions", eventTypeName=event):
            callout = definition.get("callout")
            if not definition["active"] or not callout:
                continue
            auth = callout.get("calloutAuth") or {}
            target = _target({**auth, "url": callout["calloutBaseurl"]})
            self.sender_.submit_to(target, self._merged(callout["calloutParams"], object, row))

    def _merged(self, params: Mapping[str, str], object: str, row: Row) -> Row:
        def value(match: re.Match[str]) -> str:
            base = BY_LABEL.get(match[1].lower())
            source: Row | None = row
            if base is not None and base != object:
                source = self.tenant.find(base, row.get(f"{match[1].lower()}Id"))
            found = _field(source or {}, match[2])
            return "" if found is None else str(_plain(found))

        return {name: _MERGE.sub(value, str(text)) for name, text in params.items()}


def _plain(value: Any) -> Any:
    shown = printable(value)
    return shown if isinstance(shown, str) else value


def _field(row: Mapping[str, Any], name: str) -> Any:
    lower = {key.lower(): value for key, value in row.items()}
    return lower.get(name.lower())


def _target(body: Mapping[str, Any]) -> Target:
    url = str(body["url"])
    name, password = body.get("username"), body.get("password")
    secret = f"{name}:{password}" if name else ""
    if secret and body.get("preemptive"):
        secret = PREEMPTIVE + secret
    return Target(url, secret, url)


def _net(changes: list[Change]) -> list[tuple[Row | None, Row, str]]:
    """What a request did to each record, taken together."""
    first: dict[tuple[str, str], Row | None] = {}
    last: dict[tuple[str, str], Row | None] = {}
    for change in changes:
        first.setdefault((change.object, change.id), change.before)
        last[change.object, change.id] = change.after
    return [
        (first[key], after, key[0])
        for key, after in last.items()
        if after is not None and after.get("isLatestVersion", True)
    ]


def holds(condition: str, before: Row | None, after: Row) -> bool:
    """Whether a change meets a condition: comparisons joined by ``&&`` and ``||``."""
    return any(
        all(_term(term.strip(), before, after) for term in part.split("&&"))
        for part in condition.split("||")
    )


def check_condition(condition: str) -> bool:
    """Whether we understand a condition."""
    terms = [term.strip() for part in condition.split("||") for term in part.split("&&")]
    return all(_TERM.match(term) for term in terms)


def _term(term: str, before: Row | None, after: Row) -> bool:
    match = _TERM.match(term)
    if match is None:
        return False
    subject, name, old, operator, wanted = match.groups()
    if name is None:
        have = "INSERT" if before is None else "UPDATE"
        have = have if subject == "changeType" else ""
    else:
        found = _field((before or {}) if old else after, name)
        have = "" if found is None else str(_plain(found))
    return (have == wanted) == (operator == "==")
