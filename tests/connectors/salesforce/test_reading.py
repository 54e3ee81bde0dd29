from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from salesforce_describes import DESCRIBES

from connectors.base import FieldType
from connectors.errors import Rejected, UnexpectedAnswer
from connectors.records import Life, Ref, Selection
from connectors.salesforce.describing import Schemas, object_description
from connectors.salesforce.reading import parse_instant, reading, typed

ACCOUNT = "001D000000IqhSLIAZ"
OTHER = "001D000000IqhSMIAZ"
CONTACT = "003D000000IqhSLIAZ"
STAMP = "2026-01-31T10:20:30.000+0000"
NOW = datetime(2026, 2, 1, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


class Account:
    """Describes from the table, counting how often each is asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.describes: dict[str, Any] = dict(DESCRIBES)

    def __call__(self, object: str) -> object:
        self.asked.append(object)
        return self.describes[object]


@pytest.fixture
def account() -> Account:
    return Account()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def schemas(account: Account, clock: Clock) -> Schemas:
    return Schemas(account, clock)


def row(**fields: Any) -> dict[str, Any]:
    return {"Id": ACCOUNT, "SystemModstamp": STAMP, "IsDeleted": False, **fields}


def test_values_come_typed(schemas: Schemas) -> None:
    names = (
        "AnnualRevenue",
        "Industry",
        "MasterRecordId",
        "Name",
        "NumberOfEmployees",
        "Owner.Name",
        "OwnerId",
        "Regions__c",
        "Since__c",
        "Website",
    )
    record = reading(schemas, Selection("Account", names)).record(
        row(
            AnnualRevenue=Decimal("1234567890123456.78"),
            Industry="Energy",
            MasterRecordId=None,
            Name="Åcme",
            NumberOfEmployees=7,
            Owner={"attributes": {"type": "User"}, "Name": "Ada"},
            OwnerId="005D000000IqhSL",
            Regions__c="South;North",
            Since__c="2026-02-28",
            Website=None,
        )
    )
    assert dict(record.fields) == {
        "AnnualRevenue": Decimal("1234567890123456.78"),
        "Industry": "Energy",
        "MasterRecordId": None,
        "Name": "Åcme",
        "NumberOfEmployees": 7,
        "Owner.Name": "Ada",
        "OwnerId": "005D000000IqhSLIAZ",
        "Regions__c": ("North", "South"),
        "Since__c": date(2026, 2, 28),
        "Website": None,
    }
    assert record.version == datetime(2026, 1, 31, 10, 20, 30, tzinfo=UTC)
    assert record.life is Life.LIVE


def test_a_missing_parent_is_blank(schemas: Schemas) -> None:
    how = reading(schemas, Selection("Contact", ("Account.Owner.Name", "Account.Website")))
    record = how.record(row(MasterRecordId=None, Account=None))
    assert dict(record.fields) == {"Account.Owner.Name": None, "Account.Website": None}


def test_each_object_is_described_once(schemas: Schemas, account: Account) -> None:
    for _ in range(3):
        reading(schemas, Selection("Contact", ("Account.Owner.Name", "Email")))
    assert sorted(account.asked) == ["Account", "Contact", "User"]


def test_names_are_found_without_regard_to_case(schemas: Schemas) -> None:
    how = reading(schemas, Selection("Account", ("name", "owner.name")))
    assert how.soql_fields[-2:] == ("Name", "Owner.Name")
    assert dict(how.record(row(Name="x", Owner={"Name": "y"}, MasterRecordId=None)).fields) == {
        "name": "x",
        "owner.name": "y",
    }


def test_an_unknown_field_is_looked_for_again_but_not_at_once(
    schemas: Schemas, account: Account, clock: Clock
) -> None:
    def ask() -> None:
        reading(schemas, Selection("Account", ("New__c",)))

    with pytest.raises(Rejected) as caught:
        ask()
    assert caught.value.field_errors.keys() == {"New__c"}
    with pytest.raises(Rejected):
        ask()
    assert account.asked == ["Account"]
    newer = dict(DESCRIBES["Account"])
    newer["fields"] = [*newer["fields"], dict(newer["fields"][-1], name="New__c")]
    account.describes["Account"] = newer
    clock.now += timedelta(minutes=2)
    ask()
    assert account.asked == ["Account", "Account"]


@pytest.mark.parametrize(
    ("more", "life", "successor", "edges"),
    [
        ({"IsDeleted": True}, Life.DELETED, None, {}),
        (
            {"IsDeleted": True, "MasterRecordId": OTHER},
            Life.MERGED,
            Ref("Lead", OTHER),
            {},
        ),
        (
            {
                "IsConverted": True,
                "ConvertedContactId": CONTACT,
                "ConvertedAccountId": ACCOUNT,
                "ConvertedOpportunityId": None,
            },
            Life.CONVERTED,
            Ref("Contact", CONTACT),
            {"account": Ref("Account", ACCOUNT)},
        ),
    ],
)
def test_lives(
    schemas: Schemas, more: dict[str, Any], life: Life, successor: Ref | None, edges: dict[str, Ref]
) -> None:
    record = reading(schemas, Selection("Lead", ("Email",))).record(row(Email="a@b.co", **more))
    assert (record.life, record.successor, dict(record.edges)) == (life, successor, edges)
    assert bool(record.fields) is (life is Life.CONVERTED)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (FieldType.DECIMAL, "12"),
        (FieldType.DECIMAL, True),
        (FieldType.DECIMAL, 1.5),
        (FieldType.INTEGER, Decimal("1.5")),
        (FieldType.BOOLEAN, "true"),
        (FieldType.DATE, "2026-02-30"),
        (FieldType.DATE, "2026-01-01T00:00:00Z"),
        (FieldType.INSTANT, "2026-01-01"),
        (FieldType.INSTANT, "2026-01-01T00:00:00"),
        (FieldType.TEXT, 5),
        (FieldType.CHOICES, ["a"]),
    ],
)
def test_a_value_of_another_type_is_not_bent(kind: FieldType, value: object) -> None:
    with pytest.raises(UnexpectedAnswer):
        typed(kind, value)


@pytest.mark.parametrize("text", ["2026-01-31T10:20:30.000+0000", "2026-01-31T12:20:30+02:00"])
def test_instants_are_utc(text: str) -> None:
    assert parse_instant(text) == datetime(2026, 1, 31, 10, 20, 30, tzinfo=UTC)


def test_a_row_without_a_selected_field_is_an_error(schemas: Schemas) -> None:
    how = reading(schemas, Selection("Account", ("Name",)))
    with pytest.raises(UnexpectedAnswer):
        how.record(row(MasterRecordId=None))


def test_the_description_in_common_words(schemas: Schemas) -> None:
    fields = object_description(schemas.get("Account")).fields
    assert fields["Industry"].options == ("Energy",)
    assert fields["Name"].required_on_create
    assert fields["Revline_Id__c"].unique
    assert fields["OwnerId"].references == ("Group", "User")
    assert fields["AnnualRevenue"].type is FieldType.DECIMAL
    assert fields["BillingAddress"].type is FieldType.OTHER


@pytest.mark.parametrize("body", [None, [], {}, {"name": "X"}, {"name": "X", "fields": [1]}])
def test_an_odd_description_is_an_error(body: object) -> None:
    with pytest.raises(UnexpectedAnswer):
        Schemas(lambda _: body, lambda: NOW).get("X")


def test_the_parent_field_is_found(schemas: Schemas) -> None:
    assert schemas.reference_field("Contact", "Account").name == "AccountId"
    with pytest.raises(Rejected):
        schemas.reference_field("User", "Account")
    # The survivor of a merge is an account too, but no parent.
    assert schemas.reference_field("Account", "Account").name == "ParentId"
