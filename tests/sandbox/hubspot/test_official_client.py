"""The official client works against the simulator, typed APIs and raw requests alike."""

from __future__ import annotations

import warnings

import pytest
from urllib3.util.retry import Retry

from sandbox.hubspot.oauth import ACCESS_TOKEN


@pytest.fixture
def client(hub):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import hubspot

        yield hubspot.Client.create(
            access_token=ACCESS_TOKEN,
            host=hub.url,
            base_url=hub.url,
            retry=Retry(total=0, raise_on_status=False),
        )


def test_create_read_search_and_list(hub, client) -> None:
    api = client.crm.companies
    made = api.basic_api.create({"properties": {"name": "A", "numberofemployees": 12}})
    read = api.basic_api.get_by_id(made.id, properties=["name", "numberofemployees"])
    assert read.properties["numberofemployees"] == "12"
    assert read.updated_at.tzinfo is not None
    found = api.search_api.do_search(
        {
            "filterGroups": [
                {"filters": [{"propertyName": "name", "operator": "EQ", "value": "a"}]}
            ],
            "limit": 10,
        }
    )
    assert [row.id for row in found.results] == [made.id]
    assert [row.id for row in api.get_all()] == [made.id]
    assert hub.violations() == []


def test_batch_upsert_with_partial_failure_is_no_exception(client) -> None:
    inputs = [
        {
            "id": f"k-{number}",
            "idProperty": "revline_id",
            "objectWriteTraceId": f"t-{number}",
            "properties": {"name": "A", "industry": industry},
        }
        for number, industry in enumerate(("TEXTILES", "magic"))
    ]
    answer = client.crm.companies.batch_api.upsert({"inputs": inputs})
    assert type(answer).__name__ == "BatchResponseSimplePublicUpsertObjectWithErrors"
    assert (len(answer.results), answer.num_errors) == (1, 1)
    assert answer.errors[0].context["objectWriteTraceId"] == ["t-1"]


def test_associations_v4(hub, client) -> None:
    deal, line = hub.make("deals", dealname="D"), hub.make("line_items", name="L")
    api = client.crm.associations.v4
    api.basic_api.create_default("deals", deal, "line_items", line)
    page = api.basic_api.get_page("deals", deal, "line_items")
    assert [str(row.to_object_id) for row in page.results] == [line]
    read = api.batch_api.get_page("deals", "line_items", {"inputs": [{"id": deal}]})
    assert read.results[0].to[0].association_types[0].type_id == 19


def test_errors_are_the_packages_exceptions(client) -> None:
    from hubspot.crm.contacts.exceptions import ApiException, NotFoundException

    with pytest.raises(NotFoundException):
        client.crm.contacts.basic_api.get_by_id("404")
    with pytest.raises(ApiException) as caught:
        client.crm.contacts.basic_api.create({"properties": {"email": "x"}})
    assert caught.value.status == 400
    assert "INVALID_EMAIL" in caught.value.body


def test_metadata_owners_and_tokens(hub, client) -> None:
    from sandbox.hubspot.oauth import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN

    names = [row.name for row in client.crm.properties.core_api.get_all("deals").results]
    assert "dealstage" in names
    assert client.crm.pipelines.pipelines_api.get_all("deals").results[0].stages[0].metadata
    assert client.crm.owners.owners_api.get_page().results == []
    token = client.oauth.tokens_api.create(
        grant_type="refresh_token",
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        refresh_token=REFRESH_TOKEN,
    )
    assert token.expires_in == 1800


def test_dated_paths_by_raw_requests(hub, client) -> None:
    hub.make("contacts", email="a@b.example")
    answer = client.api_request(
        {"method": "GET", "path": "/crm/objects/2026-09/contacts", "qs": {"properties": "email"}}
    )
    assert answer.json()["results"][0]["properties"]["email"] == "a@b.example"
