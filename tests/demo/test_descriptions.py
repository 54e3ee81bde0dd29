"""Every call of the demo, held to what the vendors describe.

Runs where VENDOR_SPECS names a folder with the vendors' descriptions, a file per vendor below it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.demo import descriptions
from tests.demo.descriptions import Checker

pytestmark = pytest.mark.timeout(600)  # the whole demo is played before the first test

FILES: dict[str, tuple[str, Checker]] = {
    "zuora": ("zuora/zuora-sdk-3.21.0-operations.json", descriptions.zuora),
    "stripe": ("stripe/sdk-16.1.0-resources-and-params.json", descriptions.stripe),
    "netsuite": ("netsuite/netsuite-rest-subset.json", descriptions.netsuite),
    "hubspot": ("hubspot/sdk-12.0.0-endpoints-and-models.json", descriptions.hubspot),
    "salesforce": ("salesforce/standard-sobjects.json", descriptions.salesforce),
    "docusign": ("docusign/esignature-v2.1-sdk-6.1.0.json", descriptions.docusign),
}
# (system, what a fault ends with) → why it is right all the same, and the vendor's page.
EXCEPTIONS: dict[tuple[str, str], str] = {
    ("stripe", "/v1/account: no such path"):
        "the file leaves accounts out; docs.stripe.com/api/accounts/retrieve",
    ("stripe", "/search: no action search"):
        "the file leaves searches out; docs.stripe.com/api/pagination/search",
    ("docusign", "/oauth/token: no such path"):
        "the file has the eSignature API alone; developers.docusign.com, JWT Grant",
    ("docusign", "/oauth/userinfo: no such path"):
        "the file has the eSignature API alone; developers.docusign.com, JWT Grant",
    ("hubspot", "/details: no such path"):
        "the file has the CRM alone; developers.hubspot.com, Account information",
    ("hubspot", "/access-token-info: no such path"):
        "the file has the CRM alone; developers.hubspot.com, Private apps",
    ("salesforce", "no field CurrencyIsoCode"):
        "the file's org has one currency; Object Reference, Considerations for CurrencyIsoCode",
}  # fmt: skip

MODELS = {
    "operations": [
        {"method": "POST", "path": "/v1/orders", "query": [], "headers": [], "form": [],
         "body": "Order"},
        {"method": "GET", "path": "/object-query/accounts", "query": ["pageSize"], "headers": [],
         "form": [], "body": None},
    ],
    "all_object_query_paths": ["/object-query/accounts", "/object-query/orders"],
    "definitions": {
        "Order": {"properties": {"lines": {"items": {"$ref": "#/definitions/Line"}}}},
        "Line": {"properties": {"price": {"type": "number"}}},
    },
}  # fmt: skip
PARAMS = {
    "params": {
        "customer": {
            "create": {"CustomerCreateParams": {"name": "str", "metadata": "Dict[str, str]"}},
            "list": {
                "CustomerListParams": {"created": "'CustomerListParamsCreated|int'",
                                       "types": "List[str]"},
                "CustomerListParamsCreated": {"gte": "int"},
            },
        }
    }
}  # fmt: skip


def kind(method: str, path: str, *fields: str, parameters: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"method": method, "path": path, "headers": ["host"], "fields": list(fields),
            "parameters": list(parameters)}  # fmt: skip


def test_what_is_described_passes_and_what_is_not_is_named() -> None:
    good = [
        kind("POST", "/v1/orders", "lines[].price"),
        kind("GET", "/object-query/orders", parameters=("pageSize",)),
    ]
    assert descriptions.zuora(MODELS, good) == []
    bad = [
        kind("PUT", "/v1/orders"),
        kind("POST", "/v1/orders", "lines[].cost"),
        kind("GET", "/object-query/orders", parameters=("page",)),
    ]
    assert [one.rpartition(": ")[2] for one in descriptions.zuora(MODELS, bad)] == [
        "no such path", "no field lines[].cost", "no parameter page",
    ]  # fmt: skip
    good = [
        kind("POST", "/v1/customers", "name", "metadata[key]"),
        kind("GET", "/v1/customers", parameters=("created[gte]", "types[0]")),
    ]
    assert descriptions.stripe(PARAMS, good) == []
    bad = [
        kind("POST", "/v1/customers", "nickname"),
        kind("GET", "/v1/customers", parameters=("created[after]",)),
    ]
    assert len(descriptions.stripe(PARAMS, bad)) == 2


def test_an_envelope_is_held_to_its_model() -> None:
    path = "/v2.1/accounts/{accountId}/envelopes"
    described = {
        "operations": [{"method": "POST", "path": path, "query": [], "body": "Envelope"}],
        "models": {"Envelope": {"roles": "list[Role]"}, "Role": {"email": "str"}},
    }
    at = "/restapi/v2.1/accounts/7f/envelopes"
    assert descriptions.docusign(described, [kind("POST", at, "roles[].email")]) == []
    bad = [
        kind("POST", at, "roles[].phone"),
        kind("POST", at, "colour"),
        kind("POST", at, parameters=("draft",)),
        kind("PUT", at),
    ]
    assert len(descriptions.docusign(described, bad)) == len(bad)


@pytest.mark.parametrize("system", list(FILES))
def test_every_call_of_the_demo_is_described(system: str, told: Any, place: Path) -> None:
    folder = os.environ.get("VENDOR_SPECS")
    file = Path(folder or "") / FILES[system][0]
    if not folder or not file.is_file():
        pytest.skip(f"VENDOR_SPECS names no folder with {FILES[system][0]}")
    assert told["ok"]
    description = json.loads(file.read_text(encoding="utf-8"))
    kinds = json.loads((place / "demo" / "calls.json").read_text(encoding="utf-8"))
    own = [one for one in kinds if one["system"] == system]
    assert own
    faults = FILES[system][1](description, own)
    excused = {end for name, end in EXCEPTIONS if name == system}
    assert [one for one in faults if not any(one.endswith(end) for end in excused)] == []
