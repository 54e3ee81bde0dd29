"""The contract can fail: a connector broken on purpose in each theme is caught."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors import registry
from connectors.base import Confirmed, Failed, FieldType, Setting, Wiring
from connectors.errors import OutcomeUnknown, Rejected, RetryLater
from connectors.memory import webhooks
from connectors.memory.connector import Memory
from connectors.memory.cursors import Sweep
from connectors.memory.faults import FaultPlan
from connectors.memory.objects import MemoryObject, crm_objects, sales_objects
from connectors.memory.system import MemorySystem
from connectors.records import Absent, Change, Life, Operation, Page, Receipt, WebhookRequest
from connectors.testing.bench import Bench, Hooks, Sample
from connectors.testing.contract import ConnectorContract
from connectors.testing.memory_world import MemoryWorld, TickingClock

URL = "https://hooks.example/webhooks/memory"
SECRET = "memory-secret-0123456789"
CRM = Sample(
    object="companies",
    text="name",
    match="domain",
    required={},
    bad={"lifecyclestage": "nonsense"},
    typed={},
)
DEALS = Sample(
    object="deals",
    text="dealname",
    match="deal_currency_code",
    required={},
    bad={"dealstage": "nonsense"},
    child="line_items",
)
SALES = Sample(
    object="Account",
    text="Name",
    match="Website",
    required={"Name": "A"},
    bad={"Name": "x" * 256},
)


def bench_of(
    broken: type[Memory], objects: tuple[MemoryObject, ...] = (), sample: Sample = CRM
) -> Bench:
    clock = TickingClock(datetime(2026, 3, 1, tzinfo=UTC))
    system, faults = MemorySystem(objects or crm_objects(), clock), FaultPlan()
    wiring = Wiring(now=clock, observe=lambda _: None)

    def again() -> Memory:
        return broken(system, wiring, faults=faults)

    events = MemorySystem(crm_objects(), clock)
    events.create("contacts", {})
    good = webhooks.webhook_request(events.notices_since(), url=URL, secret=SECRET, at=clock.at)
    hooks = Hooks(
        settings={"webhook_secret": SECRET},
        sign=lambda body, at: webhooks.signed_request(body, url=URL, secret=SECRET, at=at),
        body=good.body,
        events=1,
        security=(webhooks.TIMESTAMP_HEADER, webhooks.SIGNATURE_HEADER),
        secret_setting="webhook_secret",
    )
    world = MemoryWorld(system, clock, faults)
    return Bench("memory", again(), world, sample, again, hooks=hooks, secrets=(SECRET,))


class Unordered(Memory):
    def read(self, selection: Any, ids: Any) -> Any:
        return tuple(sorted(super().read(selection, ids), key=lambda record: record.ref))


class DropsMissing(Memory):
    def read(self, selection: Any, ids: Any) -> Any:
        found = super().read(selection, ids)
        return tuple(record for record in found if record.life is Life.LIVE)


class OneByOne(Memory):
    def read(self, selection: Any, ids: Any) -> Any:
        return tuple(super(OneByOne, self).read(selection, [id])[0] for id in ids)


class ForgetsSurvivors(Memory):
    def read(self, selection: Any, ids: Any) -> Any:
        return tuple(replace(one, successor=None) for one in super().read(selection, ids))


class AnotherAccountEachTime(Memory):
    def check(self) -> Any:
        return replace(super().check(), id=str(id(self)))


class SetsUpOnce(Memory):
    def create(self, need: Any) -> None:
        if need in self.__dict__.setdefault("done", []):
            raise Rejected("it is there already", code="EXISTS")
        self.__dict__["done"].append(need)
        super().create(need)


class DescribesAnything(Memory):
    def describe(self, object: str) -> Any:
        return super().describe("companies")


class SkipsBetweenPages(Memory):
    def list(self, selection: Any, cursor: Any, limit: int, since: Any = None) -> Any:
        page = super().list(selection, cursor, limit, since)
        return page if cursor is None else replace(page, records=page.records[1:])


class NeverAtHead(Memory):
    def list(self, selection: Any, cursor: Any, limit: int, since: Any = None) -> Any:
        return replace(super().list(selection, cursor, limit, since), at_head=False)


class DropsWhenSinceIsGiven(Memory):
    def list(self, selection: Any, cursor: Any, limit: int, since: Any = None) -> Any:
        later = None if since is None else since + timedelta(seconds=60)
        return super().list(selection, cursor, limit, later)


class RemembersInItself(Memory):
    seen: Page | None = None

    def changes(self, selection: Any, cursor: str, limit: int) -> Any:
        page = super().changes(selection, cursor, limit)
        if self.seen is None and not page.at_head:
            self.seen = page
            return replace(page, cursor=cursor)
        return page


class CursorByTimeAlone(Memory):
    """Goes on after the last time seen: loses what shares it beyond the page."""

    def changes(self, selection: Any, cursor: str, limit: int) -> Any:
        page = super().changes(selection, cursor, limit)
        sweep = Sweep.load(page.cursor)
        if page.at_head:
            return page
        return replace(page, cursor=replace(sweep, after=(sweep.after[0], 10**9)).dump())


class NoOverlap(Memory):
    def changes(self, selection: Any, cursor: str, limit: int) -> Any:
        page = super().changes(selection, cursor, limit)
        if not page.at_head:
            return page
        return replace(page, cursor=self.first_cursor(selection, self.system.clock()))


class NewestFirst(Memory):
    def changes(self, selection: Any, cursor: str, limit: int) -> Any:
        page = super().changes(selection, cursor, limit)
        return replace(page, records=page.records[::-1])


class HeadAtOnce(Memory):
    def changes(self, selection: Any, cursor: str, limit: int) -> Any:
        page = super().changes(selection, cursor, limit)
        return replace(page, records=page.records[:1], at_head=True)


class SeenOnce(Memory):
    """Leaves out what it has shown before, edited or not."""

    def changes(self, selection: Any, cursor: str, limit: int) -> Any:
        page = super().changes(selection, cursor, limit)
        seen = self.system.__dict__.setdefault("seen", set())
        new = tuple(record for record in page.records if record.ref not in seen)
        seen.update(record.ref for record in new)
        return replace(page, records=new)


class SinceTheStart(Memory):
    def first_cursor(self, selection: Any, since: Any) -> str:
        return super().first_cursor(selection, since - timedelta(days=1))


class StuckAtTheFirst(Memory):
    def changes(self, selection: Any, cursor: str, limit: int) -> Any:
        page = super().changes(selection, cursor, limit)
        seen = self.system.__dict__.setdefault("first", page)
        return seen if page.at_head else page


class CallsForACursor(Memory):
    def first_cursor(self, selection: Any, since: Any) -> str:
        self.check()
        return super().first_cursor(selection, since)


class RemovesNothing(Memory):
    def removed(self, selection: Any, cursor: Any, limit: int) -> Any:
        return replace(super().removed(selection, cursor, limit), records=())


class PicksTheFirst(Memory):
    def search(self, selection: Any, queries: Any, limit_each: int = 5) -> Any:
        return super().search(selection, queries, 1)


class MinimalCase(Memory):
    def search(self, selection: Any, queries: Any, limit_each: int = 5) -> Any:
        found = super().search(selection, queries, limit_each)
        return tuple(
            tuple(r for r in records if all(r.fields.get(k) == v for k, v in query.items()))
            for query, records in zip(queries, found, strict=True)
        )


class AnyFieldMatches(Memory):
    def search(self, selection: Any, queries: Any, limit_each: int = 5) -> Any:
        first = [dict(list(query.items())[:1]) for query in queries]
        return super().search(selection, first, limit_each)


class Wildcards(Memory):
    def search(self, selection: Any, queries: Any, limit_each: int = 5) -> Any:
        found = list(super().search(selection, queries, limit_each))
        for place, query in enumerate(queries):
            if "%" in query.values():
                found[place] = super().list(selection, None, limit_each).records
        return tuple(found)


class LooksUpNothing(Memory):
    def lookup(self, selection: Any, identities: Any) -> Any:
        return tuple(Absent() for _ in identities)


class Orphans(Memory):
    def parents(self, child: str, ids: Any, root: str) -> Any:
        return {id: roots for id, roots in super().parents(child, ids, root).items() if roots}


class KeepsDeadChildren(Memory):
    def children(self, selection: Any, root: str, ids: Any) -> Any:
        found = super().children(selection, root, ids)
        known = self.__dict__.setdefault("known", {})
        for id, records in found.items():
            known.setdefault(id, records)
        return {id: known[id] for id in ids}


class ShufflesOutcomes(Memory):
    def apply(self, changes: Any) -> Any:
        return super().apply(changes)[::-1]


class CreatesInsteadOfUpserts(Memory):
    def apply(self, changes: Any) -> Any:
        doubled = []
        for change in changes:
            fields = dict(change.fields)
            plain = Change(change.key + "x", change.operation, change.object, fields, change.id)
            if change.identity is not None:
                plain = replace(plain, operation=Operation.CREATE)
            doubled.append(plain)
        return super().apply(doubled)


class AllFailTogether(Memory):
    def apply(self, changes: Any) -> Any:
        outcomes = super().apply(changes)
        bad = next((one for one in outcomes if isinstance(one, Failed)), None)
        return outcomes if bad is None else tuple(bad for _ in outcomes)


class IgnoresNone(Memory):
    def apply(self, changes: Any) -> Any:
        kept = [
            replace(one, fields={k: v for k, v in one.fields.items() if v is not None})
            for one in changes
        ]
        return super().apply(kept)


class ClearsTheRest(Memory):
    def apply(self, changes: Any) -> Any:
        full = [replace(one, fields={"domain": None, **one.fields}) for one in changes]
        return super().apply(full)


class RaisesFromApply(Memory):
    def apply(self, changes: Any) -> Any:
        outcomes = super().apply(changes)
        for outcome in outcomes:
            if isinstance(outcome, Failed):
                raise outcome.error
        return outcomes


class CallsALossARetry(Memory):
    def apply(self, changes: Any) -> Any:
        return tuple(
            Failed(RetryLater("again", code="X"))
            if isinstance(one, Failed) and isinstance(one.error, OutcomeUnknown)
            else one
            for one in super().apply(changes)
        )


class OneCallEach(Memory):
    def apply(self, changes: Any) -> Any:
        return tuple(super(OneCallEach, self).apply([one])[0] for one in changes)


class SaysYesToTheGone(Memory):
    def apply(self, changes: Any) -> Any:
        return tuple(
            one if isinstance(one, Confirmed) else Confirmed(change.id or "")
            for change, one in zip(changes, super().apply(changes), strict=True)
        )


class Floats(Memory):
    def read(self, selection: Any, ids: Any) -> Any:
        return tuple(
            replace(
                one,
                fields={
                    k: float(v) if k == "annualrevenue" and v is not None else v
                    for k, v in one.fields.items()
                },
            )
            for one in super().read(selection, ids)
        )


class AsciiOnly(Memory):
    def read(self, selection: Any, ids: Any) -> Any:
        return tuple(
            replace(
                one,
                fields={
                    k: v.encode("ascii", "ignore").decode() if isinstance(v, str) else v
                    for k, v in one.fields.items()
                },
            )
            for one in super().read(selection, ids)
        )


class ShowsItsSecret(Memory):
    def __repr__(self) -> str:
        return f"Memory({SECRET})"


class Undescribed(Memory):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        bare = Setting("api_token", "Token", "The token of the account.")
        self.spec = replace(self.spec, settings=(bare,))


class Factless(Memory):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.spec = replace(
            self.spec, objects=tuple(replace(one, source="") for one in self.spec.objects)
        )


class Limitless(Memory):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.spec = replace(self.spec, limits=())


CAUGHT: list[tuple[type[Memory], str]] = [
    (Limitless, "test_the_declaration_is_complete"),
    (Factless, "test_the_facts_of_every_object_are_there"),
    (Undescribed, "test_settings_are_described_and_secrets_flagged"),
    (ShowsItsSecret, "test_no_secret_shows_in_a_connector"),
    (AnotherAccountEachTime, "test_check_says_which_account_answered"),
    (SetsUpOnce, "test_setting_up_twice_is_harmless"),
    (DescribesAnything, "test_describe_refuses_an_unknown_object"),
    (Unordered, "test_records_come_in_the_order_asked"),
    (DropsMissing, "test_a_missing_record_is_a_deleted_one"),
    (DropsMissing, "test_a_removed_record_is_not_live"),
    (OneByOne, "test_reading_takes_as_few_calls_as_batches"),
    (ForgetsSurvivors, "test_a_merged_record_names_its_survivor"),
    (SkipsBetweenPages, "test_a_list_is_complete_and_repeats_nothing"),
    (NeverAtHead, "test_a_list_is_complete_and_repeats_nothing"),
    (DropsWhenSinceIsGiven, "test_since_leaves_out_nothing_newer"),
    (RemembersInItself, "test_ties_across_page_borders_are_complete"),
    (NoOverlap, "test_the_overlap_is_read_again"),
    (NoOverlap, "test_a_record_that_shows_late_is_not_lost"),
    (NewestFirst, "test_creations_and_edits_are_reported"),
    (HeadAtOnce, "test_ties_across_page_borders_are_complete"),
    (SeenOnce, "test_an_edit_during_a_sweep_is_not_lost"),
    (SinceTheStart, "test_creations_and_edits_are_reported"),
    (StuckAtTheFirst, "test_later_sweeps_report_later_changes"),
    (CallsForACursor, "test_the_first_cursor_costs_no_call"),
    (RemovesNothing, "test_removed_records_are_reported_without_fields"),
    (RemovesNothing, "test_a_later_removal_shows_in_a_later_sweep"),
    (PicksTheFirst, "test_an_ambiguous_search_shows_every_candidate"),
    (MinimalCase, "test_an_ambiguous_search_shows_every_candidate"),
    (AnyFieldMatches, "test_all_fields_of_a_query_must_match"),
    (Wildcards, "test_naughty_values_stay_data"),
    (LooksUpNothing, "test_a_lookup_finds_what_we_wrote_and_proves_what_we_did_not"),
    (LooksUpNothing, "test_a_lost_answer_is_unknown_and_a_lookup_settles_it"),
    (CallsALossARetry, "test_a_lost_answer_is_unknown_and_a_lookup_settles_it"),
    (ShufflesOutcomes, "test_outcomes_come_in_the_order_of_the_changes"),
    (CreatesInsteadOfUpserts, "test_one_identity_is_one_record"),
    (AllFailTogether, "test_one_bad_record_does_not_sink_the_others"),
    (AllFailTogether, "test_an_unknown_id_fails_alone"),
    (SaysYesToTheGone, "test_a_removed_record_is_gone"),
    (IgnoresNone, "test_none_clears"),
    (ClearsTheRest, "test_fields_not_sent_stay"),
    (OneCallEach, "test_a_full_batch_is_one_call"),
    (AsciiOnly, "test_text_comes_back"),
]


@pytest.mark.parametrize(("broken", "name"), CAUGHT, ids=lambda one: getattr(one, "__name__", one))
def test_a_broken_connector_is_caught(broken: type[Memory], name: str) -> None:
    getattr(ConnectorContract(), name)(bench_of(Memory))
    # A broken promise may show as any error; what must not happen is nothing.
    with pytest.raises((Exception, pytest.fail.Exception)):
        getattr(ConnectorContract(), name)(bench_of(broken))


def test_ties_are_lost_by_a_cursor_of_time_alone() -> None:
    name = "test_ties_across_page_borders_are_complete"
    getattr(ConnectorContract(), name)(bench_of(Memory, sales_objects(), SALES))
    with pytest.raises(AssertionError, match="lost with pages of 10"):
        getattr(ConnectorContract(), name)(bench_of(CursorByTimeAlone, sales_objects(), SALES))


@pytest.mark.parametrize("broken", [Orphans, KeepsDeadChildren])
def test_broken_families_are_caught(broken: type[Memory]) -> None:
    contract = ConnectorContract()
    contract.test_children_and_roots_find_each_other(bench_of(Memory, sample=DEALS))
    with pytest.raises((AssertionError, KeyError)):
        contract.test_children_and_roots_find_each_other(bench_of(broken, sample=DEALS))


def test_floats_are_caught() -> None:
    sample = replace(CRM, typed={FieldType.DECIMAL: "annualrevenue"})
    for name in ("test_every_type_comes_back", "test_awkward_amounts_and_times_come_back"):
        getattr(ConnectorContract(), name)(bench_of(Memory, sample=sample))
        with pytest.raises(AssertionError):
            getattr(ConnectorContract(), name)(bench_of(Floats, sample=sample))


def test_a_connector_that_raises_from_apply_is_caught() -> None:
    contract = ConnectorContract()
    contract.test_apply_reports_what_it_cannot_do(bench_of(Memory))
    with pytest.raises(Rejected):
        contract.test_apply_reports_what_it_cannot_do(bench_of(RaisesFromApply))


# webhooks


def trusting(settings: Any, request: WebhookRequest) -> Receipt:
    """Parses without verifying."""
    return Receipt(webhooks._parsed(request.body))


def timeless(settings: Any, request: WebhookRequest) -> Receipt:
    """Verifies, whatever the age."""
    stamp = request.header(webhooks.TIMESTAMP_HEADER) or "0"
    at = datetime.fromtimestamp(int(stamp) / 1000, UTC)
    return webhooks.receive(settings, replace(request, received_at=at))


def first_header(settings: Any, request: WebhookRequest) -> Receipt:
    """Takes the first of several headers."""
    pairs = tuple(dict(reversed(request.headers)).items())
    return webhooks.receive(settings, replace(request, headers=pairs))


def default_secret(settings: Any, request: WebhookRequest) -> Receipt:
    """Falls back on a secret of its own."""
    return webhooks.receive({"webhook_secret": SECRET}, request)


def fresh_keys(settings: Any, request: WebhookRequest) -> Receipt:
    """Makes up event keys."""
    receipt = webhooks.receive(settings, request)
    made = request.received_at.isoformat()
    return Receipt(tuple(replace(one, event_key=made) for one in receipt.notices))


def leaks_errors(settings: Any, request: WebhookRequest) -> Receipt:
    """Lets the parser's own errors out."""
    json.loads(request.body)
    return webhooks.receive(settings, request)


@pytest.mark.parametrize(
    ("receive", "name"),
    [
        (trusting, "test_every_changed_byte_is_noticed"),
        (trusting, "test_every_changed_character_of_a_security_header_is_noticed"),
        (timeless, "test_late_and_early_requests_are_refused"),
        (first_header, "test_a_security_header_comes_exactly_once"),
        (default_secret, "test_another_address_or_secret_does_not_verify"),
        (fresh_keys, "test_a_redelivery_has_the_same_keys"),
        (leaks_errors, "test_signed_nonsense_is_refused_in_words"),
    ],
)
def test_a_broken_receiver_is_caught(
    receive: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    getattr(ConnectorContract(), name)(bench_of(Memory))
    monkeypatch.setattr(registry, "receiver", lambda _: receive)
    with pytest.raises((Exception, pytest.fail.Exception)):
        getattr(ConnectorContract(), name)(bench_of(Memory))


# waivers


def stale(waivers: dict[str, str]) -> None:
    contract = type("Contract", (ConnectorContract,), {"waivers": waivers})()
    contract.test_waivers_are_not_stale(bench_of(Memory))


def test_waivers_must_hold() -> None:
    stale({"Transport": "There is no client here to abuse."})
    for wrong in (
        {"Transport": "no"},
        {"Polls": "This connector cannot tell what changed."},
        {"test_no_such_thing": "This reason has outlived its test."},
    ):
        with pytest.raises(AssertionError):
            stale(wrong)
