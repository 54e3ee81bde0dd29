"""Diff: what has to be written, decided field by field from what each side was and is. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from connectors.records import MISSING, Missing, Value
from engine.mapping.model import Enforce, FieldRule, OnConflict, Side, blank
from engine.model import WHOLE, Agreed, Known, Link
from engine.pipeline.batch import Conflict, Decided, FieldChange, Matched
from engine.pipeline.containment import contains

Digest: TypeAlias = Callable[[Value], str]

SOURCE: Final = "source"
TARGET: Final = "target"
REVIEW: Final = "review"


@dataclass(frozen=True, slots=True)
class Sight:
    """What the diff looks at beside the item: digests, the facing pairs, what is frozen.

    ``two_way`` holds the ``(source field, target field)`` pairs that the facing sync writes back.
    ``known`` is what was last known of the target. ``sealed``: records of this object are not
    edited once they are there.
    """

    digest: Digest
    two_way: Collection[tuple[str, str]] = ()
    known: Known | None = None
    frozen: Collection[str] = ()
    sealed: bool = False


def diff(matched: Matched, sight: Sight) -> Decided:
    """The fields to write. A record without a counterpart gets all of them."""
    item = matched.item
    changes: list[FieldChange] = []
    agreed: dict[tuple[str, str], Agreed] = {}
    conflicts: list[Conflict] = []
    creating = matched.link is None and matched.target is None
    for rule in item.rules.rules:
        if rule.target not in item.desired.fields or rule.target in sight.frozen:
            continue
        want = item.desired.fields[rule.target]
        pair = (rule.pair or WHOLE, rule.target)
        facts = _facts(matched, rule, want, sight)
        if creating:
            changes.append(FieldChange(rule, rule.target, want, raw_digest=facts.raw))
            continue
        step = _decide(matched, rule, facts, sight)
        if step.agree:
            agreed[pair] = Agreed(facts.raw, facts.have or facts.want)
        if step.conflict:
            conflicts.append(Conflict(rule.target, step.conflict))
        if step.write:
            changes.append(_change(rule, want, facts, step.conflict or "changed"))
    return Decided(
        matched=matched,
        changes=tuple(changes),
        agreed=_moves(matched.link, agreed),
        conflicts=tuple(conflicts),
        create=creating,
    )


def _change(rule: FieldRule, want: Value, facts: _Facts, reason: str) -> FieldChange:
    read = not isinstance(facts.live, Missing)
    return FieldChange(
        rule=rule,
        field=rule.target,
        after=want,
        before=None if isinstance(facts.live, Missing) else facts.live,
        before_known=read,
        raw_digest=facts.raw,
        reason=reason,
    )


@dataclass(frozen=True, slots=True)
class _Facts:
    """One field: digests of the source's raw value, of what is wanted, of what is there.

    ``held``: what is wanted is there, as a part of what is shown.
    """

    raw: str
    want: str
    have: str | None
    live: Value | Missing
    base: Agreed | None
    held: bool


def _facts(matched: Matched, rule: FieldRule, want: Value, sight: Sight) -> _Facts:
    item = matched.item
    want_digest = sight.digest(want)
    raw = want_digest
    if rule.pair is not None:
        raw_value = item.record.get(rule.pair)
        raw = want_digest if isinstance(raw_value, Missing) else sight.digest(raw_value)
    live: Value | Missing = MISSING
    if matched.target is not None:
        live = matched.target.get(rule.target)
    have = None if isinstance(live, Missing) else sight.digest(live)
    if have is None and sight.known is not None:
        have = sight.known.fields.get(rule.target)
    base = None
    if matched.link is not None:
        base = matched.link.base.get((rule.pair or WHOLE, rule.target))
    held = isinstance(want, Mapping | tuple) and live is not MISSING and contains(live, want)
    return _Facts(raw, want_digest, have, live, base, held)


@dataclass(frozen=True, slots=True)
class _Step:
    write: bool = False
    agree: bool = False
    conflict: str | None = None


def _decide(matched: Matched, rule: FieldRule, facts: _Facts, sight: Sight) -> _Step:
    if facts.have == facts.want or facts.held:
        return _Step(agree=True)
    if sight.sealed and facts.base is None and facts.have is None:
        # We made it and forgot, or it was linked for us: what is neither shown nor open to change.
        return _Step(agree=True)
    if rule.on_create_only:
        return _Step()
    two_way = rule.pair is not None and (rule.pair, rule.target) in sight.two_way
    source_changed = facts.base is None or facts.raw != facts.base.source
    target_changed = facts.have is not None and (
        facts.base is None or facts.have != facts.base.target
    )
    if source_changed and target_changed:
        return _both_changed(matched, rule, facts, two_way=two_way)
    if source_changed:
        return _Step(write=True)
    if two_way:
        # The other side's change is brought here by the facing sync.
        return _Step(write=matched.item.enforce and not target_changed)
    always = matched.item.enforce or rule.enforce is Enforce.ALWAYS
    return _Step(write=always and (facts.have is not None or matched.item.enforce))


def _both_changed(matched: Matched, rule: FieldRule, facts: _Facts, *, two_way: bool) -> _Step:
    """Both sides differ from what they agreed on, or never agreed: the declared rule decides."""
    first = facts.base is None
    target_blank = not isinstance(facts.live, Missing) and blank(facts.live)
    if first and target_blank:
        return _Step(write=True)
    if rule.on_conflict is OnConflict.FILL_BLANK:
        return _Step(write=target_blank, conflict=None if target_blank else TARGET)
    if not two_way:
        # Nothing writes back: the source is the only author of this field.
        return _Step(write=True)
    winner = _winner(matched, rule)
    if first and winner == TARGET:
        return _Step()
    return _Step(write=winner == SOURCE, conflict=winner)


def _winner(matched: Matched, rule: FieldRule) -> str:
    if rule.on_conflict is OnConflict.REVIEW:
        return REVIEW
    if rule.on_conflict is OnConflict.NEWEST:
        source_at = matched.item.record.version
        target_at = matched.target.version if matched.target else None
        if source_at is None or target_at is None or source_at == target_at:
            return _owner(rule)
        return SOURCE if source_at > target_at else TARGET
    return _owner(rule)


def _owner(rule: FieldRule) -> str:
    return TARGET if rule.owner is Side.TARGET else SOURCE


def _moves(
    link: Link | None, agreed: Mapping[tuple[str, str], Agreed]
) -> dict[tuple[str, str], Agreed]:
    """The agreements that are not noted yet."""
    if link is None:
        return dict(agreed)
    return {pair: value for pair, value in agreed.items() if link.base.get(pair) != value}


def two_way_pairs(
    rules: Collection[FieldRule], facing: Collection[FieldRule]
) -> frozenset[tuple[str, str]]:
    """The pairs that two facing sets of rules both write."""
    back = {(rule.target, rule.pair) for rule in facing if rule.pair is not None}
    return frozenset(
        (rule.pair, rule.target)
        for rule in rules
        if rule.pair is not None and (rule.pair, rule.target) in back
    )
