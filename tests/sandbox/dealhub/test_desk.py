"""What people do: approve, reject, recall, revise, publish, sign, win."""

from __future__ import annotations

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.dealhub import DealHubSimulator
from sandbox.simulator import BadCommand, Mutation


def status(client, id):
    return client.get(f"/api/v2/quote/{id}", "info")["status"]


def test_an_approval(client) -> None:
    id = client.generate(request_action="submit", total_sales_discount=25)
    (waiting,) = client.get(f"/api/v2/quote/{id}", "approvals")["approvals"]
    assert (waiting["status"], waiting["reviewer"]) == ("waiting", "vp@revline.example")
    assert "20%" in waiting["reason"]
    client.person("approve", id, reviewer="cfo@revline.example", comment="fine")
    (done,) = client.get(f"/api/v2/quote/{id}", "approvals")["approvals"]
    assert (done["status"], done["reviewer"]) == ("approved", "cfo@revline.example")
    assert done["review_date"] == "2026-09-01 08:00:00"
    assert status(client, id) == "ReadyToBeSent"
    assert "reviewed" in client.cannot("approve", id)


def test_a_rejection_is_revised(client) -> None:
    id = client.generate(request_action="submit", total_sales_discount=25)
    assert "comment" in client.cannot("reject", id)
    client.person("reject", id, comment="too much")
    assert status(client, id) == "Rejected"
    assert "Rejected" in client.refused("POST", f"/api/v1/quote/{id}/submit")
    client.person("revise", id, total_sales_discount=10)
    quote = client.get(f"/api/v2/quote/{id}", "all")
    assert quote["status"] == "Draft"
    assert quote["summary"]["total_discount"] == 10
    client.person("submit", id)
    assert status(client, id) == "ReadyToBeSent"


def test_a_recalled_quote(client) -> None:
    id = client.generate(request_action="submit")
    client.person("recall", id)
    assert status(client, id) == "Recalled"
    client.person("revise", id, quote_name="again")
    assert status(client, id) == "Draft"


def test_signatures_in_the_deal_room(client) -> None:
    id = client.generate(request_action="publish")
    room = client.get("/api/v1/dealroom/006A")
    assert room == {"dealroom_state": "Published", "buyer_signers": [], "seller_signers": []}
    client.person("sign", id, party="buyer", name="Ada Ng", title="CEO")
    room = client.get("/api/v1/dealroom/006A")
    assert room["dealroom_state"] == "Partially signed"
    assert room["buyer_signers"][0]["signee_name"] == "Ada Ng"
    assert "party" in client.cannot("sign", id, party="broker", name="X")
    client.person("sign", id, party="seller", name="Sam")
    assert client.get("/api/v1/dealroom/006A")["dealroom_state"] == "Signed"
    assert status(client, id) == "Won"


def test_a_published_quote_can_be_taken_back(client) -> None:
    id = client.generate(request_action="publish")
    client.person("unpublish", id)
    assert status(client, id) == "ReadyToBeSent"
    assert client.call("GET", "/api/v1/dealroom/006A").status_code == 400
    client.person("win", id)
    assert status(client, id) == "Won"


def test_one_primary_quote(client) -> None:
    first, second = client.generate(), client.generate()
    client.person("primary", second)
    flags = [
        client.get(f"/api/v2/quote/{id}", "info")["info"]["primary_quote"] for id in (first, second)
    ]
    assert flags == [False, True]


def test_a_deleted_quote_is_gone(client) -> None:
    id = client.generate()
    client.person("delete", id)
    assert "not found" in client.refused("GET", f"/api/v2/quote/{id}")


@pytest.mark.parametrize(
    ("op", "id", "object", "fields"),
    [
        ("create", None, "quotes", {"colour": "red"}),
        ("frown", "X", "quotes", {}),
        ("approve", "NOBODY", "quotes", {}),
        ("create", None, "products", {}),
        ("create", None, "opportunities", {}),
        ("delete", "006A", "opportunities", {}),
        ("hold", "NOBODY", "requests", {}),
    ],
)
def test_acts_that_make_no_sense(client, op, id, object, fields) -> None:
    assert client.cannot(op, id, object=object, **fields)


@pytest.mark.parametrize(
    "options", [{"colour": 1}, {"integration": "magic"}, {"status_style": "Camel"}]
)
def test_options_that_make_no_sense(client, options) -> None:
    answer = requests.post(f"{client.admin_url}/options", json=options, timeout=10)
    assert answer.status_code == 400


def test_the_token_is_not_shown(client) -> None:
    assert client.token not in str(client.look("options"))
    assert client.token not in str(client.look("log"))


def test_what_is_loaded_and_forgotten(client) -> None:
    rows = [{"quote_name": "old", "external_opportunity_id": "006Z"}]
    assert client.admin("load", {"objects": {"quotes": rows}})["loaded"] == {"quotes": 1}
    assert client.look("state")["objects"]["quotes"]
    client.admin("reset")
    assert client.look("state")["objects"]["quotes"] == {}
    assert client.admin("load", {"seed": 1})["loaded"]["products"] == 40


ACTS = st.lists(
    st.sampled_from(
        ["submit", "approve", "reject", "recall", "revise", "publish", "unpublish", "win", "sign"]
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(acts=ACTS, discount=st.integers(0, 60))
def test_no_quote_above_the_limit_is_ready_without_an_approval(acts, discount) -> None:
    simulator = DealHubSimulator(seed=1)
    simulator.load({"seed": 1, "sizes": {"products": 2}})
    sku = next(iter(simulator.tenant.products))
    made = simulator.mutate(
        Mutation("quotes", "create", None, {
            "line_items": [{"sku": sku}], "total_sales_discount": discount,
        })
    )  # fmt: skip
    id = made["dealhub_quote_id"]
    given_with = {"reject": {"comment": "no"}, "sign": {"party": "buyer", "name": "A"}}
    for act in acts:
        before = dict(simulator.tenant.quotes[id])["status"]
        try:
            simulator.mutate(Mutation("quotes", act, id, given_with.get(act, {})))
        except BadCommand:
            assert simulator.tenant.quotes[id]["status"] == before
        row = simulator.tenant.quotes[id]
        if row["status"] in ("ReadyToBeSent", "Published", "Won") and discount > 20:
            assert [one["status"] for one in row["approvals"]] == ["approved"]
        assert (row["status"] == "Won") == bool(row["info"]["won_date"])
    simulator.close()
