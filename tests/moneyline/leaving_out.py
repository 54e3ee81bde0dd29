"""The line without the customers that somebody is looking after: what is theirs is on its way.

The identities hold for all others meanwhile. Whose contracts are left out, and why, is told by the
open issues; all amounts come from the systems.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.store import books
from engine.store.issues import StoredIssue
from tests.moneyline.posting import contract_of
from tests.moneyline.world import MoneyLine

Row = Mapping[str, Any]


@dataclass
class Sound:
    """What the systems hold, but for some customers. Stands for the line in the identities."""

    line: MoneyLine
    left_out: dict[str, str] = field(init=False)
    """Contract → why it is left out."""

    def __post_init__(self) -> None:
        self._accounts = self.line.records("zuora", "accounts")
        rows = self.line.records("zuora", "subscriptions").values()
        self._account_of = {row["name"]: row["accountId"] for row in rows}
        troubled: dict[str, str] = {}
        for issue in self.line.issues():
            why = f"{issue.code} of {issue.source}"
            troubled |= dict.fromkeys(self._concerned(issue), why)
        self._troubled = troubled
        targets = [issue.target for issue in self.line.issues() if issue.target is not None]
        self._disputed = {one.id for one in targets if one.connection == "netsuite"}
        self.left_out = {
            contract: troubled[account]
            for contract, account in sorted(self._account_of.items())
            if account in troubled
        }
        self._customers = {
            id
            for id, row in self.line.records("netsuite", "customer").items()
            if self._of_number(f"A-{str(row.get('externalId')).rpartition('-')[2]}") in troubled
        }

    def records(self, system: str, object: str) -> dict[str, Any]:
        """The records of an object, but theirs."""
        keep = {"zuora": self._in_zuora, "salesforce": self._in_salesforce}.get(system)
        found = self.line.records(system, object)
        if system == "netsuite":
            return {id: self._in_netsuite(row) for id, row in found.items() if self._sells(id, row)}
        return found if keep is None else {id: row for id, row in found.items() if keep(row)}

    def _concerned(self, issue: StoredIssue) -> set[str]:
        """The accounts in Zuora that an issue is about; all of them where that is not known."""
        source = issue.source
        own: set[str | None] = set()
        match source.connection, source.object:
            case "salesforce", "Opportunity":
                rows = self.line.records("salesforce", "Opportunity")
                own = {self._of_number(f"A-{rows[source.id]['AccountId']}")}
            case "salesforce", "Account":
                own = {self._of_number(f"A-{source.id}")}
            case "zuora", "subscriptions":
                own = {self._account_of.get(source.id)}
            case "zuora", name:
                rows = self.line.records("zuora", name.replace("_", "-"))
                own = {row["accountId"] for id, row in rows.items() if id == source.id}
            case "revline", "contracts":
                own = {self._account_of.get(source.id)}
            case "revline", "deals":
                own = {self._account_of.get(f"S-{source.id}")}
            case "revline", _:
                with self.line.store.read() as tx:
                    batch = books.batches(tx, [source.id])[source.id]
                own = {self._account_of.get(one.contract) for one in batch.lines}
            case _:
                pass
        known = {one for one in own if one is not None}
        nobody_yet = source.connection == "salesforce" and own == {None}
        return known if known or nobody_yet else set(self._accounts)

    def _of_number(self, number: str) -> str | None:
        rows = self._accounts.items()
        return next((id for id, row in rows if row["accountNumber"] == number), None)

    def _in_zuora(self, row: Row) -> bool:
        contract = row.get("subscriptionNumber") or row.get("_subscriptionNumber")
        account = row.get("accountId") or self._account_of.get(str(contract))
        return account not in self._troubled

    def _in_salesforce(self, row: Row) -> bool:
        id = row.get("AccountId")
        if "OpportunityId" in row:
            id = self.line.records("salesforce", "Opportunity")[row["OpportunityId"]]["AccountId"]
        return self._of_number(f"A-{id}") not in self._troubled

    def _sells(self, id: str, row: Row) -> bool:
        if id in self._disputed:
            return False
        entity = row.get("entity") or row.get("customer")
        return id not in self._customers and str(entity) not in self._customers

    def _in_netsuite(self, row: Row) -> Row:
        """A journal may be about several customers: without the entries that are about these."""
        if not self.left_out or "tranDate" not in row or "line" not in row:
            return row
        mine = [one for one in row["line"] if contract_of(one) not in self.left_out]
        impact = [
            one
            for one in row.get("_impact") or ()
            if str((one.about or {}).get("entity")) not in self._customers
        ]
        return {**row, "line": mine, "_impact": impact}
