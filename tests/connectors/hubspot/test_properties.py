"""Values: HubSpot's strings to our types and back."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import FieldDescription, FieldType
from connectors.errors import Rejected
from connectors.hubspot.properties import describe_property, read_value, write_value


def field(kind):
    return FieldDescription("f", "F", kind)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (FieldType.TEXT, "00123", "00123"),
        (FieldType.DECIMAL, "1234567890123456.78", Decimal("1234567890123456.78")),
        (FieldType.DECIMAL, "12", Decimal(12)),
        (FieldType.BOOLEAN, "true", True),
        (FieldType.BOOLEAN, "false", False),
        (FieldType.DATE, "2026-03-01", date(2026, 3, 1)),
        (FieldType.DATE, "1772323200000", date(2026, 3, 1)),
        (
            FieldType.INSTANT,
            "2026-03-01T10:00:00.123Z",
            datetime(2026, 3, 1, 10, 0, 0, 123000, UTC),
        ),
        (FieldType.INSTANT, "2026-03-01T12:00:00+02:00", datetime(2026, 3, 1, 10, tzinfo=UTC)),
        (FieldType.INSTANT, "1772359200123", datetime(2026, 3, 1, 10, 0, 0, 123000, UTC)),
        (FieldType.CHOICE, "closedwon", "closedwon"),
        (FieldType.CHOICES, "b;a;;b", ("a", "b")),
    ],
)
def test_text_becomes_a_value(kind, text, value):
    got = read_value(field(kind), text)
    assert got == value
    assert type(got) is type(value)


@pytest.mark.parametrize("kind", list(FieldType))
@pytest.mark.parametrize("raw", ["", None])
def test_blank_is_none_in_every_type(kind, raw):
    assert read_value(field(kind), raw) is None


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (FieldType.DECIMAL, "1e999999999"),
        (FieldType.DECIMAL, "NaN"),
        (FieldType.DECIMAL, "١٢٣"),
        (FieldType.DECIMAL, "1_000"),
        (FieldType.DECIMAL, "9" * 5000),
        (FieldType.DATE, "2026-13-45"),
        (FieldType.INSTANT, "soon"),
        (FieldType.INSTANT, "9999999999999999"),
        (FieldType.BOOLEAN, "maybe"),
    ],
)
def test_text_that_does_not_fit_its_type_stays_text(kind, text):
    assert read_value(field(kind), text) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (5, "5"),
        (Decimal("1E+3"), "1000"),
        (Decimal("0.10"), "0.10"),
        (date(2026, 3, 1), "2026-03-01"),
        (("a", "b"), "a;b"),
        (
            datetime(2026, 3, 1, 12, 0, 0, 5999, timezone(timedelta(hours=2))),
            "2026-03-01T10:00:00.005Z",
        ),
    ],
)
def test_a_value_becomes_text(value, text):
    assert write_value("f", None, value) == text


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (None, 1.5),
        (None, Decimal("NaN")),
        (None, datetime(2026, 3, 1)),
        (None, ("a;b",)),
        (None, ("",)),
        (None, (1,)),
        (None, {"a": "b"}),
        (None, "\ud800"),
        (None, "x" * 65_537),
        (FieldType.DATE, datetime(2026, 3, 1, tzinfo=UTC)),
        (FieldType.INSTANT, date(2026, 3, 1)),
    ],
)
def test_a_value_without_an_exact_form_is_refused_by_name(kind, value):
    with pytest.raises(Rejected) as caught:
        write_value("amount", field(kind) if kind else None, value)
    assert list(caught.value.field_errors) == ["amount"]


@given(
    st.one_of(
        st.tuples(
            st.just(FieldType.DECIMAL),
            st.decimals(
                allow_nan=False,
                allow_infinity=False,
                places=6,
                min_value=-(10**20),
                max_value=10**20,
            ),
        ),
        st.tuples(st.just(FieldType.DATE), st.dates()),
        st.tuples(
            st.just(FieldType.INSTANT),
            st.datetimes(timezones=st.just(UTC)).map(
                lambda d: d.replace(microsecond=d.microsecond // 1000 * 1000)
            ),
        ),
        st.tuples(st.just(FieldType.BOOLEAN), st.booleans()),
        st.tuples(
            st.just(FieldType.TEXT), st.text(st.characters(exclude_categories=("Cs",)), min_size=1)
        ),
        st.tuples(
            st.just(FieldType.CHOICES),
            st.sets(st.text("abc", min_size=1), min_size=1).map(lambda s: tuple(sorted(s))),
        ),
    )
)
def test_what_is_written_is_read_back(case):
    kind, value = case
    assert read_value(field(kind), write_value("f", field(kind), value)) == value


def test_definitions_become_descriptions():
    described = describe_property(
        {
            "name": "hubspot_owner_id",
            "label": "Owner",
            "type": "enumeration",
            "fieldType": "select",
            "externalOptions": True,
            "referencedObjectType": "OWNER",
            "options": [],
        }
    )
    assert described.type is FieldType.REFERENCE
    assert described.references == ("owners",)
    many = describe_property(
        {
            "name": "colours",
            "type": "enumeration",
            "fieldType": "checkbox",
            "options": [{"value": "red", "label": "Red"}, {"value": "blue", "label": "Blue"}],
        }
    )
    assert (many.type, many.options, many.restricted) == (
        FieldType.CHOICES,
        ("red", "blue"),
        True,
    )
    fixed = describe_property(
        {
            "name": "hs_object_id",
            "type": "number",
            "fieldType": "number",
            "hasUniqueValue": True,
            "modificationMetadata": {"readOnlyValue": True},
        }
    )
    assert fixed.unique
    assert not fixed.writable
