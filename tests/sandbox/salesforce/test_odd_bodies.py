"""Whatever is sent, the answer is the vendor's kind of refusal, never a fault of the simulator."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
names = st.sampled_from(
    ["Name", "Id", "attributes", "type", "Account", "OwnerId", "Owner", "Parent", "Revline_Id__c",
     "records", "compositeRequest", "graphs", "batchRequests", "method", "url", "referenceId",
     "body", "richInput", "httpHeaders", "ids", "fields", "FullName", "Metadata", "allOrNone"]
)  # fmt: skip
texts = st.sampled_from(
    ["Account", "001Hq0000000001IAA", "/services/data/v67.0/limits", "@{a.b}", "POST", "a", "Text"]
)
bodies = st.recursive(
    scalars | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)
TARGETS = {
    ("POST", "/sobjects/Account"): ["Name", "Owner", "Parent"],
    ("PATCH", "/sobjects/Account/Revline_Id__c/k"): ["Name", "OwnerId"],
    ("POST", "/composite/sobjects"): ["records"],
    ("PATCH", "/composite/sobjects"): ["records"],
    ("POST", "/composite/sobjects/Account"): ["ids", "fields"],
    ("PATCH", "/composite/sobjects/Account/Revline_Id__c"): ["records"],
    ("POST", "/composite"): ["compositeRequest"],
    ("POST", "/composite/graph"): ["graphs"],
    ("POST", "/composite/batch"): ["batchRequests"],
    ("POST", "/composite/tree/Account"): ["records"],
    ("POST", "/tooling/sobjects/CustomField"): ["FullName", "Metadata"],
}


@st.composite
def requests_of(draw: st.DrawFn) -> tuple[str, str, Any]:
    (method, path), keys = draw(st.sampled_from(sorted(TARGETS.items())))
    lists = st.lists(bodies, min_size=1, max_size=3)
    return method, path, {key: draw(lists | bodies) for key in keys}


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(requests_of())
def test_odd_bodies_are_answered(org: Any, request_made: tuple[str, str, Any]) -> None:
    method, path, body = request_made
    headers = {"Content-Type": "application/json"}
    answer = org.call(method, path, data=json.dumps(body).encode(), headers=headers)
    assert answer.status_code < 500, answer.text
