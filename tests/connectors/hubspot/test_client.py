"""The client, against servers that misbehave in ways HubSpot's simulator would not."""

import json

import pytest

from connectors.base import Failed, Wiring
from connectors.errors import AccessDenied, OutcomeUnknown, RetryLater, UnexpectedAnswer
from connectors.hubspot.connector import build
from connectors.records import Change, Operation, Selection
from connectors.testing.hostile import HostileServer, always, answer

SECRET = "pat-canary-0001"
DEALS = Selection("deals", ("dealname",))
UPDATE = Change("k", Operation.UPDATE, "deals", {"dealname": "x"}, id="1")
PROPERTIES = json.dumps(
    {
        "results": [
            {"name": "dealname", "type": "string"},
            {"name": "hs_object_id", "type": "number"},
        ]
    }
).encode()


@pytest.fixture
def connect(long_ago):
    made = []

    def to(server):
        wiring = Wiring(
            now=lambda: long_ago,
            observe=lambda call: None,
            allow_loopback=True,
            connect_seconds=1,
            read_seconds=1,
        )
        made.append(build({"access_token": SECRET, "base_url": server.url}, wiring))
        return made[-1]

    yield to
    for connector in made:
        connector.close()


def after_properties(then):
    """Answers the definitions, and everything else with ``then``."""

    def answering(asked):
        if "/properties/" in asked.target:
            yield answer(200, PROPERTIES)
        else:
            yield from then(asked)

    return answering


@pytest.mark.parametrize("body", [b"\xff\xfe\x00", b"", b"<html>down</html>", b"[" * 500])
def test_an_error_keeps_its_meaning_whatever_its_body_is(connect, body):
    with HostileServer(after_properties(always(503, body))) as server:
        connector = connect(server)
        with pytest.raises(RetryLater) as caught:
            connector.read(DEALS, ["1"])
        assert caught.value.status == 503
        (outcome,) = connector.apply([UPDATE])
        assert isinstance(outcome, Failed)
        assert isinstance(outcome.error, OutcomeUnknown)
        assert outcome.error.status == 503


def test_an_error_that_repeats_the_token_is_not_passed_on(connect):
    def echo(asked):
        body = {"message": f"bad: {asked.headers.get('authorization', '')}"}
        yield answer(400, json.dumps(body).encode())

    with HostileServer(echo) as server:
        with pytest.raises(Exception, match="bad: Bearer") as caught:
            connect(server).check()
        assert SECRET not in str(caught.value)
        assert "***" in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{}",
        b"null",
        b'{"results": 1}',
        b'{"results": [1]}',
        b'{"results": [{"id": null, "properties": {}}]}',
        b'{"results": [{"id": "1"}]}',
        b'{"results": [], "results": []}',
        b'{"results": [NaN]}',
    ],
)
def test_an_answer_of_another_shape_is_unexpected_and_a_write_is_in_doubt(connect, body):
    with HostileServer(after_properties(always(200, body))) as server:
        connector = connect(server)
        with pytest.raises(UnexpectedAnswer):
            connector.read(DEALS, ["1"])
        (outcome,) = connector.apply([UPDATE])
        if body != b'{"results": [{"id": "1"}]}':  # enough for a write
            assert isinstance(outcome.error, OutcomeUnknown)


def test_trouble_before_a_write_leaves_nothing_in_doubt(connect):
    with HostileServer(always(200, b"nonsense")) as server:
        (outcome,) = connect(server).apply([UPDATE])
        assert isinstance(outcome.error, RetryLater)


def test_a_list_that_does_not_end_is_noticed(connect):
    page = {
        "results": [{"id": "1", "properties": {}}],
        "paging": {"next": {"after": "5"}},
    }
    with HostileServer(after_properties(always(200, json.dumps(page).encode()))) as server:
        connector = connect(server)
        first = connector.list(DEALS, None, 10)
        with pytest.raises(UnexpectedAnswer):
            connector.list(DEALS, first.cursor, 10)


def test_a_partial_read_error_is_no_deletion(connect):
    body = {
        "results": [],
        "errors": [{"status": "error", "category": "MISSING_SCOPES", "context": {"ids": ["1"]}}],
    }
    answering = after_properties(always(207, json.dumps(body).encode()))
    with HostileServer(answering) as server, pytest.raises(AccessDenied):
        connect(server).read(DEALS, ["1"])


def test_a_survivor_that_does_not_name_the_absorbed_is_still_found(connect):
    """HubSpot answers a merged id with another record; of several, each is asked alone."""

    def answering(asked):
        ids = [row["id"] for row in json.loads(asked.body)["inputs"]]
        shown = {"9" if id == "1" else id for id in ids} - {"2"}
        rows = [{"id": id, "properties": {"dealname": id}} for id in sorted(shown)]
        archived = "archived=true" in asked.target
        yield answer(200, json.dumps({"results": [] if archived else rows}).encode())

    with HostileServer(after_properties(answering)) as server:
        merged, deleted, live = connect(server).read(DEALS, ["1", "2", "3"])
    assert (merged.life.value, merged.successor.id) == ("merged", "9")
    assert deleted.life.value == "deleted"
    assert live.fields == {"dealname": "3"}
