"""Match: find each item's counterpart. Ambiguous never creates and never picks the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from connectors.base import Searches
from connectors.records import Life, Record
from connectors.values import EXTERNAL_ID_MAX_CHARACTERS
from engine.config.model import Endpoint, Mode, SyncConfig
from engine.model import Address, Candidate, IssueReport, Link, LinkState
from engine.pipeline import recognise
from engine.pipeline.batch import Awaits, Item, Matched, Problem, Result, Skipped, TryLater
from engine.pipeline.life import GONE, follow_target, let_go
from engine.pipeline.services import Services
from engine.pipeline.targets import differs_from_base, item_claims, live_selection, show
from engine.store import claims, links
from engine.store.claims import Claim, Holder

ALREADY_LINKED = "MATCH_ALREADY_LINKED"
AMBIGUOUS = "MATCH_AMBIGUOUS"
CHILD_ELSEWHERE = "CHILD_ELSEWHERE"
IDENTITY_TOO_LONG = "IDENTITY_TOO_LONG"
OWN_IDENTITY = "identity"


@dataclass(frozen=True, slots=True)
class MatchedBatch:
    """Items with their counterparts, and those that cannot be matched now."""

    matched: tuple[Matched, ...]
    ended: Mapping[tuple[int, Address, str], Result]


def match(
    services: Services, sync: SyncConfig, items: Sequence[Item], *, acting: bool = True
) -> MatchedBatch:
    """Counterparts of a batch of items that all want the same target object.

    ``acting`` false only looks: a target that moved is told, not followed.
    """
    return _Matching(services, sync, items, acting=acting).run()


class _Matching:
    """One run of matching; the dictionaries below only grow."""

    def __init__(
        self, services: Services, sync: SyncConfig, items: Sequence[Item], *, acting: bool
    ) -> None:
        self._acting = acting
        self._services = services
        self._sync = sync
        self._items = items
        self._endpoint = Endpoint(sync.target.connection, items[0].rules.target_object)
        self._done: dict[tuple[int, Address, str], Matched] = {}
        self._ended: dict[tuple[int, Address, str], Result] = {}
        self._looked: set[tuple[int, Address, str]] = set()

    def run(self) -> MatchedBatch:
        linked = self._linked()
        for item in self._items:
            found = linked.get(item.source)
            if found is not None:
                self._done[item.key] = Matched(item, link=found)
        self._by_aliases()
        self._unnameable()
        self._by_claims()
        self._by_identity()
        self._by_rules()
        self._read_live()
        for item in self._open():
            self._unmatched(item)
        matched = tuple(self._done[i.key] for i in self._items if i.key in self._done)
        return MatchedBatch(matched, self._ended)

    def _open(self) -> list[Item]:
        return [
            item
            for item in self._items
            if item.key not in self._done and item.key not in self._ended
        ]

    def _linked(self) -> dict[Address, Link]:
        with self._services.store.read() as tx:
            found = links.of_sources(
                tx,
                [item.source for item in self._items],
                self._endpoint.connection,
                self._endpoint.object,
            )
        return {source: several[0] for source, several in found.items()}

    def _by_aliases(self) -> None:
        """A record whose counterpart went on as another's is not created again."""
        with self._services.store.read() as tx:
            aliases = links.of_sources(
                tx,
                [item.source for item in self._open()],
                self._endpoint.connection,
                self._endpoint.object,
                LinkState.ALIAS,
            )
        for item in self._open():
            for alias in aliases.get(item.source, ())[-1:]:
                if alias.reason == Life.CONVERTED.value:
                    self._ended[item.key] = Skipped(Life.CONVERTED.value)
                elif alias.reason == Life.MERGED.value:
                    self._ended[item.key] = self._two_for_one(item, alias)

    def _unnameable(self) -> None:
        """An id that is too long for an identity of ours names no record in the target."""
        for item in self._open():
            if item.rules.identity_field is None:
                continue
            try:
                value = item.rules.identity_value(item.source.object, item.source.id)
            except ValueError:
                value = None
            if value is None or len(value) > EXTERNAL_ID_MAX_CHARACTERS:
                report = IssueReport(
                    code=IDENTITY_TOO_LONG,
                    sync=self._sync.name,
                    source=item.source,
                    parameters={
                        "length": str(len(item.source.id)),
                        "most": str(EXTERNAL_ID_MAX_CHARACTERS),
                        "object": self._endpoint.object,
                    },
                )
                self._ended[item.key] = Problem(report)

    def _two_for_one(self, item: Item, alias: Link) -> Problem:
        """The target's two records became one: two source records stand for it now."""
        shown = (Candidate(alias.far, "merged into another record"),)
        return self._problem("MERGED_TARGETS", item, "merge", shown)

    def _by_claims(self) -> None:
        """A value that another record is creating, or has created, is not free for us."""
        wanted = {item.key: item_claims(self._services, self._sync, item) for item in self._open()}
        if not wanted:
            return
        with self._services.store.read() as tx:
            held = claims.holders(tx, {claim for own in wanted.values() for claim in own})
            making = [holder.source for holder in held.values() if holder.target_id is None]
            made = links.of_sources(tx, making, self._endpoint.connection, self._endpoint.object)
        now = self._services.clock.now()
        for item in self._open():
            for claim in wanted[item.key]:
                holder = held.get(claim)
                if holder is None or holder.source == item.source or holder.outdated(now):
                    continue
                for link in made.get(holder.source, ()):
                    # Linked by a person meanwhile: that is what the claim was for.
                    holder = replace(holder, target_id=link.far.id)
                self._ended[item.key] = self._claimed(item, claim, holder)
                break

    def _claimed(self, item: Item, claim: Claim, holder: Holder) -> Result:
        if holder.target_id is None:
            return Awaits(((holder.source, self._endpoint.object),), field=claim.key)
        target = Address(self._endpoint.connection, self._endpoint.object, holder.target_id)
        return self._taken(item, claim.key, target, holder.source)

    def _taken(self, item: Item, rule: str, target: Address, other: Address) -> Problem:
        shown = f"linked to {other.object} {other.id}"
        return self._problem(ALREADY_LINKED, item, rule, (Candidate(target, shown),))

    def _problem(
        self, code: str, item: Item, rule: str, candidates: tuple[Candidate, ...]
    ) -> Problem:
        return Problem(
            IssueReport(
                code=code,
                sync=self._sync.name,
                source=item.source,
                parameters={"rule": rule, "object": self._endpoint.object},
                candidates=candidates,
            )
        )

    def _by_identity(self) -> None:
        """What carries our identity is ours, whatever became of our memory of it."""
        asking = recognise.worth_a_look(self._services, self._sync, self._open())
        if not asking:
            return
        seen = recognise.look(self._services, self._sync, asking, acting=self._acting)
        found = [self._address(one.record) for one in seen if one.record is not None]
        with self._services.store.read() as tx:
            taken = links.of_targets(
                tx, found, self._sync.source.connection, asking[0].source.object
            )
        for item, one in zip(asking, seen, strict=True):
            if one.until is not None:
                if item.delivery.reason == recognise.LOOK_FIRST:
                    later = TryLater(one.until, recognise.LOOK_FIRST, counts=False)
                    self._ended[item.key] = later
            elif one.record is None:
                self._looked.add(item.key)
            elif self._address(one.record) in taken:
                continue  # The link is stale; it ends when the write is confirmed.
            elif one.elsewhere is not None:
                self._ended[item.key] = self._child_elsewhere(item, one.record, one.elsewhere)
            else:
                self._done[item.key] = Matched(item, target=one.record, via=OWN_IDENTITY)

    def _child_elsewhere(self, item: Item, record: Record, parent: str) -> Problem:
        report = IssueReport(
            code=CHILD_ELSEWHERE,
            sync=self._sync.name,
            source=item.source,
            target=self._address(record),
            parameters={"object": self._endpoint.object, "parent": parent},
        )
        return Problem(report)

    def _by_rules(self) -> None:
        connector = self._services.gateway.connector(self._endpoint.connection)
        if not isinstance(connector, Searches):
            return
        rounds = max((len(item.desired.matches) for item in self._open()), default=0)
        for turn in range(rounds):
            asking = [item for item in self._open() if turn < len(item.desired.matches)]
            if not asking:
                continue
            queries = [item.desired.matches[turn].values for item in asking]
            selection = live_selection(asking[0].rules, queries)
            answers = self._services.gateway.read(
                self._endpoint.connection,
                lambda _, s=selection, q=queries: connector.search(s, q),  # type: ignore[misc]
                "search",
            )
            self._take_answers(asking, answers, turn)

    def _take_answers(
        self, asking: Sequence[Item], answers: Sequence[tuple[Record, ...]], turn: int
    ) -> None:
        targets = [self._address(record) for found in answers for record in found]
        with self._services.store.read() as tx:
            holders = links.of_targets(
                tx, targets, self._sync.source.connection, asking[0].source.object
            )
        taken = {address: link.near for address, link in holders.items()}
        for done in self._done.values():
            if done.target is not None:
                taken.setdefault(self._address(done.target), done.item.source)
        for item, found in zip(asking, answers, strict=True):
            rule = item.desired.matches[turn].rule
            live = tuple(record for record in found if record.life is Life.LIVE)
            self._choose(item, rule, live, taken)

    def _choose(
        self, item: Item, rule: str, found: tuple[Record, ...], taken: dict[Address, Address]
    ) -> None:
        if not found:
            return
        own = [record for record in found if self._is_own(item, record)]
        if len(own) == 1:
            found = (own[0],)
        if len(found) > 1:
            candidates = tuple(Candidate(self._address(r), show(r)) for r in found)
            self._ended[item.key] = self._problem(AMBIGUOUS, item, rule, candidates)
            return
        target = self._address(found[0])
        other = taken.get(target)
        if other is not None and other != item.source:
            self._ended[item.key] = self._taken(item, rule, target, other)
            return
        taken[target] = item.source
        self._done[item.key] = Matched(item, target=found[0], via=rule)

    def _is_own(self, item: Item, record: Record) -> bool:
        """Whether the record carries the identity we would give it."""
        field = item.rules.identity_field
        if field is None:
            return False
        value = item.rules.identity_value(item.source.object, item.source.id)
        return record.fields.get(field) == value

    def _read_live(self) -> None:
        """Linked records whose present values matter are read, all in one go."""
        facing = self._services.facing(self._sync) is not None
        reading = [
            done
            for done in self._done.values()
            if done.link is not None
            and (
                done.item.enforce
                or done.item.delivery.reason == GONE
                or (facing and self._moved(done))
            )
        ]
        if not reading:
            return
        selection = live_selection(reading[0].item.rules, [])
        ids = [done.link.far.id for done in reading if done.link is not None]
        answer = self._services.gateway.read(
            self._endpoint.connection, lambda connector: connector.read(selection, ids), "read"
        )
        for done, record in zip(reading, answer, strict=True):
            if done.link is not None and record.life is not Life.LIVE:
                del self._done[done.item.key]
                self._ended[done.item.key] = self._moved_target(done.item, done.link, record)
            else:
                self._done[done.item.key] = Matched(done.item, link=done.link, target=record)

    def _moved_target(self, item: Item, link: Link, record: Record) -> Result:
        if not self._acting:
            return Skipped(f"the linked {link.far.object} is {record.life.value}")
        if item.delivery.recheck and record.life is Life.DELETED:
            # A person asked for it anew, and the old one is gone for good.
            return let_go(self._services, self._sync, link)
        return follow_target(self._services, self._sync, item.source, link.far, record)

    def _moved(self, done: Matched) -> bool:
        """Whether the source differs from what was agreed: only then can there be a write."""
        return done.link is not None and differs_from_base(self._services, done.item, done.link)

    def _unmatched(self, item: Item) -> None:
        if self._sync.mode in (Mode.UPDATE_ONLY, Mode.LINK_ONLY):
            self._ended[item.key] = Skipped("no counterpart")
            return
        self._done[item.key] = Matched(item, looked=item.key in self._looked)

    def _address(self, record: Record) -> Address:
        return Address(self._endpoint.connection, self._endpoint.object, record.ref.id)
