"""Webhooks: their credentials, what they say, and late, twice, out of order, or not at all."""

from __future__ import annotations

import base64

import pytest
import requests


def listen(client, ear, **more):
    client.admin("webhooks", {"url": ear.url, **more})


def settled(client):
    return client.look("emit?wait_seconds=10")


def heard(client, ear):
    settled(client)
    return [body for _, body in ear.heard]


@pytest.mark.parametrize(
    ("given", "header"),
    [
        ({}, None),
        ({"auth": "bearer", "token": "t0ken"}, "Bearer t0ken"),
        (
            {"auth": "basic", "username": "revline", "password": "pass:word"},
            "Basic " + base64.b64encode(b"revline:pass:word").decode(),
        ),
    ],
)
def test_credentials(client, ear, given, header) -> None:
    listen(client, ear, **given)
    client.generate()
    settled(client)
    assert [authorization for authorization, _ in ear.heard] == [header]


def test_the_envelope(client, ear) -> None:
    listen(client, ear)
    id = client.generate()
    (body,) = heard(client, ear)
    assert set(body) == {
        "event_info", "execution_date", "executed_by", "impersonated_by", "dealhub_quote_id",
        "dealhub_opportunity_id", "additional_data",
    }  # fmt: skip
    assert body["dealhub_quote_id"] == id
    assert body["event_info"]["api_version"] == "1.0"
    assert body["execution_date"] == "2026-09-01 08:00:00"


def test_each_event_of_a_life_has_an_id_of_its_own(client, ear) -> None:
    listen(client, ear)
    id = client.generate(request_action="submit", total_sales_discount=25)
    client.person("reject", id, comment="no")
    client.person("revise", id, total_sales_discount=5)
    for act in ("submit", "publish", "win"):
        client.person(act, id)
    bodies = heard(client, ear)
    assert len(bodies) == 7
    assert len({body["event_info"]["event_id"] for body in bodies}) == 7
    assert len({body["event_info"]["webhook_id"] for body in bodies}) == 6  # two drafts
    assert {body["dealhub_quote_id"] for body in bodies} == {id}


def test_only_the_events_that_were_asked_for(client, ear) -> None:
    listen(client, ear, events=["quoteWon"])
    id = client.generate(request_action="publish")
    client.person("win", id)
    assert len(heard(client, ear)) == 1


def test_an_event_that_fails_is_not_sent_again(client, ear) -> None:
    listen(client, ear)
    ear.status = 500
    client.generate()
    settled(client)
    client.shift(86_400 * 30)
    settled(client)
    assert len(ear.heard) == 1
    (event,) = settled(client)["events"]
    assert event["given_up"] is True


def test_twice_and_never(client, ear) -> None:
    listen(client, ear)
    client.admin("options", {"webhook_repeat_every": 2, "webhook_drop_every": 3})
    ids = [client.generate() for _ in range(6)]
    told = [body["dealhub_quote_id"] for body in heard(client, ear)]
    assert [told.count(id) for id in ids] == [1, 2, 0, 2, 1, 0]
    events = {body["event_info"]["event_id"] for body in heard(client, ear)}
    assert len(events) == 4


def test_late_and_in_another_order(client, ear) -> None:
    listen(client, ear)
    client.admin("options", {"webhook_delay_seconds": 60, "webhook_jitter_seconds": 600})
    ids = [client.generate() for _ in range(8)]
    assert heard(client, ear) == []
    for _ in range(12):
        client.shift(60)
        settled(client)
    told = [body["dealhub_quote_id"] for body in heard(client, ear)]
    assert sorted(told) == sorted(ids)
    assert told != ids


def test_a_request_whose_time_comes_tells_of_itself(client, ear) -> None:
    listen(client, ear)
    client.admin("options", {"request_seconds": 30})
    accepted = client.accepted("/api/v1/quote/generate", client.body(request_action="submit"))
    assert heard(client, ear) == []
    client.shift(31)
    bodies = heard(client, ear)
    assert len(bodies) == 2
    assert bodies[1]["event_info"]["request_id"] == accepted["request_id"]


@pytest.mark.parametrize(
    "body",
    [{"auth": "hmac"}, {"url": "http://127.0.0.1:9", "events": ["quoteEaten"]}, {"colour": 1},
     {"auth": "bearer"}],
)  # fmt: skip
def test_webhooks_that_make_no_sense(client, body) -> None:
    answer = requests.post(f"{client.admin_url}/webhooks", json=body, timeout=10)
    assert answer.status_code == 400


def test_signatures_on_demand(client, ear) -> None:
    listen(client, ear, auth="bearer", token="t0ken")
    event = {"event_info": {"event_id": "E"}, "dealhub_quote_id": "Q"}
    for signature in ("good", "wrong", "missing"):
        client.admin("emit", {"events": [event], "signature": signature, "wait_seconds": 10})
    assert [header for header, _ in ear.heard] == ["Bearer t0ken", "Bearer t0ken-not", None]
