"""Writing, against the simulated account: one outcome per change, whatever happens."""

import threading
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from connectors.base import Confirmed, Failed, SetupKind, SetupNeed
from connectors.errors import (
    AuthFailed,
    DuplicateFound,
    Gone,
    OutcomeUnknown,
    QuotaSpent,
    RateLimited,
    Rejected,
    RetryLater,
    UnexpectedAnswer,
)
from connectors.hubspot.connector import build
from connectors.records import Absent, Change, Found, Identity, Operation, Ref, Selection
from sandbox.hubspot.events import APP_ID
from sandbox.hubspot.oauth import ACCESS_TOKEN, CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN

IDENTITY = SetupNeed(SetupKind.IDENTITY_FIELD, "deals", "revline_id")


@pytest.fixture
def prepared(connector, world):
    for object in ("deals", "companies"):
        connector.create(SetupNeed(SetupKind.IDENTITY_FIELD, object, "revline_id"))
    return connector


def upsert(n, object="deals", **fields):
    identity = Identity("revline_id", f"revline-{object}-{n}")
    return Change(f"k{n}", Operation.UPSERT, object, fields, identity=identity)


def update(id, key="k", object="deals", **fields):
    return Change(key, Operation.UPDATE, object, fields, id=id)


def test_upsert_creates_once_and_then_updates(prepared, world, deals):
    first = prepared.apply([upsert(1, dealname="One", amount=Decimal("10.50"))])
    second = prepared.apply([upsert(1, dealname="Two")])
    assert isinstance(first[0], Confirmed)
    assert (first[0].created, second[0].created) == (True, False)
    assert first[0].id == second[0].id
    assert first[0].fields["amount"] == Decimal("10.50")
    assert first[0].request_id
    assert second[0].version > first[0].version
    (record,) = prepared.read(deals, [first[0].id])
    assert record.get("dealname") == "Two"
    assert record.version == second[0].version
    counts = world.admin("counts?by=external_id")["counts"]["deals"]["revline-deals-1"]
    assert (counts["creates"], counts["changing_updates"]) == (1, 1)
    assert world.violations() == []


def test_a_hundred_records_are_one_call(prepared, world):
    prepared.apply([upsert(0, dealname="x")])
    world.mark()
    outcomes = prepared.apply([upsert(n, dealname=str(n)) for n in range(100)])
    assert world.calls() == {"upsert": 1}
    assert [type(o) for o in outcomes] == [Confirmed] * 100
    by_name = {o.fields["dealname"]: n for n, o in enumerate(outcomes)}
    assert by_name == {str(n): n for n in range(100)}


def test_one_bad_record_leaves_the_others_alone(prepared, world):
    changes = [upsert(n, dealname=str(n)) for n in range(100)]
    changes[41] = upsert(41, dealname="41", dealstage="no-such-stage", amount="many")
    changes[42] = upsert(42, dealname="42", amount=1.5)
    outcomes = prepared.apply(changes)
    failed = {n: o for n, o in enumerate(outcomes) if isinstance(o, Failed)}
    assert set(failed) == {41, 42}
    assert isinstance(failed[41].error, Rejected)
    assert set(failed[41].error.field_errors) == {"dealstage", "amount"}
    assert failed[41].error.code
    assert failed[42].error.code == "VALUE_UNFIT"


def test_types_survive_the_round_trip(prepared, world):
    when = datetime(2026, 3, 31, 12, 30, 15, 250_000, UTC)
    (deal,) = prepared.apply(
        [upsert(1, dealname="ß 🚀 \n", closedate=when, amount=Decimal("0.10"), hs_next_step="a")]
    )
    fields = ("amount", "closedate", "dealname", "hs_next_step")
    (read,) = prepared.read(Selection("deals", fields), [deal.id])
    assert dict(read.fields) == {
        "amount": Decimal("0.10"),
        "closedate": when,
        "dealname": "ß 🚀 \n",
        "hs_next_step": "a",
    }
    prepared.apply([update(deal.id, hs_next_step=None)])
    (read,) = prepared.read(Selection("deals", fields), [deal.id])
    assert read.get("hs_next_step") is None
    (person,) = prepared.apply(
        [
            Change(
                "p",
                Operation.UPSERT,
                "contacts",
                {
                    "date_of_birth": date(1990, 2, 3),
                    "hs_buying_role": ("BLOCKER", "CHAMPION"),
                    "hs_email_optout": True,
                },
                identity=Identity("email", "p@example.com"),
            )
        ]
    )
    assert person.fields["date_of_birth"] == date(1990, 2, 3)
    assert person.fields["hs_buying_role"] == ("BLOCKER", "CHAMPION")
    assert person.fields["hs_email_optout"] is True
    assert world.violations() == []


def test_an_upsert_by_a_further_address_keeps_the_first(connector, world):
    one = world.create("contacts", email="one@example.com")
    two = world.create("contacts", email="two@example.com")
    world.mutate("contacts", "merge", one, loser=two)
    identity = Identity("email", "two@example.com")
    change = Change("k", Operation.UPSERT, "contacts", {"firstname": "A"}, identity=identity)
    (outcome,) = connector.apply([change])
    assert outcome.id == one
    wanted = Selection("contacts", ("email", "firstname"))
    (record,) = connector.read(wanted, [one])
    assert dict(record.fields) == {"email": "one@example.com", "firstname": "A"}
    (found,) = connector.lookup(wanted, [identity])
    assert isinstance(found, Found)
    assert found.record.ref.id == one


def test_create_carries_its_identity_and_a_repeat_is_a_duplicate(prepared, deals):
    identity = Identity("revline_id", "revline-deals-9")
    change = Change("c", Operation.CREATE, "deals", {"dealname": "x"}, identity=identity)
    (made,) = prepared.apply([change])
    assert made.created is True
    (again,) = prepared.apply([change])
    assert isinstance(again.error, DuplicateFound)
    assert again.error.candidates == (Ref("deals", made.id),)
    (found,) = prepared.lookup(deals, [identity])
    assert found.record.ref.id == made.id


def test_a_taken_email_names_its_holder(connector, world):
    holder = world.create("contacts", email="taken@example.com")
    other = world.create("contacts", email="free@example.com")
    (outcome,) = connector.apply([update(other, object="contacts", email="taken@example.com")])
    assert isinstance(outcome.error, DuplicateFound)
    assert outcome.error.candidates == (Ref("contacts", holder),)


def test_updates_by_id_and_what_is_gone(connector, world):
    live, archived = (world.create("deals", dealname=n) for n in "ab")
    world.mutate("deals", "archive", archived)
    outcomes = connector.apply(
        [
            update(archived, "1", dealname="x"),
            update(live, "2", dealname="y"),
            update("7", "3", dealname="z"),
        ]
    )
    assert isinstance(outcomes[0].error, Gone)
    assert outcomes[1].id == live
    assert isinstance(outcomes[2].error, Gone)


def test_a_record_that_the_answer_leaves_out_is_in_doubt(connector, world):
    one, two, three = (world.create("deals", dealname=n) for n in "abc")
    world.mutate("deals", "merge", one, loser=two)
    outcomes = connector.apply([update(two, "1", dealname="x"), update(three, "2", dealname="y")])
    assert isinstance(outcomes[0].error, OutcomeUnknown)
    assert outcomes[0].error.code == "LEFT_OUT"
    assert outcomes[1].id == three


def test_delete_archives(connector, world, deals):
    id = world.create("deals", dealname="x")
    change = Change("d", Operation.DELETE, "deals", {}, id=id)
    assert connector.apply([change])[0].id == id
    assert connector.read(deals, [id])[0].life.value == "archived"
    assert isinstance(connector.apply([change])[0], Confirmed)
    assert world.violations() == []


def test_the_same_record_twice_takes_turns(prepared):
    outcomes = prepared.apply(
        [
            upsert(1, dealname="a"),
            Change(
                "again",
                Operation.UPSERT,
                "deals",
                {"dealname": "b"},
                identity=Identity("revline_id", "revline-deals-1"),
            ),
        ]
    )
    assert isinstance(outcomes[0], Confirmed)
    assert isinstance(outcomes[1].error, RetryLater)


@pytest.mark.parametrize(
    "fault",
    [
        {"action": "reset", "phase": "after"},
        {"action": "truncate", "at": 20},
        {"action": "status", "phase": "after", "status": 502, "body": "<html>"},
        {"action": "status", "phase": "after", "status": 500},
        {"action": "redirect", "phase": "after", "location": "http://127.0.0.1:1/"},
        {"action": "status", "phase": "after", "status": 200, "body": "[]"},
        {"action": "status", "phase": "after", "status": 200, "body": '{"results": '},
    ],
)
def test_a_lost_answer_is_in_doubt_and_the_lookup_finds_the_record(prepared, world, deals, fault):
    prepared.describe("deals")
    world.fault(match={"path": "/batch/upsert"}, **fault)
    outcomes = prepared.apply([upsert(1, dealname="a"), upsert(2, dealname="b")])
    elsewhere = fault["action"] == "redirect"
    kind = UnexpectedAnswer if elsewhere else OutcomeUnknown
    assert [type(o.error) for o in outcomes] == [kind] * 2
    asked = [Identity("revline_id", f"revline-deals-{n}") for n in (1, 2, 3)]
    assert [type(a) for a in prepared.lookup(deals, asked)] == [Found, Found, Absent]
    counts = world.admin("counts?by=external_id")["counts"]["deals"]
    assert {c["creates"] for c in counts.values()} == {1}


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"status": 429}, RateLimited),
        ({"status": 423}, RetryLater),
        ({"status": 477}, RateLimited),
        ({"status": 401}, AuthFailed),
        ({"status": 400}, Rejected),
        (
            {"status": 429, "body": '{"policyName": "DAILY", "message": "daily"}'},
            QuotaSpent,
        ),
    ],
)
def test_a_refused_call_fails_every_change_with_the_error_itself(prepared, world, fault, kind):
    prepared.describe("deals")
    world.fault(match={"path": "/batch/upsert"}, action="status", **fault)
    outcomes = prepared.apply([upsert(1, dealname="a"), upsert(2, dealname="b")])
    assert [type(o.error) for o in outcomes] == [kind] * 2
    assert world.admin("state")["objects"].get("deals", {}) == {}


def test_the_daily_limit_ends_at_the_accounts_midnight(prepared, world):
    prepared.check()
    body = '{"policyName": "DAILY", "message": "You have reached your daily limit."}'
    world.fault(match={"path": "/batch/upsert"}, action="status", status=429, body=body)
    (outcome,) = prepared.apply([upsert(1, dealname="a")])
    assert isinstance(outcome.error, QuotaSpent)
    assert outcome.error.until.astimezone(UTC).hour in (22, 23)  # Berlin's midnight


def test_a_connection_that_cannot_be_made_fails_before_anything_happens(wiring):
    connector = build({"access_token": "t", "base_url": "http://127.0.0.1:1"}, wiring)
    (outcome,) = connector.apply([upsert(1, dealname="a")])
    assert isinstance(outcome.error, RetryLater)
    connector.close()


@pytest.mark.parametrize("size", [0, 101])
def test_batches_of_no_size_and_too_large(prepared, size):
    outcomes = prepared.apply([upsert(n, dealname="x") for n in range(size)])
    assert len(outcomes) == size
    assert all(o.error.code == "BATCH_TOO_BIG" for o in outcomes)


# -- setup -----------------------------------------------------------------------------------------


def test_setup_of_the_identity_property(connector, world):
    (step,) = connector.inspect([IDENTITY])
    assert (step.present, step.creatable) == (False, True)
    assert any("revline_id" in line for line in step.instructions)
    connector.create(IDENTITY)
    connector.create(IDENTITY)
    (step,) = connector.inspect([IDENTITY])
    assert step.present is True
    held = connector.describe("deals").fields["revline_id"]
    assert held.unique
    assert held.writable
    assert world.violations() == []


def test_a_property_that_is_not_unique_is_said_so(connector, world):
    need = SetupNeed(SetupKind.IDENTITY_FIELD, "deals", "dealname")
    (step,) = connector.inspect([need])
    assert (step.present, step.creatable) == (False, False)
    with pytest.raises(Rejected, match="unique"):
        connector.create(need)


def test_permissions_and_webhooks(connector, world):
    world.options(missing_scopes=["crm.objects.deals.write"])
    needs = [
        SetupNeed(SetupKind.PERMISSION, "deals", "crm.objects.deals.read"),
        SetupNeed(SetupKind.PERMISSION, "deals", "crm.objects.deals.write"),
        SetupNeed(SetupKind.WEBHOOK, "deals", "change"),
    ]
    steps = connector.inspect(needs)
    assert [step.present for step in steps] == [True, False, None]
    assert any("deal.propertyChange" in line for line in steps[2].instructions)
    with pytest.raises(Rejected):
        connector.create(needs[2])


def test_subscriptions_are_seen_and_created_where_an_app_is_named(world, wiring):
    settings = {"access_token": ACCESS_TOKEN, "base_url": world.url, "app_id": str(APP_ID)}
    connector = build(settings, wiring)
    needs = [
        SetupNeed(SetupKind.WEBHOOK, "deals", "creation"),
        SetupNeed(SetupKind.WEBHOOK, "deals", "change:amount"),
        SetupNeed(SetupKind.WEBHOOK, "deals", "change"),
        SetupNeed(SetupKind.WEBHOOK, "0-8", "deletion"),
    ]
    steps = connector.inspect(needs)
    assert [(s.present, s.creatable) for s in steps] == [
        (False, True),
        (False, True),
        (False, False),
        (False, True),
    ]
    for need in (needs[0], needs[0], needs[1], needs[3]):
        connector.create(need)
    assert [step.present for step in connector.inspect(needs)] == [True] * 4
    with pytest.raises(Rejected):
        connector.create(needs[2])
    held = world.simulator.account.events.subscriptions.values()
    assert [s.event_type for s in held] == [
        "deal.creation",
        "deal.propertyChange",
        "line_item.deletion",
    ]
    connector.close()
    assert world.violations() == []


def test_describe(connector):
    deals = connector.describe("deals").fields
    assert deals["dealtype"].options == ("newbusiness", "existingbusiness")
    assert deals["dealtype"].restricted
    assert not deals["hs_mrr"].writable
    assert deals["hubspot_owner_id"].references == ("owners",)
    assert connector.describe("contacts").fields["email"].unique


# -- OAuth -----------------------------------------------------------------------------------------


@pytest.fixture
def oauth(world, wiring, version):
    settings = {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "refresh_token": REFRESH_TOKEN,
        "base_url": world.url,
        "api_version": version,
    }
    made = build(settings, wiring)
    yield made
    made.close()


def test_oauth_refreshes_once_per_expiry_for_many_threads(oauth, world, deals):
    world.options(rotate_refresh_tokens=True)
    world.create("deals", dealname="x")
    for round_ in (1, 2):
        together, errors = threading.Barrier(6), []

        def work(together=together, errors=errors):
            together.wait()
            try:
                oauth.list(deals, None, 10)
            except Exception as error:
                errors.append(error)

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert world.calls()["oauth"] == round_
        world.shift(1800)


def test_a_token_refused_before_its_time_is_replaced_once(oauth, world):
    oauth.check()
    world.simulator.oauth.tokens.access.clear()
    oauth.check()
    assert world.calls()["oauth"] == 2
    world.fault(match={"path": "/details"}, action="status", status=401, times=None)
    with pytest.raises(AuthFailed):
        oauth.check()
    assert world.calls()["oauth"] == 3


def test_a_bad_refresh_token_needs_a_person(world, wiring):
    settings = {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "refresh_token": "canary-refresh",
        "base_url": world.url,
    }
    connector = build(settings, wiring)
    for _ in range(2):
        with pytest.raises(AuthFailed) as caught:
            connector.check()
        assert "canary" not in str(caught.value)
    assert world.calls() == {"oauth": 1}
    connector.close()


def test_scopes_of_an_oauth_token(oauth):
    need = SetupNeed(SetupKind.PERMISSION, "deals", "crm.objects.deals.read")
    assert oauth.inspect([need])[0].present is True


@pytest.mark.parametrize(
    "settings", [{}, {"client_id": "a"}, {"access_token": "t", "api_version": "v2"}]
)
def test_incomplete_settings_are_said_so(settings, wiring):
    with pytest.raises(Rejected):
        build({**settings, "base_url": "http://127.0.0.1:1"}, wiring)
