"""Queries: nothing but checked names, whole numbers and checked times is written into them."""

from __future__ import annotations

import re
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import Rejected
from connectors.netsuite import suiteql
from connectors.netsuite.finding import _terms
from connectors.netsuite.tables import spelled, table_of

NOON = datetime(2026, 11, 22, 12)


def test_the_keyset() -> None:
    table = table_of("invoice")
    where = suiteql.after(table.stamp, NOON, "17")
    columns = ["id", suiteql.stamp_column(table.stamp, "lm")]
    query = suiteql.select(columns, table.name, [table.narrowed, where], [table.stamp, "id"])
    at = "TO_DATE('2026-11-22 12:00:00','YYYY-MM-DD HH24:MI:SS')"
    assert query.text == (
        "SELECT id, TO_CHAR(lastmodifieddate,'YYYY-MM-DD HH24:MI:SS') AS lm FROM transaction "
        f"WHERE (type = 'CustInvc') AND ((lastmodifieddate > {at} OR "
        f"(lastmodifieddate = {at} AND id > 17))) ORDER BY lastmodifieddate, id"
    )
    assert query.values == ()


@pytest.mark.parametrize("id", ["", "1 OR 1=1", "1;--", "'1'", "١", "1.5", "0x1", "9" * 30])
def test_an_id_is_a_whole_number(id) -> None:
    assert suiteql.record_id(id) is None
    for use in (suiteql.id_after, lambda text: suiteql.ids([text])):
        with pytest.raises(Rejected):
            use(id)
    with pytest.raises(Rejected):
        suiteql.after("lastmodifieddate", NOON, id)


@pytest.mark.parametrize("name", ["", "a b", "a'b", "1a", "a;drop", "a.b", "ä", "a" * 200, "a/b"])
def test_a_name_is_a_name(name) -> None:
    for check in (suiteql.object_name, suiteql.column_name, table_of):
        with pytest.raises(Rejected):
            check(name)


@given(value=st.text(min_size=1).filter(str.strip))
def test_a_value_never_reaches_the_text_of_a_query(value) -> None:
    terms = _terms("customer", table_of("customer"), {"companyName": value})
    if terms is None:
        assert "\x00" in value
        return
    (term,) = terms
    assert term.condition.text == "LOWER(companyname) = LOWER(?)"
    assert term.condition.values == (value,)


@given(value=st.text(min_size=1).filter(str.strip), name=st.sampled_from(
    ["entity.id", "total", "tranDate", "toBeEmailed", "status", "currency.refName", "id"]
))  # fmt: skip
def test_values_of_every_kind_are_checked_or_travel_apart(value, name) -> None:
    terms = _terms("invoice", table_of("invoice"), {name: value})
    if terms is None:
        return
    (term,) = terms
    left = term.condition.text.replace("'YYYY-MM-DD'", "").replace("'T'", "").replace("'F'", "")
    assert re.fullmatch(r"[A-Za-z_.(),= ?0-9+-]*", left)
    assert "'" not in left


def test_what_is_searched_where() -> None:
    def text(object, name, value):
        terms = _terms(object, table_of(object), {name: value})
        assert terms is not None
        return terms[0].condition.text

    assert text("customerPayment", "customer.id", "107") == "entity = 107"
    assert text("invoice", "total", "10.50") == "foreigntotal = 10.50"
    assert text("invoice", "tranDate", "2026-11-22") == "TO_CHAR(trandate,'YYYY-MM-DD') = ?"
    assert text("customer", "isInactive", "false") == "isinactive = 'F'"
    assert (
        text("invoice", "currency.refName", "US Dollar") == "LOWER(BUILTIN.DF(currency)) = LOWER(?)"
    )
    assert text("account", "acctName", "x") == "LOWER(accountsearchdisplaynamecopy) = LOWER(?)"
    assert _terms("invoice", table_of("invoice"), {"entity.id": "x"}) is None
    with pytest.raises(Rejected):
        text("invoice", "entity.externalId", "x")
    with pytest.raises(Rejected):
        text("invoice", "tranId", " ")


def test_types_as_scripts_and_logs_spell_them() -> None:
    assert spelled("salesorder") == "salesOrder"
    assert spelled("JOURNAL_ENTRY") == "journalEntry"
    assert spelled("CustPymt") == "customerPayment"
    assert spelled("customrecord_x") == "customrecord_x"
