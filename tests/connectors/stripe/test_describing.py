"""Fields are declared; metadata and parts of structured fields answer to dotted names."""

from __future__ import annotations

import pytest

from connectors.base import FieldType
from connectors.stripe.describing import description_of
from connectors.stripe.fields import FIELDS


@pytest.mark.parametrize("object", sorted(FIELDS))
def test_every_object_is_described(object: str) -> None:
    found = description_of(object)
    assert set(FIELDS[object]) <= set(found.fields)
    for name in found.fields:
        assert found.fields[name].name == name


def test_dotted_names() -> None:
    fields = description_of("customers").fields
    assert fields["metadata.plan"].type is FieldType.TEXT
    assert fields["metadata.plan"].writable
    assert fields["metadata.revline_id"].unique
    assert fields["address.city"].writable
    assert fields.get("address.") is None
    assert fields.get("name.first") is None
    assert fields.get("nothing.here") is None
    assert fields.get("nothing") is None


def test_what_is_only_sent_is_not_readable() -> None:
    fields = description_of("payment_intents").fields
    assert not fields["confirm"].readable
    assert fields["confirm"].writable
    assert fields["amount"].required_on_create
    assert fields["amount"].type is FieldType.DECIMAL
    assert fields["latest_charge"].references == ("charges",)
    assert not fields["latest_charge"].writable
