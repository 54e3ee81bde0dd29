"""A random history: users of both systems work while faults strike and the engine dies."""

from __future__ import annotations

import contextlib
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

from connectors.errors import CallError
from connectors.memory.faults import FaultKind
from connectors.records import Ref
from tests.simulation.world import Crash, World

STAGES = ("appointment", "proposal", "closedwon", "closedlost")
BACK = {
    "Prospecting": "appointment",
    "Proposal": "proposal",
    "Closed Won": "closedwon",
    "Closed Lost": "closedlost",
}
CHANCES = {
    FaultKind.RETRY_LATER: 0.03,
    FaultKind.RATE_LIMITED: 0.02,
    FaultKind.ANSWER_LOST: 0.05,
    FaultKind.ROW_LOCKED: 0.03,
    FaultKind.DUPLICATE_PAGE: 0.02,
    FaultKind.SHORT_PAGE: 0.03,
}


class History:
    """Everything that happens is drawn from the seed."""

    def __init__(
        self,
        folder: Path,
        seed: int,
        *,
        crash_chance: float = 0.02,
        store_url: str | None = None,
    ) -> None:
        self.seed = seed
        self.random = Random(seed)
        self.world = World(folder, seed, store_url=store_url)
        self.crash_chance = crash_chance
        self.crashes = 0
        self.companies: list[str] = []
        self.deals: list[str] = []
        self.lines: list[tuple[str, str]] = []
        for system, plan in self.world.plans.items():
            plan.random = Random(f"{seed}-{system}")
            plan.chances = dict(CHANCES)
        self.world.failpoint = self._maybe_crash
        for number in range(4):
            self.world.crm.create(
                "products",
                {"name": f"P{number}", "hs_sku": f"S{number}", "price": Decimal(number + 1)},
                id=f"S{number}",
            )

    def _maybe_crash(self, _point: str) -> None:
        if self.random.random() < self.crash_chance:
            raise Crash

    def run(self, steps: int) -> None:
        """Let things happen, then let the faults stop and everything settle."""
        for _ in range(steps):
            self._happen()
            self._work()
        self.world.failpoint = lambda _point: None
        for plan in self.world.plans.values():
            plan.clear()
        self.world.settle(hours_max=48)

    def _work(self) -> None:
        self.world.clock.advance(timedelta(seconds=self.random.choice((1, 5, 40, 90))))
        try:
            self.world.runner.round()
        except Crash:
            self.crashes += 1
            self._restart()

    def _restart(self) -> None:
        while True:
            try:
                self.world.crash()
            except Crash:
                self.crashes += 1
                continue
            return

    def _happen(self) -> None:
        act = self.random.choice(
            (
                self._new_company,
                self._new_deal,
                self._edit_company,
                self._edit_deal,
                self._edit_deal,
                self._edit_opportunity,
                self._edit_opportunity,
                self._new_line,
                self._edit_line,
                self._drop_line,
                self._both_sides,
            )
        )
        with contextlib.suppress(CallError):  # A user was refused; nothing happened.
            act()

    def _new_company(self) -> None:
        number = len(self.companies)
        made = self.world.crm.create(
            "companies", {"name": f"Company {number}", "domain": f"c{number}.example"}
        )
        self.companies.append(made.ref.id)

    def _edit_company(self) -> None:
        if self.companies:
            id = self.random.choice(self.companies)
            self.world.crm.update("companies", id, {"city": f"City {self.random.randrange(9)}"})

    def _new_deal(self) -> None:
        if not self.companies:
            return
        made = self.world.crm.create(
            "deals",
            {
                "dealname": f"Deal {len(self.deals)}",
                "amount": Decimal(self.random.randrange(100_000)) / 100,
                "deal_currency_code": "USD",
                "dealstage": "appointment",
                "closedate": date(2026, 6, 1),
            },
        ).ref
        company = Ref("companies", self.random.choice(self.companies))
        self.world.crm.associate(made, company, primary=True)
        self.deals.append(made.id)

    def _edit_deal(self) -> None:
        if self.deals:
            amount = Decimal(self.random.randrange(100_000)) / 100
            self.world.crm.update("deals", self.random.choice(self.deals), {"amount": amount})

    def _edit_opportunity(self) -> None:
        found = sorted(self.world.live(self.world.sales, "Opportunity"))
        if found:
            stage = self.random.choice(tuple(BACK))
            self.world.sales.update("Opportunity", self.random.choice(found), {"StageName": stage})

    def _both_sides(self) -> None:
        """The same field of one deal on both sides at once: its owner must win."""
        for id in self.deals[-1:]:
            key = f"revline-deals-{id}"
            for record in self.world.by_identity("Opportunity").get(key, ()):
                self.world.crm.update(
                    "deals", id, {"dealstage": self.random.choice(STAGES), "amount": Decimal(7)}
                )
                self.world.sales.update(
                    "Opportunity",
                    record.ref.id,
                    {"StageName": self.random.choice(tuple(BACK)), "Amount": Decimal(9)},
                )

    def _new_line(self) -> None:
        if not self.deals:
            return
        deal = self.random.choice(self.deals)
        made = self.world.crm.create(
            "line_items",
            {
                "hs_sku": f"S{self.random.randrange(4)}",
                "quantity": self.random.randrange(1, 9),
                "price": Decimal(self.random.randrange(1, 999)),
            },
        ).ref
        self.world.crm.associate(Ref("deals", deal), made)
        # Association changes show in a webhook or in the deal's own change.
        self.world.crm.update("deals", deal, {"dealname": f"Deal {self.random.random()}"})
        self.lines.append((deal, made.id))

    def _edit_line(self) -> None:
        if self.lines:
            _deal, line = self.random.choice(self.lines)
            self.world.crm.update("line_items", line, {"quantity": self.random.randrange(1, 99)})

    def _drop_line(self) -> None:
        if self.lines and self.random.random() < 0.5:
            deal, line = self.lines.pop(self.random.randrange(len(self.lines)))
            self.world.crm.disassociate(Ref("deals", deal), Ref("line_items", line))
            self.world.crm.update("deals", deal, {"dealname": f"Deal {self.random.random()}"})

    def check(self) -> None:
        """The invariants: nothing lost, nothing doubled, both sides agree, the ledger tells it."""
        world = self.world
        world.verify()
        assert world.issues() == [], [(i.code, str(i.source), i.parameters) for i in world.issues()]
        self._accounts()
        self._opportunities()
        self._created_once()
        before = world.writes()
        world.settle()
        assert world.writes() == before, "a second run wrote something"

    def _accounts(self) -> None:
        found = self.world.by_identity("Account")
        for id, company in self.world.live(self.world.crm, "companies").items():
            (account,) = found[f"revline-companies-{id}"]
            assert account.fields.get("BillingCity") == company.fields.get("city")

    def _opportunities(self) -> None:
        found = self.world.by_identity("Opportunity")
        lines = self.world.by_identity("OpportunityLineItem")
        for id, deal in self.world.live(self.world.crm, "deals").items():
            (opportunity,) = found[f"revline-deals-{id}"]
            assert opportunity.fields["Amount"] == deal.fields["amount"], id
            assert BACK[str(opportunity.fields["StageName"])] == deal.fields["dealstage"], id
            assert opportunity.fields["Name"] == deal.fields["dealname"]
        wanted = {f"revline-line_items-{line}": deal for deal, line in self.lines}
        assert set(lines) == set(wanted)
        for key, several in lines.items():
            (line,) = several
            (opportunity,) = found[f"revline-deals-{wanted[key]}"]
            assert line.fields["OpportunityId"] == opportunity.ref.id

    def _created_once(self) -> None:
        told: dict[str, int] = {}
        for entry in self.world.lines():
            if entry["operation"] == "create" and entry["outcome"] in ("confirmed", "resolved"):
                source = entry["source"]
                key = f"{entry['target']['object']} {source['object']}-{source['id']}"
                told[key] = told.get(key, 0) + 1
        for object, by_key in self.world.sales.counts().items():
            for key, count in by_key.items():
                assert count["creates"] <= 1, (object, key, count)
        assert all(count == 1 for count in told.values()), told
