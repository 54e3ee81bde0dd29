"""What the backfill cost in calls, beside the least it could have cost.

The least, for n records with m children: ceil(n / list page) to list them, ceil(n / association
batch) for each kind of child, ceil(m / batch) to read the children, ceil(n / batch) look-ups per
object that is matched (none where the target upserts on our external id), and ceil(n / batch) +
ceil(m / batch) writes. Two more per stage are allowed. Token, describe and catalogues come once.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, Final

from engine.app import Project

ALLOWANCE: Final = 2
ASSOCIATION_BATCH: Final = 1000  # "Associations v4": inputs of one batch read
FEEDS: Final = "following changes"
ONCE: Final = "once"

_STAGE_OF_TARGET: Final[Mapping[str, str]] = {
    "User": "owners",
    "Account": "companies",
    "Lead": "leads",
    "Contact": "contacts",
    "Product2": "products",
    "PricebookEntry": "products",
    "Opportunity": "deals",
    "OpportunityLineItem": "deals",
    "OpportunityContactRole": "deals",
}
_STAGE_OF_SOURCE: Final[Mapping[str, tuple[str, ...]]] = {
    "owners": ("owners",),
    "companies": ("companies",),
    "contacts": ("leads", "contacts"),  # two syncs list the same records
    "products": ("products",),
    "deals": ("deals",),
    "line_items": ("deals",),
}
STAGES: Final = ("owners", "companies", "leads", "contacts", "products", "deals")
BACK: Final = "back to HubSpot"

# Parts of addresses that are posted to without changing anything, per system.
_READS: Final[Mapping[str, tuple[str, ...]]] = {
    "hubspot": ("/search", "/batch/read", "/oauth/"),
    "salesforce": ("/services/oauth2/",),
    "zuora": ("/oauth/token", "/object-query/", "/query/jobs"),
    "docusign": ("/oauth/token", "/envelopes/status"),
    "stripe": (),
    "netsuite": ("/auth/oauth2/", "/query/v1/suiteql"),
}

_HUBSPOT = re.compile(
    r"^/crm/(?P<kind>objects|associations|owners|properties)/[^/]+(?:/(?P<object>\w+))?(?P<rest>/.*)?$"
)
_FROM = re.compile(r"\bFROM (\w+)")


@dataclass(frozen=True, slots=True)
class Stage:
    """One sync's calls. ``least`` names each term of the sum, in order."""

    name: str
    calls: int
    least: tuple[tuple[str, int], ...]

    @property
    def minimum(self) -> int:
        """The least number of calls, without the allowance."""
        return sum(count for _, count in self.least)

    @property
    def within(self) -> bool:
        """Whether it kept to the least and the allowance."""
        return self.calls <= self.minimum + ALLOWANCE


@dataclass(frozen=True, slots=True)
class Cost:
    """All calls of a backfill."""

    stages: tuple[Stage, ...]
    others: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Sizes:
    """What a stage handled. ``matched`` went through look-ups, by target object; ``written`` were
    written, by target object; ``children`` were read from the source."""

    roots: int
    matched: Mapping[str, int]
    written: Mapping[str, int]
    children: int = 0


def counted(logs: Mapping[str, Sequence[Mapping[str, Any]]]) -> Counter[str]:
    """Calls per stage, or under :data:`FEEDS`, :data:`ONCE` or :data:`BACK`."""
    found: Counter[str] = Counter()
    for entry in logs["hubspot"]:
        found.update(_hubspot(entry))
    for entry in logs["salesforce"]:
        found[_salesforce(entry)] += 1
    return found


def with_way_back(backfilled: Counter[str], every: Counter[str]) -> Counter[str]:
    """The calls of a backfill, and under :data:`BACK` those that hearing of it brought about."""
    found = Counter(backfilled)
    for name, count in (every - backfilled).items():
        found[name if name in (FEEDS, ONCE) else BACK] += count
    return found


def _hubspot(entry: Mapping[str, Any]) -> Counter[str]:
    parts = _HUBSPOT.match(entry["path"])
    if parts is None or parts["kind"] == "properties":
        return Counter({ONCE: 1})
    query = dict(entry["query"])
    rest = parts["rest"] or ""
    if query.get("archived") == "true" or rest == "/search":
        return Counter({FEEDS: 1})
    object = "owners" if parts["kind"] == "owners" else str(parts["object"])
    if rest in ("/batch/update", "/batch/upsert", "/batch/create"):
        return Counter({BACK: 1})
    stages = _STAGE_OF_SOURCE[object]
    if len(stages) > 1 and rest:  # these are listed; only the way back reads them by id
        return Counter({BACK: 1})
    return Counter({f"{'+'.join(stages)}": 1})


def _salesforce(entry: Mapping[str, Any]) -> str:
    path = entry["path"]
    if "/sobjects/" in path and path.rstrip("/").endswith("/deleted"):
        return FEEDS
    if "/composite/sobjects" in path:
        return _STAGE_OF_TARGET.get(_object_written(entry), ONCE)
    query = next((value for name, value in entry["query"] if name == "q"), "")
    object = _FROM.search(query)
    if object is None or object[1] not in _STAGE_OF_TARGET:
        return ONCE
    if "WHERE SystemModstamp >=" in query or "WHERE (SystemModstamp" in query:
        return FEEDS
    return _STAGE_OF_TARGET[object[1]]


def _object_written(entry: Mapping[str, Any]) -> str:
    try:
        records = json.loads(entry["body"])["records"]
        return str(records[0]["attributes"]["type"])
    except (ValueError, KeyError, IndexError, TypeError):
        return ""


def compare(project: Project, calls: Counter[str], sizes: Mapping[str, Sizes]) -> Cost:
    """The calls of each stage beside the least they could have been."""
    stages = []
    for name in STAGES:
        shared = next((key for key in calls if "+" in key and name in key.split("+")), None)
        listed = calls[shared] // len(shared.split("+")) if shared else 0
        stages.append(Stage(name, calls[name] + listed, _least(project, name, sizes[name])))
    others = {name: calls[name] for name in (BACK, FEEDS, ONCE)}
    return Cost(tuple(stages), others)


def _least(project: Project, name: str, sizes: Sizes) -> tuple[tuple[str, int], ...]:
    sync = project.config.syncs[name]
    source = project.spec(sync.source.connection)
    target = project.spec(sync.target.connection)
    facts = source.object(sync.source.object)
    page = facts.page_list if facts else 1
    terms = [("list", ceil(sizes.roots / page))]
    for include in sync.mapping.includes.values():
        child = source.object(include.object)
        batch = child.batch_read if child else 1
        terms.append(("associations", ceil(sizes.roots / ASSOCIATION_BATCH)))
        terms.append((include.object.replace("_", " "), ceil(sizes.children / batch)))
    for object, count in sizes.matched.items():
        spec = target.object(object)
        terms.append((f"look up {object}", ceil(count / (spec.batch_search if spec else 1))))
    for object, count in sizes.written.items():
        spec = target.object(object)
        terms.append((f"write {object}", ceil(count / (spec.batch_write if spec else 1))))
    return tuple((term, count) for term, count in terms if count)


def is_write(system: str, entry: Mapping[str, Any]) -> bool:
    """Whether a call wrote something, or tried to."""
    if entry["method"] == "GET":
        return False
    path = str(entry["path"]).rstrip("/")
    return not any(part in path for part in _READS[system])
