"""What the demo found in the end, by looking at both systems and the store, not by believing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, Final

from engine.demo.cost import STAGES, Sizes
from engine.demo.episodes import Planted
from engine.demo.simulators import Simulators, live
from engine.issues import cause, fix
from engine.model import Address, DeliveryState
from engine.pipeline.services import Services
from engine.pipeline.sweep import WAITS_LONG
from engine.store import connections, issues, ledger, links, operator_views
from engine.store.issues import StoredIssue
from engine.store.store import Store

OBJECTS: Final = ("companies", "contacts", "products", "deals")
MATCH_CODES: Final = frozenset({"MATCH_AMBIGUOUS", "MATCH_ALREADY_LINKED"})
LISTED_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class SyncCounts:
    """What became of one sync's records. ``unchanged`` needed no write."""

    name: str
    created: int
    updated: int
    linked: int
    unchanged: int
    waiting: int
    held: int
    issues: int


@dataclass(frozen=True, slots=True)
class OpenIssue:
    """An open issue as a person reads it. ``expected`` says why it is part of the show."""

    id: str
    code: str
    sync: str
    record: str
    cause: str
    fix: str
    expected: bool


def lines_of(store: Store) -> list[dict[str, Any]]:
    """Every sealed line of the ledger."""
    with store.read() as tx:
        return list(ledger.exported(tx))


def written_records(store: Store) -> int:
    """How many records, children included, were created or updated."""
    return sum(
        line["outcome"] == "confirmed" and line["operation"] in ("create", "update")
        for line in lines_of(store)
    )


def sizes(services: Services, hubspot: Mapping[str, Any]) -> dict[str, Sizes]:
    """What each stage of the backfill handled, from the source and the ledger."""
    written: Counter[tuple[str, str]] = Counter()
    matched: dict[tuple[str, str], set[str]] = {}
    for line in lines_of(services.store):
        source, target = line["source"], line["target"]
        if line["outcome"] == "confirmed" and line["operation"] in ("create", "update"):
            written[line["sync"], target["object"]] += 1
        if source is None or not (line["outcome"] == "confirmed" or line["code"] in MATCH_CODES):
            continue
        sync = services.config.syncs[line["sync"]]
        object = target["object"] if target else sync.target.object
        matched.setdefault((line["sync"], object), set()).add(source["id"])
    found = {}
    for name in STAGES:
        sync = services.config.syncs[name]
        rules = (sync.mapping, *sync.mapping.children)
        searched = {one.target_object for one in rules if one.programs.matches}  # type: ignore[attr-defined]
        found[name] = Sizes(
            roots=_roots(hubspot, sync.source.object),
            matched={
                object: len(ids)
                for (sync_name, object), ids in matched.items()
                if sync_name == name and object in searched
            },
            written={object: count for (one, object), count in written.items() if one == name},
            children=sum(
                len(live(hubspot[include.object])) for include in sync.mapping.includes.values()
            ),
        )
    return found


def _roots(hubspot: Mapping[str, Any], object: str) -> int:
    return len(live(hubspot[object]))


def counts(services: Services) -> list[SyncCounts]:
    """What became of the records, per sync."""
    done: Counter[tuple[str, str]] = Counter(
        (line["sync"], line["operation"])
        for line in lines_of(services.store)
        if line["outcome"] == "confirmed"
    )
    with services.store.read() as tx:
        counted = connections.counted(tx)
        open_ones = Counter(
            (one.sync, one.state)
            for one in operator_views.listed(tx, tuple(DeliveryState), LISTED_MAX)
        )
    found = []
    for sync in services.active_syncs():
        own = counted.get(sync.name, {})
        found.append(
            SyncCounts(
                name=sync.name,
                created=done[sync.name, "create"],
                updated=done[sync.name, "update"],
                linked=done[sync.name, "link"],
                unchanged=own.get("unchanged", 0) + own.get("repeated", 0),
                waiting=open_ones[sync.name, "waiting"],
                held=open_ones[sync.name, "held"],
                issues=open_ones[sync.name, "issue"],
            )
        )
    return found


def open_issues(
    store: Store, shared: set[str], hubspot: Any, salesforce: Any, planted: Any
) -> list[OpenIssue]:
    """Every open issue, and whether it belongs to the show."""
    with store.read() as tx:
        found = list(issues.listed(tx, store.payloads, limit=LISTED_MAX))
        held = {
            one.source.id for one in operator_views.listed(tx, (DeliveryState.HELD,), LISTED_MAX)
        }
    expected = {one.id for one in found if _expected(one, shared, hubspot, planted)}
    expected |= {one.id for one in found if _no_state(one, salesforce)}
    known = held | {one.source.id for one in found if one.id in expected}
    expected |= {one.id for one in found if _awaits(one, known)}
    return [
        OpenIssue(
            id=one.id,
            code=one.code,
            sync=one.sync,
            record=f"{one.source.connection} {one.source.object} {one.source.id}",
            cause=cause(one.code, one.parameters),
            fix=fix(one.code, one.parameters, one.id),
            expected=one.id in expected,
        )
        for one in found
    ]


def _expected(
    issue: StoredIssue, shared: set[str], hubspot: Mapping[str, Any], planted: Iterable[Planted]
) -> bool:
    """Caused by the demo, or by companies of the made-up data that share one domain."""
    if any(one.code == issue.code and one.id == issue.source.id for one in planted):
        return True
    if issue.code not in MATCH_CODES or issue.source.object != "companies":
        return False
    company = hubspot["companies"].get(issue.source.id, {"properties": {}})
    return str(company["properties"].get("domain") or "").lower() in shared


def _no_state(issue: StoredIssue, salesforce: Mapping[str, Any]) -> bool:
    """A customer in the United States whose address lacks the state: Zuora refuses the account."""
    account = salesforce["Account"].get(issue.source.id)
    if issue.code != "REFUSED" or account is None:
        return False
    return account.get("BillingCountry") == "United States" and not account.get("BillingState")


def _awaits(issue: StoredIssue, known: set[str]) -> bool:
    """Waiting for nothing but records that are part of the show."""
    awaited = issue.parameters.get("awaited", "").split(", ")
    return issue.code == WAITS_LONG and all(one.partition(" ")[2] in known for one in awaited)


def unexpected(
    store: Store,
    simulators: Simulators,
    hubspot: Mapping[str, Any],
    open_now: Sequence[OpenIssue],
) -> list[str]:
    """Everything that must not be: one sentence each."""
    found = [f"an issue that nothing explains: {one.code} {one.record}" for one in open_now
             if not one.expected]  # fmt: skip
    found += _doubled(simulators)
    found += _lost(store, hubspot)
    found += _stuck(store)
    for system in simulators.urls:
        for violation in simulators.get(system, "violations")["violations"]:
            found.append(f"{system} objects: {violation['kind']} {violation['message']}")
    return found


def _doubled(simulators: Simulators) -> list[str]:
    grouped = simulators.get("salesforce", "counts", by="external_id")["counts"]
    return [
        f"created more than once: {object} {key}"
        for object, keys in grouped.items()
        for key, told in keys.items()
        if not key.startswith("id:") and (told["creates"] > 1 or len(told["ids"]) > 1)
    ]


def _lost(store: Store, hubspot: Mapping[str, Any]) -> list[str]:
    """Live records of HubSpot that have no counterpart, and that nothing open speaks of."""
    found = []
    for object in OBJECTS:
        here = [Address("hubspot", object, id) for id in live(hubspot[object])]
        with store.read() as tx:
            linked = links.of_sources(tx, here, "salesforce", None)
            opened = {
                one.source
                for one in operator_views.listed(tx, tuple(DeliveryState), LISTED_MAX)
                if one.state in ("waiting", "held", "issue")
            }
        found += [
            f"lost: {address.object} {address.id} has no counterpart"
            for address in here
            if address not in linked and address not in opened
        ]
    return found


def _stuck(store: Store) -> list[str]:
    with store.read() as tx:
        ahead = operator_views.listed(
            tx, (DeliveryState.READY, DeliveryState.LEASED, DeliveryState.IN_DOUBT), LISTED_MAX
        )
    return [f"not delivered: {one.sync} {one.source.id} ({one.state})" for one in ahead]


def verified(store: Store) -> ledger.Verification:
    """The ledger, walked from its first line to the head that is kept outside."""
    head = ledger.read_head(store.head_file) if store.head_file is not None else None
    with store.read() as tx:
        return ledger.verify(tx, store.vault, head)


def percentile(seconds: Sequence[float], share: float) -> float | None:
    """The value below which a share of the measurements lies (nearest rank)."""
    if not seconds:
        return None
    ordered = sorted(seconds)
    return ordered[max(0, ceil(share * len(ordered)) - 1)]
