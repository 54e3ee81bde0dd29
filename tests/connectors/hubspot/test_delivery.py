"""Webhooks as the simulated account sends them, over real HTTP, read by the receiver's half."""

import pytest

from connectors.errors import ForgedRequest
from connectors.hubspot.webhooks import receive
from connectors.records import NoticeKind, Ref, WebhookRequest
from connectors.testing.hostile import HostileServer, always
from sandbox.hubspot.oauth import CLIENT_SECRET


@pytest.fixture
def delivered(world):
    """Sets up delivery; gives a function that reads everything sent so far."""
    with HostileServer(always(200)) as server:
        url = f"{server.url}/webhooks/hubspot?to=a%40b%2Fc%20d"
        world.admin("webhooks", {"url": url, "paused": False})

        def notices(settings=None):
            world.admin("emit?wait_seconds=30")
            taken, server.asked[:] = list(server.asked), []
            return [
                notice
                for asked in taken
                for notice in receive(
                    settings or {"client_secret": CLIENT_SECRET},
                    WebhookRequest(
                        asked.method,
                        server.url + asked.target,
                        tuple(asked.headers.items()),
                        asked.body,
                        world.simulator.clock.now(),
                    ),
                ).notices
            ]

        yield notices


def summary(notices):
    return {(n.kind, n.ref, n.related, n.absorbed) for n in notices}


def test_what_happens_in_the_account_arrives_as_addresses(world, delivered):
    deal = world.create("deals", dealname="x")
    item = world.create("line_items", name="seat", price="1", quantity="1")
    delivered()
    world.mutate("deals", "update", deal, amount="5")
    assert (NoticeKind.CHANGED, Ref("deals", deal), None, ()) in summary(delivered())
    world.associate("deals", deal, "line_items", item)
    found = summary(delivered())
    assert found == {(NoticeKind.ASSOCIATED, Ref("deals", deal), Ref("line_items", item), ())}
    world.mutate("deals", "archive", deal)
    assert (NoticeKind.DELETED, Ref("deals", deal), None, ()) in summary(delivered())
    world.mutate("deals", "restore", deal)
    assert (NoticeKind.RESTORED, Ref("deals", deal), None, ()) in summary(delivered())


def test_a_merge_arrives_as_its_survivor(world, delivered):
    one = world.create("contacts", email="one@example.com")
    two = world.create("contacts", email="two@example.com")
    made = summary(delivered())
    assert {(NoticeKind.CREATED, Ref("contacts", id), None, ()) for id in (one, two)} <= made
    world.mutate("contacts", "merge", one, loser=two)
    merges = [n for n in delivered() if n.kind is NoticeKind.MERGED]
    assert summary(merges) == {(NoticeKind.MERGED, Ref("contacts", one), None, (two,))}


def test_another_secret_does_not_verify(world, delivered):
    world.create("deals", dealname="x")
    with pytest.raises(ForgedRequest):
        delivered({"client_secret": "another"})
