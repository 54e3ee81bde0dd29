"""What we look at on the target, and what it takes to create a record there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connectors.records import Record, Selection
from engine.config.model import SyncConfig
from engine.mapping.model import RuleSet
from engine.mapping.texts import comparable
from engine.model import WHOLE, Link
from engine.pipeline.batch import Item
from engine.pipeline.digests import joined, value_digest
from engine.pipeline.services import Services
from engine.store.claims import BUSINESS_KEY, Claim


def differs_from_base(services: Services, item: Item, link: Link) -> bool:
    """Whether any mapped field of the source is not what both sides agreed on."""
    vault = services.store.vault
    for rule in item.rules.rules:
        if rule.target not in item.desired.fields:
            continue
        raw = item.desired.fields[rule.target]
        if rule.pair is not None and rule.pair in item.record.fields:
            raw = item.record.fields[rule.pair]
        base = link.base.get((rule.pair or WHOLE, rule.target))
        if base is None or base.source != value_digest(vault, raw):
            return True
    return False


def item_claims(services: Services, sync: SyncConfig, item: Item) -> list[Claim]:
    """The claims that creating an item needs: its identity, and every match value."""
    vault = services.store.vault
    connection, object = sync.target.connection, item.rules.target_object
    found = []
    if item.rules.identity_field is not None:
        value = item.rules.identity_value(item.source.object, item.source.id)
        digest = vault.digest(joined((value,)))
        found.append(Claim(connection, object, item.rules.identity_field, digest))
    if item.business_key != f"{item.source.object}-{item.source.id}":
        # A key of the mapping's own may be shared by several records: one of them has the effect.
        digest = vault.digest(joined((item.business_key,)))
        found.append(Claim(connection, object, BUSINESS_KEY, digest))
    for key in item.desired.matches:
        parts = [
            part for name in sorted(key.values) for part in (name, comparable(key.values[name]))
        ]
        found.append(Claim(connection, object, key.rule, vault.digest(joined(parts))))
    return found


def live_selection(rules: RuleSet, queries: Sequence[Mapping[str, str]]) -> Selection:
    """What to read of a target: every field we may write, our identity, and what was asked for."""
    fields = {rule.target for rule in rules.rules}
    if rules.identity_field is not None:
        fields.add(rules.identity_field)
    for query in queries:
        fields.update(query)
    return Selection(rules.target_object, tuple(sorted(fields)))


def show(record: Record) -> str:
    """A candidate in a few words: whatever names it."""
    names = ("Name", "name", "dealname", "Email", "email", "domain", "Website")
    words = [str(record.fields[name]) for name in names if record.fields.get(name)]
    return ", ".join(words[:2])
