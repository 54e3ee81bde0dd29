"""What customers do with their invoices: most pay at once, some later, some not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from engine.clock import Clock
from engine.demo.live import History
from engine.demo.simulators import Simulators

CARD: Final = "pm_card_visa"
DECLINED_CARD: Final = "pm_card_chargeDeclined"
DEBITS: Final = {"eur": "pm_sepaDebit", "usd": "pm_usBankAccount"}
LATE_EVERY: Final = 9
NEVER: Final = (11, 29, 41)
DECLINED: Final = (17,)
PART: Final = (23,)
REFUNDED: Final = 3
DISPUTED: Final = 7
OPEN: Final = "requires_payment_method"


@dataclass(slots=True)
class Customers:
    """Pay as the demo's customers do. ``late`` pay when asked a second time."""

    simulators: Simulators
    history: History
    clock: Clock
    late: list[str] = field(default_factory=list)
    debited: int = 0
    paid: int = 0

    def pay(self) -> None:
        """The first wave, over all payments that are asked for."""
        for place, intent in enumerate(self._asked()):
            id = str(intent["id"])
            if place in NEVER:
                continue
            if place in DECLINED:
                self._charge(id, DECLINED_CARD)
            elif place in PART:
                self._transfer(intent)
            elif not self.debited and place > PART[0] and intent["currency"] in DEBITS:
                self._charge(id, DEBITS[intent["currency"]])
                self.debited += 1
            elif place % LATE_EVERY == LATE_EVERY - 1:
                self.late.append(id)
            else:
                self._charge(id, CARD)
                self.paid += 1

    def pay_late(self) -> None:
        """Those who let it wait."""
        for id in self.late:
            self._charge(id, CARD)
            self.paid += 1

    def think_again(self) -> None:
        """Two want their money back: one from us, one from the bank."""
        intents = self.simulators.state("stripe")["payment_intents"].values()
        paid = sorted(
            (str(one["metadata"]["invoice_number"]), str(one["latest_charge"]))
            for one in intents
            if one["status"] == "succeeded"
        )
        reason = {"metadata": {"reason_code": "requested_by_customer"}}
        self._do("stripe", "charges", "refund", paid[REFUNDED][1], reason)
        self._do("stripe", "charges", "dispute", paid[DISPUTED][1], {"reason": "fraudulent"})

    def _asked(self) -> Sequence[Mapping[str, Any]]:
        intents = self.simulators.state("stripe").get("payment_intents", {}).values()
        asked = [one for one in intents if one["status"] == OPEN]
        return sorted(asked, key=lambda one: str(one["metadata"]["invoice_number"]))

    def _charge(self, id: str, method: str) -> None:
        self._do("stripe", "payment_intents", "pay", id, {"payment_method": method})

    def _transfer(self, intent: Mapping[str, Any]) -> None:
        """Half of it comes by bank transfer, and finance enters it in Zuora."""
        number = intent["metadata"]["invoice_number"]
        invoices = self.simulators.state("zuora")["invoices"].values()
        invoice = next(one for one in invoices if one["invoiceNumber"] == number)
        amount = int(invoice["balance"]) // 2
        self._do("zuora", "payments", "create", None, {
            "accountNumber": intent["metadata"]["account_number"], "amount": amount,
            "currency": invoice["currency"], "type": "External",
            "paymentMethodType": "WireTransfer", "effectiveDate": invoice["invoiceDate"],
            "invoices": [{"invoiceNumber": number, "amount": amount}],
        })  # fmt: skip

    def _do(
        self, system: str, object: str, word: str, id: str | None, fields: Mapping[str, Any]
    ) -> None:
        command = {"object": object, "op": word, "fields": dict(fields)}
        if id is not None:
            command["id"] = id
        self.history.note(self.clock.now(), system, "mutate", command)
        self.simulators.post(system, "mutate", command)
