"""HubSpot keeps the contract: over real HTTP, against the simulated account."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from contextlib import contextmanager

import pytest

from connectors.base import FieldType, SetupKind, SetupNeed, Wiring
from connectors.hubspot.connector import build
from connectors.hubspot.properties import write_value
from connectors.records import WebhookRequest
from connectors.testing.bench import Abuse, Bench, Hooks, Sample
from connectors.testing.contract import ConnectorContract
from connectors.testing.declaring import Declaring
from connectors.testing.feeding import Changing, Listing
from connectors.testing.hostile import answer
from connectors.testing.needs import Waivers
from connectors.testing.reading import Families, Reading, Searching
from connectors.testing.writing import Valuing, Writing
from sandbox.hubspot.errors import PORTAL_ID
from sandbox.hubspot.oauth import ACCESS_TOKEN

SECRET = "a-client-secret"
URL = "https://revline.example.com/webhooks/hubspot"

DEALS = Sample(
    object="deals",
    text="dealname",
    match="hs_next_step",
    required={},
    bad={"dealstage": "nonsense"},
    typed={
        FieldType.DECIMAL: "amount",
        FieldType.INSTANT: "closedate",
        FieldType.DATE: "renewal_on",
        FieldType.BOOLEAN: "is_pilot",
    },
    child="line_items",
    child_required={"name": "Seat", "price": 5, "quantity": 2},
    account_is=str(PORTAL_ID),
)
COMPANIES = Sample(
    object="companies",
    text="name",
    match="domain",
    required={"name": "Acme"},
    bad={"numberofemployees": "many"},
    typed={FieldType.DECIMAL: "annualrevenue", FieldType.BOOLEAN: "hs_is_target_account"},
    child="contacts",
    child_required={"lastname": "Reyes"},
    account_is=str(PORTAL_ID),
)
PROPERTIES = {
    "renewal_on": {"label": "Renewal", "type": "date", "fieldType": "date"},
    "is_pilot": {"label": "Pilot", "type": "bool", "fieldType": "booleancheckbox"},
}
LAG_SECONDS = 4


class ContractWorld:
    """The simulated account in the contract's words."""

    def __init__(self, world):
        self.world = world

    def create(self, object, fields):
        return self.world.create(object, **self._texts(fields))

    def update(self, object, id, fields):
        self.world.mutate(object, "update", id, **self._texts(fields))

    def _texts(self, fields):
        return {name: write_value(name, None, value) for name, value in fields.items()}

    def remove(self, object, id):
        self.world.mutate(object, "archive", id)

    def merge(self, object, survivor, loser):
        self.world.mutate(object, "merge", survivor, loser=loser)

    def associate(self, left, right):
        fields = {"object": right.object, "id": right.id}
        body = {"object": left.object, "op": "associate", "id": left.id, "fields": fields}
        self.world.admin("mutate", body)

    def settle(self):
        self.world.shift(LAG_SECONDS + 1)

    @contextmanager
    def still(self):
        self.world.admin("clock", {"freeze": True})
        try:
            yield
        finally:
            self.world.admin("clock", {"freeze": False})

    def now(self):
        return self.world.simulator.clock.now()

    def calls(self):
        return len(self.world.observed)

    def lose_next_answer(self):
        self.world.fault(match={"path": "/batch/upsert"}, action="reset", phase="after")

    def living(self, object, identity):
        counts = self.world.admin("counts?by=external_id")["counts"].get(object, {})
        return len(counts.get(identity.value, {"ids": []})["ids"])


def signed(body, at):
    """A request as HubSpot would send it."""
    stamp = str(int(at.timestamp() * 1000))
    text = f"POST{URL}".encode() + body + stamp.encode()
    digest = hmac.new(SECRET.encode(), text, hashlib.sha256).digest()
    headers = (
        ("x-hubspot-signature-v3", base64.b64encode(digest).decode()),
        ("x-hubspot-request-timestamp", stamp),
    )
    return WebhookRequest("POST", URL, headers, body, at)


def definitions(asked):
    """What must succeed before a client can be abused: the properties."""
    if "/properties/" not in asked.target:
        return None
    names = ("dealname", "name", "domain", "hs_next_step", "hs_object_id", "hs_lastmodifieddate")
    rows = [{"name": name, "type": "string", "fieldType": "text"} for name in names]
    return answer(200, json.dumps({"results": rows}).encode(), Content_Type="application/json")


def bench_over(world, sample, version):
    world.options(index_delay_seconds=LAG_SECONDS)
    wiring = Wiring(
        now=world.simulator.clock.now, observe=world.observed.append, allow_loopback=True
    )
    settings = {"access_token": ACCESS_TOKEN, "base_url": world.url, "api_version": version}

    def again():
        return build(settings, wiring)

    def abused(url):
        short = Wiring(
            now=world.simulator.clock.now,
            observe=lambda _: None,
            allow_loopback=True,
            connect_seconds=0.2,
            read_seconds=0.2,
        )
        return build({**settings, "base_url": url}, short)

    connector = again()
    connector.create(SetupNeed(SetupKind.IDENTITY_FIELD, sample.object, "revline_id"))
    if sample is DEALS:
        for name, definition in PROPERTIES.items():
            described = {"name": name, "groupName": "dealinformation", **definition}
            world.mutate("deals", "add_property", **described)
    connector.describe(sample.object)  # property definitions are read once per connector
    hooks = Hooks(
        settings={"client_secret": SECRET},
        sign=signed,
        body=json.dumps(
            [
                {"subscriptionType": "deal.creation", "objectId": n, "eventId": n, "portalId": 1}
                for n in range(3)
            ]
        ).encode(),
        events=3,
        security=("x-hubspot-signature-v3", "x-hubspot-request-timestamp"),
        secret_setting="client_secret",
    )
    return Bench(
        "hubspot",
        connector,
        ContractWorld(world),
        sample,
        again,
        hooks=hooks,
        abuse=Abuse(abused, definitions),
        secrets=(ACCESS_TOKEN, SECRET),
    )


def complaints(world):
    """What HubSpot would dislike; the contract itself asks for an object that is not there."""
    return [v for v in world.violations() if v["kind"] != "unknown_object"]


class TestDeals(ConnectorContract):
    kind = "hubspot"

    @pytest.fixture
    def bench(self, world):
        yield bench_over(world, DEALS, "2026-09")
        assert complaints(world) == []


class TestCompanies(
    Declaring, Reading, Listing, Changing, Searching, Families, Writing, Valuing, Waivers
):
    """The groups that depend on the object, over the numbered paths."""

    @pytest.fixture
    def bench(self, world):
        yield bench_over(world, COMPANIES, "v3")
        assert complaints(world) == []
