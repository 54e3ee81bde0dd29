"""OAuth 1.0a signatures: the vendor's published example, and what a signature covers."""

from __future__ import annotations

import pytest

from connectors.netsuite.settings import TokenBased
from connectors.netsuite.signing import Stamp, authorization, escaped, signature

# NetSuite help, "The Signature for Web Services and RESTlets": the example of a REST call.
KEYS = TokenBased(
    consumer_key="ef40afdd8abaac111b13825dd5e5e2ddddb44f86d5a0dd6dcf38c20aae6b67e4",
    consumer_secret="d26ad321a4b2f23b0741c8d38392ce01c3e23e109df6c96eac6d099e9ab9e8b5",
    token_id="2b0ce516420110bcbd36b69e99196d1b7f6de3c6234c5afb799b73d87569f5cc",
    token_secret="c29a677df7d5439a458c063654187e3d678d73aca8e3c9d8bea1478a3eb0d295",
)
STAMP = Stamp("fjaLirsIcCGVZWzBX0pg", 1508242306)
HOST = "https://123456.suitetalk.api.netsuite.com/services/rest"


def signed(method, path, query, account="123456"):
    return authorization(KEYS, account, method, f"{HOST}{path}", query, STAMP)


@pytest.mark.parametrize(
    ("method", "path", "query", "expected"),
    [
        (
            "GET",
            "/record/v1/employee/40",
            {},
            "B5OIWznZ2YP0OB7VrJrGkYsTh%2B8H%2B5T9Hag%2Bo92q0zY%3D",
        ),
        (
            "POST",
            "/query/v1/suiteql",
            {"limit": "1000", "offset": "0"},
            "K77GAJRnfr1XDIXWkDNFBb1G343XzZc397WHGpnHFF8%3D",
        ),
    ],
)
def test_the_published_vectors(method, path, query, expected) -> None:
    header = signed(method, path, query)
    assert header.startswith('OAuth realm="123456", ')
    assert f'oauth_signature="{expected}"' in header
    assert 'oauth_signature_method="HMAC-SHA256"' in header


def test_the_realm_is_not_signed_and_the_query_is() -> None:
    plain = signed("GET", "/record/v1/invoice", {"limit": "1"})
    other = signed("GET", "/record/v1/invoice", {"limit": "1"}, account="654321_SB1")
    assert plain.partition(", ")[2] == other.partition(", ")[2]
    assert signed("GET", "/record/v1/invoice", {"limit": "2"}) != plain


def test_parameters_are_sorted_after_they_are_escaped() -> None:
    one = signature(KEYS, "GET", HOST, {"b": "ü ~", "a": "1"})
    two = signature(KEYS, "get", HOST, {"a": "1", "b": "ü ~"})
    assert one == two
    assert escaped("a b~ü/:") == "a%20b~%C3%BC%2F%3A"


def test_keys_do_not_show() -> None:
    assert "d26ad321" not in repr(KEYS)
    assert "2b0ce516" not in repr(KEYS)
