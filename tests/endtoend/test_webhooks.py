"""Webhooks of the HubSpot simulator through the receiver, the spool and the engine."""

from __future__ import annotations

import random
import socket
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.hubspot.oauth import CLIENT_SECRET
from sandbox.hubspot.webhooks import signature_v3
from tests.endtoend.world import BLANK, PUBLIC_URL, Line

BODY_MAX_BYTES = 1_048_576
OWN = ("Id", "CreatedById", "LastModifiedById", "OwnerId")


def signed(body: bytes, line: Line) -> dict[str, str]:
    stamp = str(int(line.clock.now().timestamp() * 1000))
    url = f"{PUBLIC_URL}/webhooks/hubspot"
    return {
        "X-HubSpot-Request-Timestamp": stamp,
        "X-HubSpot-Signature-v3": signature_v3(CLIENT_SECRET, "POST", url, body, stamp),
    }


def post(url: str, body: bytes, headers: Mapping[str, str]) -> requests.Response:
    return requests.post(f"{url}/webhooks/hubspot", data=body, headers=headers, timeout=30)


def kept(line: Line) -> int:
    """How many requests lie in the spool."""
    return len(line.project.spool().after(0, 1000))


def event(id: str, kind: str = "contact.propertyChange", **more: Any) -> dict[str, Any]:
    return {
        "eventId": 1,
        "subscriptionId": 1,
        "portalId": 1,
        "appId": 1,
        "occurredAt": int(datetime.now(UTC).timestamp() * 1000),
        "subscriptionType": kind,
        "attemptNumber": 0,
        "objectId": int(id),
        **more,
    }


def test_an_edit_arrives_by_webhook_without_a_poll(line: Line) -> None:
    contact = line.create("hubspot", "contacts", lastname="Sato", email="sato@kite.example")
    line.calm()
    line.rest()
    with line.receiving(), line.spent() as spent:
        line.update("hubspot", "contacts", contact, jobtitle="CFO")
        answers = line.delivered()
        assert line.runner.until_idle(60, look_again=False)
    assert [one["statuses"] for one in answers] == [[200]]
    assert line.one("salesforce", "Lead")["Title"] == "CFO"
    assert spent.of("hubspot", "POST", "/search$") == 0
    syncs = len([one for one in line.config.syncs.values() if one.source.object == "contacts"])
    assert spent.on("hubspot", "POST", "/objects/2026-09/contacts/batch/read$") <= syncs
    assert spent.writes.total() == 1
    line.verify()


def test_redelivered_events_cost_nothing(line: Line) -> None:
    contact = line.create("hubspot", "contacts", lastname="Sato", email="sato@kite.example")
    line.calm()
    line.rest()
    with line.receiving():
        line.update("hubspot", "contacts", contact, jobtitle="CFO")
        (first,) = line.delivered()
        assert line.runner.until_idle(60, look_again=False)
        with line.spent() as spent:
            for order in ("given", "shuffle"):
                command = {"events": [first["event"]], "duplicates": 3, "order": order}
                line.post("hubspot", "emit", {**command, "batch_max": 1, "wait_seconds": 30})
            assert line.runner.until_idle(60, look_again=False)
    assert kept(line) == 9
    assert spent.total == 0
    line.verify()


@pytest.mark.parametrize("signature", ["wrong", "old", "future", "missing"])
def test_what_is_not_provably_hubspots_is_refused_and_not_kept(line: Line, signature: str) -> None:
    with line.receiving():
        report = line.post(
            "hubspot",
            "emit",
            {"events": [event("123")], "signature": signature, "wait_seconds": 30},
        )
    assert [one["statuses"] for one in report["events"]] == [[401]]
    assert kept(line) == 0


def test_a_replayed_request_is_refused_once_its_time_is_over(line: Line) -> None:
    body = b"[]"
    headers = signed(body, line)
    with line.receiving() as url:
        assert post(url, body, headers).status_code == 200
        line.shift(minutes=6)
        assert post(url, body, headers).status_code == 401


MALFORMED: Mapping[str, bytes] = {
    "not JSON": b"{",
    "not a list": b'{"a": 1}',
    "not events": b'["x"]',
    "no object id": b'[{"subscriptionType": "contact.creation"}]',
    "an id that is none": b'[{"subscriptionType": "contact.creation", "objectId": "../1"}]',
    "not UTF-8": b'[{"subscriptionType": "contact.\xff\xfe"}]',
    "a lone surrogate": rb'[{"subscriptionType": "contact.creation", "objectId": "\ud800"}]',
    "too deep": b"[" * 5000 + b"]" * 5000,
    "a key twice": b'[{"subscriptionType": "contact.creation", "objectId": 1, "objectId": 2}]',
    "not a number": b'[{"subscriptionType": "contact.creation", "objectId": NaN}]',
    "nothing": b"",
}


def test_well_signed_nonsense_is_refused_without_a_traceback(
    line: Line, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with line.receiving() as url:
        for name, body in MALFORMED.items():
            answer = post(url, body, signed(body, line))
            assert 400 <= answer.status_code < 500, (name, answer.status_code)
            assert "Traceback" not in answer.text, name
        large = b"[" + b" " * BODY_MAX_BYTES + b"]"
        assert post(url, large, signed(large, line)).status_code == 413
        unknown = requests.post(f"{url}/webhooks/nobody", data=b"[]", timeout=30)
        assert unknown.status_code == 404
    assert kept(line) == 0
    printed = capsys.readouterr()
    assert "Traceback" not in caplog.text + printed.out + printed.err
    assert CLIENT_SECRET not in caplog.text + printed.out + printed.err


def test_a_body_that_never_ends_is_cut_off(line: Line) -> None:
    with line.receiving() as url:
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=30) as client:
            head = f"POST /webhooks/hubspot HTTP/1.1\r\nHost: {host}\r\n"
            client.sendall(head.encode() + b"Transfer-Encoding: chunked\r\n\r\n")
            chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
            answer = b""
            try:
                for _ in range(2 * BODY_MAX_BYTES // 65536):
                    client.sendall(chunk)
                answer = client.recv(65536)
            except ConnectionError:
                pass
        assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
    assert kept(line) == 0


# -- one history, however it arrives ----------------------------------------------------------


def history(line: Line, between: Callable[[], None]) -> None:
    """A few days of somebody's work, with a pause for the engine after each step."""
    company = line.create("hubspot", "companies", name="Arc", domain="arc.example")
    other = line.create("hubspot", "companies", name="Kite", domain="kite.example")
    product = line.create("hubspot", "products", name="Seat", hs_sku="SEAT", price="10")
    between()
    person = line.create("hubspot", "contacts", lastname="Sato", email="sato@arc.example")
    line.associate("contacts", person, "companies", company)
    line.create("hubspot", "contacts", lastname="Berg", email="berg@free.example")
    between()
    deal = line.create(
        "hubspot",
        "deals",
        dealname="Rollout",
        dealstage="appointmentscheduled",
        pipeline="default",
        closedate="2026-12-01T00:00:00Z",
        deal_currency_code="USD",
    )
    line.associate("deals", deal, "companies", company)
    line.associate("deals", deal, "contacts", person)
    items = []
    for name in ("one", "two"):
        fields = {"name": name, "hs_product_id": product, "quantity": "2", "price": "10"}
        items.append(line.create("hubspot", "line_items", **fields))
        line.associate("deals", deal, "line_items", items[-1])
    between()
    line.update("hubspot", "contacts", person, jobtitle="CFO")
    line.update("hubspot", "line_items", items[0], quantity="7")
    line.update("hubspot", "companies", other, city="Lund")
    between()
    line.mutate("hubspot", "line_items", "archive", items[1])
    line.mutate("hubspot", "deals", "dissociate", deal, object="companies", id=company)
    line.associate("deals", deal, "companies", other)
    line.update("hubspot", "deals", deal, dealname="Rollout, Kite")
    between()


def outcome(line: Line) -> dict[str, list[dict[str, Any]]]:
    """What is in Salesforce, by our identities instead of its ids and times."""
    names: dict[str, str] = {}
    for object in line.salesforce.org.tables:
        for id, row in line.live("salesforce", object).items():
            names[id] = str(row.get("Revline_Id__c") or row.get("Name") or object)
    found: dict[str, list[dict[str, Any]]] = {}
    for object in ("Account", "Contact", "Lead", "Opportunity", "OpportunityLineItem"):
        rows = [
            {
                key: names.get(str(value), value)
                for key, value in row.items()
                if key not in OWN and "Date" not in key and "Modstamp" not in key
            }
            for row in line.live("salesforce", object).values()
        ]
        found[object] = sorted(rows, key=lambda row: str(row.get("Revline_Id__c")))
    return found


def by_polls(folder: Path) -> dict[str, list[dict[str, Any]]]:
    line = Line(folder, sizes=BLANK)
    try:
        line.settle()
        history(line, line.rest)
        line.rest(hours=2)
        return finished(line)
    finally:
        line.close()


def by_webhooks(folder: Path, seed: int, *, polls: bool) -> dict[str, list[dict[str, Any]]]:
    """Every event twice, in another order, in requests of three."""
    line = Line(folder, sizes=BLANK)
    chance = random.Random(seed)
    try:
        line.settle()
        with line.receiving():
            told: list[dict[str, Any]] = []
            history(line, lambda: tell(line, told, chance, polls=polls))
        return finished(line)
    finally:
        line.close()


def tell(line: Line, told: list[dict[str, Any]], chance: random.Random, *, polls: bool) -> None:
    line.delivered()
    events = [one["event"] for one in line.delivered() if one["emission"] == "auto"]
    fresh = [one for one in events if one not in told]
    told.extend(fresh)
    again = {"order": "shuffle", "seed": chance.randrange(1000), "batch_max": 3, "duplicates": 1}
    line.post("hubspot", "emit", {"events": fresh, **again, "wait_seconds": 30})
    if polls:
        line.runner.poll_now()
    assert line.runner.until_idle(600)
    line.shift(minutes=1)


def finished(line: Line) -> dict[str, list[dict[str, Any]]]:
    assert line.codes() == []
    for object, counts in line.counts("salesforce").items():
        for id, count in counts.items():
            assert count["creates"] <= 1, (object, id, count)
    line.verify()
    return outcome(line)


def test_one_history_ends_in_one_state_however_it_arrives(tmp_path: Path) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    ways: dict[str, Callable[[Path], dict[str, list[dict[str, Any]]]]] = {
        "polls": by_polls,
        "webhooks": lambda folder: by_webhooks(folder, seed, polls=False),
        "both": lambda folder: by_webhooks(folder, seed, polls=True),
    }
    found = {}
    for name, run in ways.items():
        folder = tmp_path / name
        folder.mkdir()
        found[name] = run(folder)
    assert found["polls"]["Account"] != []
    assert len(found["polls"]["OpportunityLineItem"]) == 1
    assert found["webhooks"] == found["polls"]
    assert found["both"] == found["polls"]
