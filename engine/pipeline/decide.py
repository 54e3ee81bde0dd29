"""Decide: what is to be written for each matched item of a batch, and what a person must decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from engine.clock import microseconds
from engine.config.model import Endpoint, SyncConfig
from engine.model import Address, IssueReport
from engine.pipeline import journals
from engine.pipeline.batch import Decided, Matched, Problem
from engine.pipeline.diff import Sight, diff, two_way_pairs
from engine.pipeline.digests import value_digest
from engine.pipeline.services import Services
from engine.pipeline.settle import TURN_WINDOW, flapping, turn_name
from engine.store import records

REVERSED: Final = "Reverse it in the target and let a new record take its place."

ItemKey = tuple[int, Address, str]


def decide(
    services: Services, sync: SyncConfig, matched: Sequence[Matched]
) -> tuple[list[Decided], dict[ItemKey, Problem]]:
    """The decisions that can be carried out, and the items that are a person's business."""
    decided: list[Decided] = []
    problems: dict[ItemKey, Problem] = {}
    for one, sight in _sights(services, sync, matched):
        decision = diff(one, sight)
        problem = (
            _review(sync, decision)
            or _flaps(sync, decision, sight)
            or _immutable(services, sync, decision)
        )
        if problem is None:
            decided.append(decision)
        else:
            problems[one.item.key] = problem
    return decided, problems


def _sights(
    services: Services, sync: SyncConfig, matched: Sequence[Matched]
) -> list[tuple[Matched, Sight]]:
    """What the diff may look at for each matched item."""
    if not matched:
        return []
    facing = services.facing(sync)
    item = matched[0].item
    two_way: frozenset[tuple[str, str]] = frozenset()
    if facing is not None and item.parent is None:
        two_way = two_way_pairs(item.rules.rules, facing.mapping.rules)
    fars = [one.link.far for one in matched if one.link is not None]
    with services.store.read() as tx:
        known = records.known(tx, fars)
    vault, sealed = services.store.vault, _sealed(services, sync, item.rules.target_object)
    since = microseconds(services.clock.now() - TURN_WINDOW)
    return [
        (
            one,
            Sight(
                digest=lambda value: value_digest(vault, value),
                two_way=two_way,
                known=known.get(one.link.far) if one.link else None,
                frozen=_frozen(one, since),
                sealed=sealed,
            ),
        )
        for one in matched
    ]


def _frozen(matched: Matched, since: int) -> frozenset[str]:
    if matched.link is None or not matched.link.flips:
        return frozenset()
    return frozenset(
        rule.target
        for rule in matched.item.rules.rules
        if flapping(matched.link.flips.get(turn_name(rule.pair, rule.target), ()), since)
    )


def _review(sync: SyncConfig, decided: Decided) -> Problem | None:
    """Conflicts that the mapping leaves to a person."""
    fields = [one.field for one in decided.conflicts if one.winner == "review"]
    return _problem(sync, "FIELD_CONFLICT", decided, fields) if fields else None


def _flaps(sync: SyncConfig, decided: Decided, sight: Sight) -> Problem | None:
    """A frozen field that would be written again is a person's business."""
    item = decided.matched.item
    fields = sorted(name for name in sight.frozen if name in item.desired.fields)
    return _problem(sync, "FIELD_FLAPPING", decided, fields) if fields else None


def _sealed(services: Services, sync: SyncConfig, object: str) -> bool:
    """Whether records of this object are not edited any more once they are posted."""
    spec = services.object_spec(Endpoint(sync.target.connection, object))
    return spec.immutable_when is not None


def _immutable(services: Services, sync: SyncConfig, decided: Decided) -> Problem | None:
    """A posted record is never edited: a correction is a reversal and a new record."""
    object = decided.matched.item.rules.target_object
    if decided.create or not decided.changes or not _sealed(services, sync, object):
        return None
    fields = [one.field for one in decided.changes]
    if decided.matched.link is None and journals.is_batch(decided.matched.item.source):
        return _problem(sync, journals.JOURNAL_DIFFERS, decided, fields)
    spec = services.object_spec(Endpoint(sync.target.connection, object))
    instead = {"corrected_by": spec.corrected_by or REVERSED}
    return _problem(sync, "TARGET_IMMUTABLE", decided, fields, instead)


def _problem(
    sync: SyncConfig,
    code: str,
    decided: Decided,
    fields: Sequence[str],
    more: Mapping[str, str] = MappingProxyType({}),
) -> Problem:
    matched, differs = decided.matched, code == journals.JOURNAL_DIFFERS
    target = matched.link.far if matched.link else None
    if target is None and matched.target is not None:
        ref = matched.target.ref
        target = Address(sync.target.connection, ref.object, ref.id)
    return Problem(
        IssueReport(
            code=code,
            sync=sync.name,
            source=decided.matched.item.source,
            target=target,
            parameters={
                "fields": ", ".join(fields),
                **more,
                **({"difference": journals.difference(decided)} if differs else {}),
            },
        )
    )
