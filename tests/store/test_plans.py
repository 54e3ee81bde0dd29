"""The queries that run at every turn go through small partial indexes, whatever has ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event

from engine.model import DeliveryState
from engine.store import deliveries, delivery_states, delivery_views, inbox
from engine.store.sql import Tx
from engine.store.store import Store
from tests.store.conftest import KEY, LEASE, NOW
from tests.store.store_kit import SYNC, ask, claim, close, receive, row, want

ENDED = 300


@pytest.fixture(scope="module", params=["without statistics", "with statistics"])
def used(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """A store in which most of the work is over, and some is open."""
    store = Store.open(None, Path(tmp_path_factory.mktemp("plans")), KEY)
    receive(store, *(row(number) for number in range(ENDED)))
    close(store, claim(store, ENDED), DeliveryState.DONE)
    ask(store, *(want(number, seq=ENDED + number) for number in range(10)))
    with store.write() as tx:
        inbox.add(tx, [row(f"new-{number}") for number in range(10)])
        if request.param == "with statistics":
            tx.exec_driver_sql("ANALYZE")
    yield store
    store.close()


def plans(store: Store, run: Callable[[Tx], object]) -> list[str]:
    """How the database goes about each query that a function sends, with its own parameters."""
    sent: list[tuple[str, tuple[object, ...]]] = []
    with store.write() as tx:

        def note(
            _conn: object,
            _cursor: object,
            statement: str,
            parameters: tuple[object, ...],
            _context: object,
            _many: object,
        ) -> None:
            if statement.startswith(("SELECT", "WITH")):
                sent.append((statement, parameters))

        event.listen(tx, "before_cursor_execute", note)
        try:
            run(tx)
        finally:
            event.remove(tx, "before_cursor_execute", note)
        assert sent, "nothing was asked of the database"
        return [
            " / ".join(
                str(step[-1]) for step in tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", values)
            )
            for query, values in sent
        ]


QUERIES: dict[str, tuple[Callable[[Tx], object], str]] = {
    "claim": (
        lambda tx: deliveries.claim(tx, SYNC, 100, NOW + timedelta(days=1), LEASE),
        "delivery_due",
    ),
    "due": (lambda tx: delivery_states.due(tx, NOW + timedelta(days=1)), "delivery_due"),
    "next_due": (lambda tx: delivery_views.next_due(tx, [SYNC, "other"]), "delivery_due"),
    "unsettled": (lambda tx: delivery_states.unsettled(tx, [SYNC, "other"], NOW), "delivery_open"),
    "busy": (lambda tx: delivery_states.busy(tx, [SYNC, "other"]), "delivery_open"),
    "unrouted": (lambda tx: inbox.unrouted(tx, 1000), "inbox_new"),
    "unrouted, but not of some": (
        lambda tx: inbox.unrouted(tx, 1000, but=["sales"]),
        "inbox_new",
    ),
}


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_of_every_turn_uses_its_partial_index(used: Store, name: str) -> None:
    run, index = QUERIES[name]
    (plan, *_others) = plans(used, run)
    assert f"INDEX {index}" in plan
    assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize("index", ["delivery_due", "delivery_open", "inbox_new"])
def test_what_has_ended_is_not_in_the_index(used: Store, index: str) -> None:
    with used.read() as tx:
        (definition,) = tx.exec_driver_sql(
            "SELECT sql FROM sqlite_master WHERE type = 'index' AND name = ?", (index,)
        ).one()
    assert " WHERE " in definition
