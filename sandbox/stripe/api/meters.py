"""Usage: meters, events, summaries. docs.stripe.com/billing/subscriptions/usage-based."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Final

from sandbox.stripe.account import DAY_SECONDS, Account
from sandbox.stripe.errors import invalid, not_now
from sandbox.stripe.service import Call, Endpoint, Reading, Run, writing
from sandbox.stripe.store import Record
from sandbox.stripe.tables import RESOURCES

METERS: Final = "meters"
EVENTS: Final = "meter_events"
PAST_DAYS: Final = 35
FUTURE_SECONDS: Final = 300
UNIQUE_SECONDS: Final = DAY_SECONDS


def event_view(_: Account, record: Record) -> Record:
    """A meter event has no id of its own, only the identifier."""
    return {key: value for key, value in record.items() if key != "id"}


def _create_meter(call: Call) -> Record:
    account = call.account
    name = call.get("event_name")
    if any(m["event_name"] == name and m["status"] == "active" for m in account.rows(METERS)):
        text = f"An active meter for event name {name} exists already"
        raise not_now(text, param="event_name")
    mapping = call.get("customer_mapping") or {"event_payload_key": "stripe_customer_id"}
    return account.create(
        METERS,
        {
            "customer_mapping": {"type": "by_id", **mapping},
            "default_aggregation": call.get("default_aggregation"),
            "display_name": call.get("display_name"),
            "event_name": name,
            "event_time_window": call.get("event_time_window"),
            "status": "active",
            "status_transitions": {"deactivated_at": None},
            "updated": account.now(),
            "value_settings": call.get("value_settings") or {"event_payload_key": "value"},
        },
        "billing.meter.created",
    )


def _switch(call: Call, status: str) -> Record:
    account = call.account
    account.find(METERS, call.id)
    at = account.now() if status == "inactive" else None
    fields = {
        "status": status,
        "status_transitions": {"deactivated_at": at},
        "updated": account.now(),
    }
    word = "deactivated" if status == "inactive" else "reactivated"
    return account.change(METERS, call.id, fields, f"billing.meter.{word}")


def _value(text: str | None, name: str) -> Decimal:
    try:
        number = Decimal(text or "")
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise invalid(f"payload[{name}] must be a number: {text}", f"payload[{name}]")
    return number


def _create_event(call: Call) -> Record:
    account, now = call.account, call.account.now()
    name, payload = call.get("event_name"), call.get("payload") or {}
    meter = next(
        (m for m in account.rows(METERS) if m["event_name"] == name and m["status"] == "active"),
        None,
    )
    if meter is None:
        text = f"No active meter found for event name {name}"
        raise not_now(text, param="event_name")
    key = meter["customer_mapping"]["event_payload_key"]
    customer = account.find("customers", str(payload.get(key)), f"payload[{key}]")
    value_key = meter["value_settings"]["event_payload_key"]
    counting = meter["default_aggregation"]["formula"] == "count"
    value = Decimal(1) if counting else _value(payload.get(value_key), value_key)
    at = call.get("timestamp", now)
    if not now - PAST_DAYS * DAY_SECONDS <= at <= now + FUTURE_SECONDS:
        text = f"timestamp must be within the past {PAST_DAYS} days and at most 5 minutes ahead"
        raise not_now(text, param="timestamp")
    identifier = call.get("identifier") or account.new_id("mev")
    earlier = account.store.get(EVENTS, identifier)
    if earlier is not None and now - earlier["created"] < UNIQUE_SECONDS:
        text = f"An event already exists with identifier {identifier}"
        raise not_now(text, "resource_already_exists", "identifier")
    return account.create(
        EVENTS,
        {
            "id": identifier if earlier is None else f"{identifier}#{now}",
            "identifier": identifier,
            "event_name": name,
            "payload": payload,
            "timestamp": at,
            "_meter": meter["id"],
            "_customer": customer["id"],
            "_value": value,
        },
    )


def used(account: Account, meter: Record, customer: str, start: int, end: int) -> Decimal:
    """What a customer used from ``start`` up to, not including, ``end``."""
    rows = [
        row
        for row in account.rows(EVENTS)
        if row["_meter"] == meter["id"]
        and row["_customer"] == customer
        and start <= row["timestamp"] < end
    ]
    if meter["default_aggregation"]["formula"] == "last":
        latest = max(rows, key=lambda row: row["timestamp"], default=None)
        return latest["_value"] if latest is not None else Decimal(0)
    return sum((row["_value"] for row in rows), Decimal(0))


def _summaries(call: Call) -> Record:
    account = call.account
    meter = account.find(METERS, call.id)
    customer = account.find("customers", call.get("customer"), "customer")
    start, end = call.get("start_time"), call.get("end_time")
    window = {"hour": 3600, "day": DAY_SECONDS}.get(call.get("value_grouping_window"))
    step = window or 60
    if start % step or end % step or end <= start:
        text = f"start_time and end_time must lie on whole {step} seconds, in order"
        raise not_now(text, param="start_time")
    call.used |= {"limit", "starting_after", "ending_before"}
    spans = [(at, at + window) for at in range(start, end, window)] if window else [(start, end)]
    rows = [
        {
            "id": f"mtrusg_{meter['id'][4:12]}{since}",
            "object": "billing.meter_event_summary",
            "aggregated_value": float(used(account, meter, customer["id"], since, until)),
            "end_time": until,
            "livemode": account.livemode,
            "meter": meter["id"],
            "start_time": since,
        }
        for since, until in reversed(spans)
    ]
    url = f"/v1/billing/meters/{call.id}/event_summaries"
    limit = call.params.get("limit", 10)
    return {"object": "list", "url": url, "has_more": len(rows) > limit, "data": rows[:limit]}


def endpoints() -> Iterator[Endpoint]:
    """The API of meters and their events."""
    resource = RESOURCES[METERS]
    yield from Reading(METERS, "meter.list").endpoints()
    yield writing(METERS, "", "meter.create", _create_meter, "create")
    for word, status in (("deactivate", "inactive"), ("reactivate", "active")):
        yield writing(METERS, f"/{{id}}/{word}", "retrieve", _switching(status))
    path = f"{resource.path}/{{id}}/event_summaries"
    yield Endpoint("GET", path, "meter.event_summaries", _summaries, resource, finished=True)
    yield writing(EVENTS, "", "meter_event.create", _create_event, "create")


def _switching(status: str) -> Run:
    return lambda call: _switch(call, status)
