"""What a vendor says is used of its account's allowance is kept, the latest word of each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from engine.store import allowances, streams
from engine.store.allowances import Allowance
from engine.store.store import Store

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


def test_the_latest_word_of_each_connection_is_kept(open_store: Callable[[], Store]) -> None:
    store, later = open_store(), NOW + timedelta(hours=1)
    with store.write() as tx:
        streams.put_meta(tx, "allow", "something else")
        allowances.note(tx, {"one": (5, 100), "two": (7, 100)}, NOW)
        allowances.note(tx, {"one": (9, 120)}, later)
        allowances.note(tx, {}, later)
    with store.read() as tx:
        assert allowances.every(tx) == {
            "one": Allowance(9, 120, later),
            "two": Allowance(7, 100, NOW),
        }


def test_what_others_read() -> None:
    assert allowances.shown(None) is None
    assert allowances.shown(Allowance(9, 120, NOW)) == {
        "used": 9,
        "limit": 120,
        "heard_at": "2026-03-01T09:00:00Z",
    }
