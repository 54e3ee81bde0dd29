"""What ``revline status`` tells, and its exit code."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import update

from connectors.errors import AuthFailed, CallError, QuotaSpent, RateLimited
from connectors.records import AccountIdentity, Ref
from engine.clock import ManualClock
from engine.pipeline.gateway import Gateway, UnavailableError
from engine.store import connections
from engine.store.sql import Tx
from engine.store.store import Store
from engine.store.tables import delivery
from tests.cli.cli_kit import KEY, Cli, create

TIME = "2099-05-01T10:05:00Z"
AT_TIME = datetime(2099, 5, 1, 10, 5, tzinfo=UTC)


@pytest.fixture
def settled(project: Cli) -> Cli:
    """Three companies in step."""
    for number in range(3):
        project.company(f"C{number}", f"c{number}.example")
    project.run("run", "--until-idle")
    return project


def change(project: Cli, make: Callable[[Tx], object]) -> None:
    """What an engine would have written down."""
    store = Store.open(None, project.state, base64.urlsafe_b64decode(KEY))
    try:
        with store.write() as tx:
            make(tx)
    finally:
        store.close()


def put_off(tx: Tx, reason: str, due_at: datetime) -> None:
    values = {"state": "ready", "reason": reason, "due_at": due_at, "ended_at": None}
    tx.execute(update(delivery).where(delivery.c.sync == "companies").values(**values))


def test_all_well_is_exit_code_zero(settled: Cli) -> None:
    found = settled.json("status")
    assert (found["issues"], found["retrying"], found["paused"]) == (0, [], {})
    assert "waiting to be tried again" not in settled.run("status").stdout


def test_why_and_when_deliveries_are_tried_again(settled: Cli) -> None:
    change(settled, lambda tx: put_off(tx, "RATE_LIMITED", AT_TIME))
    found = settled.json("status", code=1)
    assert found["retrying"] == [
        {
            "sync": "companies",
            "reason": "RATE_LIMITED",
            "count": 3,
            "next_at": TIME,
            "paused": None,
        }
    ]
    shown = settled.run("status", code=1).stdout
    assert f"companies: 3 waiting to be tried again: RATE_LIMITED, next {TIME}." in shown


@pytest.mark.parametrize("minutes", [-5, 5], ids=["overdue", "not due"])
def test_what_a_pause_put_off_names_no_time(settled: Cli, minutes: int) -> None:
    """The time in the row is when to look again, and nothing happens then."""

    def make(tx: Tx) -> None:
        now = datetime.now(UTC)
        connections.pause(tx, "sales", "AUTH_FAILED", "the secret is wrong", now)
        put_off(tx, "AUTH_FAILED", now + timedelta(minutes=minutes))

    change(settled, make)
    found = settled.json("status", code=1)
    (group,) = found["retrying"]
    assert (group["count"], group["next_at"], group["paused"]) == (3, None, "sales")
    assert {row["due_at"] for row in found["retry_later"]} <= {None}
    shown = settled.run("status", code=1).stdout
    told = "3 waiting to be tried again: AUTH_FAILED, once sales may be used again."
    assert told in shown
    assert "Paused: sales (AUTH_FAILED), until a person resumes it." in shown


def test_a_pause_that_ends_by_itself_says_when(settled: Cli) -> None:
    def make(tx: Tx) -> None:
        connections.pause(tx, "sales", "QUOTA_SPENT", "spent", datetime.now(UTC), AT_TIME)
        put_off(tx, "QUOTA_SPENT", AT_TIME)

    change(settled, make)
    shown = settled.run("status", code=1).stdout
    assert f"Paused: sales (QUOTA_SPENT), until {TIME}." in shown
    assert f"once sales may be used again at {TIME} at the earliest" in shown


def test_a_pause_alone_is_exit_code_one(settled: Cli) -> None:
    settled.run("connections", "pause", "sales")
    assert set(settled.json("status", code=1)["paused"]) == {"sales"}
    settled.run("connections", "resume", "sales")
    settled.run("status")


def test_issues_are_counted_as_they_are_listed(settled: Cli) -> None:
    """Two lines of one deal cannot be mapped: one delivery, two issues."""
    deal = create(
        settled.crm,
        "deals",
        {
            "dealname": "Rollout",
            "deal_currency_code": "USD",
            "dealstage": "appointment",
            "closedate": date(2026, 6, 1),
        },
    )
    product = create(settled.crm, "products", {"name": "Seat", "hs_sku": "S", "price": Decimal(1)})
    for _ in range(2):
        line = create(settled.crm, "line_items", {"name": "No quantity", "hs_sku": product})
        system = settled.crm()
        system.associate(Ref("deals", deal), Ref("line_items", line))
        system.close()
    settled.run("run", "--until-idle", code=1)
    listed = settled.json("issues", "list")
    found = settled.json("status", code=1)
    assert len(listed) == found["issues"] == found["syncs"]["deals"]["issues"] == 2
    assert found["syncs"]["deals"]["deliveries"]["issue"] == 1
    assert "2 open issues: see revline issues list." in settled.run("status", code=1).stdout


class _Failing:
    """A connector whose every call fails in the same way."""

    def __init__(self, spec: Any, error: CallError) -> None:
        self.spec = spec
        self._error = error

    def check(self) -> AccountIdentity:
        raise self._error


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (AuthFailed("no", code="NO_KEY"), "crm is paused until a person resumes it (NO_KEY)"),
        (
            QuotaSpent("spent", until=AT_TIME),
            "crm is paused until 2099-05-01T10:05:00+00:00 (QUOTA_SPENT)",
        ),
        (
            RateLimited("slow", wait=timedelta(minutes=5)),
            "crm is not to be called before 2099-05-01T09:05:00+00:00 (RATE_LIMITED)",
        ),
    ],
)
def test_what_cannot_be_used_says_what_has_to_happen(
    project: Cli, error: CallError, told: str
) -> None:
    from connectors.memory.declarations import SPEC

    clock = ManualClock(AT_TIME - timedelta(minutes=65))
    store = Store.open(None, project.state, base64.urlsafe_b64decode(KEY))
    try:
        gateway = Gateway({"crm": _Failing(SPEC, error)}, store, clock)  # type: ignore[dict-item]
        with pytest.raises(CallError):
            gateway.read("crm", lambda connector: connector.check(), "check")
        with pytest.raises(UnavailableError) as caught:
            gateway.read("crm", lambda connector: connector.check(), "check")
    finally:
        store.close()
    assert str(caught.value) == told
