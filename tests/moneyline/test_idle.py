"""When there is nothing left to do, the books follow from the facts too."""

from __future__ import annotations

from datetime import date

from engine.store import books, facts
from tests.moneyline.world import MoneyLine


def test_an_engine_whose_books_are_behind_is_not_idle(line: MoneyLine) -> None:
    deal = line.won(line.account(), [("PLT-001", 1_200)], date(2026, 1, 1))
    line.settle()
    assert line.runner.idle()
    # when a fact arrives
    with line.store.write() as tx:
        facts.mark(tx, [f"S-{deal}"], line.clock.now())
    # then there is something to do, until it is done
    assert not line.runner.idle()
    assert line.runner.until_idle(600, look_again=False)
    with line.store.read() as tx:
        assert not books.any_dirty(tx)
