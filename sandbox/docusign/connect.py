"""Connect: signed JSON posts about envelopes, tried again with growing gaps.

Reference: developers.docusign.com, "Connect JSON (SIM) event model" and "Using HMAC security with
Connect": one signature per active key, over the raw body.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import orjson

from sandbox.clock import VirtualClock
from sandbox.docusign import credentials, render
from sandbox.docusign.account import Account, Event
from sandbox.docusign.errors import bad_body
from sandbox.docusign.values import Row, guid, printed
from sandbox.emit import Delivery, Sender, Target
from sandbox.messages import Json
from sandbox.simulator import BadCommand

GAPS: Final = tuple(timedelta(minutes=m) for m in (5, 10, 30, 60, 120, 240, 480, 1_440, 1_440))
CONFIGURATION_ID: Final = 12_345
KEYS_MAX: Final = 100
_BETWEEN_KEYS: Final = "\n"


class ConnectFormat:
    """One event per request."""

    batch_max = 1
    answer_wait_seconds = 30.0

    def render(self, events: Sequence[Json], attempt: int) -> bytes:
        """The message; only the count of tries differs between two of them."""
        body: bytes = orjson.dumps({**events[0], "retryCount": attempt})
        return body

    def headers(
        self,
        target: Target,
        body: bytes,
        sent_at: datetime,  # noqa: ARG002
        signature: str,
    ) -> Mapping[str, str]:
        """A signature for every key; ``old`` signs with the last key alone, as while rotating."""
        found = {"Content-Type": "application/json; charset=utf-8"}
        keys = [key for key in target.secret.split(_BETWEEN_KEYS) if key]
        if signature == "missing" or not keys:
            return found
        if signature == "old":
            keys = keys[-1:]
        found["X-Authorization-Digest"] = "HMACSHA256"
        for number, key in enumerate(keys, 1):
            shown = f"{key}-not" if signature in ("wrong", "future") else key
            mac = hmac.new(shown.encode(), body, hashlib.sha256).digest()
            found[f"X-DocuSign-Signature-{number}"] = base64.b64encode(mac).decode("ascii")
        return found

    def retry_after(self, attempt: int, chance: random.Random) -> timedelta | None:  # noqa: ARG002
        """Ten tries in all."""
        return GAPS[attempt] if attempt < len(GAPS) else None


class ConnectSender(Sender):
    """Posts messages; only 200 counts."""

    def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int | str:
        status = super()._post(url, body, headers)
        if isinstance(status, int) and 200 < status < 300:
            return f"{status} is not 200"
        return status

    def tried(self, *, failed: bool) -> list[tuple[int, Delivery]]:
        """The messages sent so far, or those of them that were never taken, with their numbers."""
        with self._wake:
            return [
                (number, one)
                for number, one in enumerate(self._deliveries, 1)
                if one.statuses and (not failed or one.accepted_at is None)
            ]

    def requeue(self, envelopes: Iterable[str]) -> dict[str, int]:
        """Send now what was not taken, by envelope; how many of each."""
        now = self._clock.now()
        found = dict.fromkeys(envelopes, 0)
        with self._wake:
            for one in self._deliveries:
                id = one.event["data"]["envelopeId"]
                if id not in found or one.accepted_at is not None or not one.statuses:
                    continue
                found[id] += 1
                if one.given_up:
                    one.given_up = False
                    self._open.append(one)
                one.due = now
            self._wake.notify_all()
        return found


@dataclass
class Connect:
    """The account's one configuration."""

    account: Account
    sender: ConnectSender
    events: frozenset[str] | None = None
    with_data: bool = True
    sent: list[Row] = field(default_factory=list)

    @staticmethod
    def make_sender(clock: VirtualClock, seed: int) -> ConnectSender:
        """The thread that sends."""
        return ConnectSender(ConnectFormat(), clock, seed)

    def configure(self, body: Mapping[str, Json]) -> Json:
        """``{"url", "keys", "events", "paused", "include_data"}``; without ``url`` it is off."""
        known = {"url", "keys", "events", "paused", "include_data"}
        if unknown := sorted(set(body) - known):
            raise BadCommand(f"unknown keys: {', '.join(unknown)}")
        keys = body.get("keys", list(credentials.CONNECT_KEYS))
        if not isinstance(keys, list) or len(keys) > KEYS_MAX:
            raise BadCommand(f"keys is a list of at most {KEYS_MAX}")
        url = body.get("url")
        target = Target(url, _BETWEEN_KEYS.join(map(str, keys)), url) if url else None
        events = body.get("events")
        self.events = None if events is None else frozenset(map(str, events))
        self.with_data = bool(body.get("include_data", True))
        self.sender.configure(target, paused=bool(body.get("paused", False)))
        return {"url": url, "keys": len(keys), "paused": self.sender.paused}

    def tell(self, events: Iterable[Event]) -> None:
        """Send what has happened, as the envelopes stand now."""
        wanted = [one for one in events if self.events is None or one.name in self.events]
        self.sender.submit([self.message(one) for one in wanted])

    def message(self, event: Event) -> Row:
        """One event as it is sent, without the count of tries."""
        row = self.account.envelopes[event.envelope]
        data: Row = {
            "accountId": credentials.ACCOUNT_ID,
            "userId": credentials.USER_ID,
            "envelopeId": event.envelope,
        }
        if event.recipient is not None:
            data["recipientId"] = event.recipient
        if self.with_data:
            data["envelopeSummary"] = render.envelope(row, _INCLUDED)
        base = f"/restapi/v2.1/accounts/{credentials.ACCOUNT_ID}"
        return {
            "event": event.name,
            "apiVersion": "v2.1",
            "uri": f"{base}/envelopes/{event.envelope}",
            "retryCount": 0,
            "configurationId": CONFIGURATION_ID,
            "generatedDateTime": printed(self.account.now()),
            "data": data,
        }

    def history(self, body: Mapping[str, Any]) -> Row:
        """Publish envelopes again, each as it stands."""
        ids = body.get("envelopes")
        if not isinstance(ids, list) or not ids:
            raise bad_body("envelopes is not a list of ids")
        rows = [self.account.get(guid(str(id), "envelopes")) for id in ids]
        self.tell([Event(f"envelope-{row['status']}", row["envelopeId"]) for row in rows])
        return {
            "envelopePublishTransactionId": self.account.guid(),
            "processingStatus": "complete",
            "envelopeCount": str(len(rows)),
            "submittedForPublishingEnvelopeCount": str(len(rows)),
        }

    def logs(self, *, failed: bool) -> Row:
        """What was sent, or what was not taken."""
        target = self.sender.target
        entries = [
            {
                "accountId": credentials.ACCOUNT_ID,
                "connectId": str(CONFIGURATION_ID),
                "configUrl": target.url if target else "",
                "envelopeId": one.event["data"]["envelopeId"],
                "created": one.event["generatedDateTime"],
                "failureId" if failed else "logId": str(number),
                "retryCount": str(len(one.statuses) - 1),
                "status": "successful" if one.accepted_at else "failed",
                "error": "" if one.accepted_at else f"The answer was {one.statuses[-1]}",
            }
            for number, one in self.sender.tried(failed=failed)
        ]
        return {"failures" if failed else "logs": entries, "totalRecords": str(len(entries))}

    def retry(self, ids: Iterable[str]) -> Row:
        """Send again at once what was not taken."""
        url = self.sender.target.url if self.sender.target else ""
        told = self.sender.requeue([self.account.get(id)["envelopeId"] for id in ids])
        queue = [
            {
                "configId": str(CONFIGURATION_ID),
                "configUrl": url,
                "envelopeId": id,
                "status": "queued" if count else "no_failures",
            }
            for id, count in told.items()
        ]
        return {"retryQueue": queue}


_INCLUDED: Final = frozenset({"custom_fields", "recipients"})
