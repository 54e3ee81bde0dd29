"""kill -9 along the money line: no order, invoice, payment, refund or journal is made twice.

The same story ends in the same state, whoever was killed while a write stood at a system, or at a
named point of the engine. A failure prints the seed; the seed repeats it.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.kills.child import Zygote, differences
from tests.kills.money_line import Failpoint, KilledMoneyLine, Moment

SEED = int(os.environ.get("REVLINE_SEED", "0")) or secrets.randbelow(10**9)
POINTS = (
    "books.after_commit",
    "books.before_commit",
    "claim.after_commit",
    "close.after_commit",
    "intent.after_commit",
    "intent.before_commit",
    "outcome.after_commit",
    "outcome.before_commit",
    "outcome.ledger_inserted",
    "poll.after_commit",
    "poll.rows.partial",
    "recover.after_commit",
    "recover.before_lookup",
    "route.after_commit",
    "seal.after_commit",
    "seal.before_commit",
    "send.applied",
    "send.before",
)
MONEY = (r"/v1/orders$", r"/v1/payments$", r"/refund$", r"/v1/payment_intents$", r"/record/v1/")
"""What must never be there twice: orders with their invoices, payments, refunds, journals."""
MOMENTS_MOST = 60


@dataclass(frozen=True, slots=True)
class Calm:
    """What becomes of the story when nobody is killed, and the moments at which one could be."""

    outcome: dict[str, Any]
    moments: tuple[Moment, ...]


@contextmanager
def playing(folder: Path, zygote: Zygote) -> Iterator[KilledMoneyLine]:
    line = KilledMoneyLine(folder, zygote)
    try:
        yield line
    finally:
        line.close()


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory, zygote: Zygote) -> Calm:
    with playing(tmp_path_factory.mktemp("calm"), zygote) as line:
        line.story()
        return Calm(line.outcome(), tuple(line.moments()))


def killed(
    folder: Path, zygote: Zygote, calm: Calm, moments: list[Moment], points: list[Failpoint]
) -> list[Moment | Failpoint]:
    """Play the story with kills; it ends as the calm one did. Returns where somebody was killed."""
    with playing(folder, zygote) as line:
        with line.killing(moments):
            line.story(points)
        assert differences(line.outcome(), calm.outcome) == {}, line.killed
        return line.killed


def test_the_calm_story_has_everything_once(calm: Calm) -> None:
    once = ("zuora.orders", "zuora.invoices", "zuora.payments", "zuora.credit-memos")
    once += ("zuora.refunds", "netsuite.invoice", "netsuite.customerRefund", "stripe.refunds")
    assert {name: len(calm.outcome[name]) for name in once} == dict.fromkeys(once, 1)
    assert len(calm.outcome["posted"]) == 4  # two accounts in each of two months
    assert calm.outcome["issues"] == []
    assert len(calm.moments) <= MOMENTS_MOST
    for part in MONEY:
        assert any(part.rstrip("$") in one.path for one in calm.moments), part


def test_killed_along_the_line(tmp_path: Path, zygote: Zygote, calm: Calm) -> None:
    print(f"REVLINE_SEED={SEED} repeats it")
    random = Random(SEED)
    writes = [one for one in calm.moments if is_money(one) and one.phase == "before"]
    first, second = random.sample(writes, 2)
    moments = [first, second._replace(phase="after")]
    points = [Failpoint("send.applied", 2), Failpoint(random.choice(POINTS[:10]), 1)]
    where = killed(tmp_path, zygote, calm, moments, points)
    assert {*moments, points[0]} <= {*where}


@pytest.mark.torture
@pytest.mark.parametrize("number", range(MOMENTS_MOST))
def test_killed_at_each_write(tmp_path: Path, zygote: Zygote, calm: Calm, number: int) -> None:
    moment = calm.moments[number % len(calm.moments)]
    where = killed(tmp_path, zygote, calm, [moment], [])
    # How many updates of a deal there are is a matter of when its news is heard.
    assert where == [moment] or moment.system == "salesforce"


@pytest.mark.torture
@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("point", POINTS)
def test_killed_at_each_point(
    tmp_path: Path, zygote: Zygote, calm: Calm, point: str, nth: int
) -> None:
    before = [Failpoint("send.applied", nth)] if point.startswith("recover") else []
    where = killed(tmp_path, zygote, calm, [], [*before, *[Failpoint(point, nth)] * 3])
    assert where or nth > 1


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(1000, 1060))
def test_killed_again_and_again(tmp_path: Path, zygote: Zygote, calm: Calm, seed: int) -> None:
    random = Random(seed)
    moments = random.sample(calm.moments, 3)
    points = [Failpoint(random.choice(POINTS), random.randint(1, 4)) for _ in range(8)]
    assert killed(tmp_path, zygote, calm, moments, points)


def is_money(moment: Moment) -> bool:
    return any(part.rstrip("$") in moment.path for part in MONEY)
