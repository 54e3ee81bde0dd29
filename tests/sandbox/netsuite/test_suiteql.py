"""SuiteQL: the clauses, the functions, pages, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

KEYSET = """
    SELECT id, companyName AS CompanyName, TO_CHAR(lastmodifieddate, 'YYYY-MM-DD HH24:MI:SS') AS lm
    FROM customer
    WHERE (lastmodifieddate > TO_DATE('{at}', 'YYYY-MM-DD HH24:MI:SS')
       OR (lastmodifieddate = TO_DATE('{at}', 'YYYY-MM-DD HH24:MI:SS') AND id > {id}))
    ORDER BY lastmodifieddate, id"""


def customers(account: Any, *names: str) -> list[str]:
    account.admin("clock", {"set": "2026-11-22T09:00:00Z", "freeze": True})
    account.sign_in()
    return [account.customer(companyName=name) for name in names]


def test_prefer_transient_is_required(account: Any) -> None:
    detail = account.refused(account.ask("SELECT id FROM currency", prefer=""))
    assert detail["o:errorHeader"] == "Prefer"


def test_the_shape_of_an_answer(account: Any) -> None:
    answer = account.ask("SELECT id, Symbol, isInactive FROM currency ORDER BY id", limit=2).json()
    assert answer["items"] == [
        {"links": [], "id": "1", "symbol": "USD", "isinactive": "F"},
        {"links": [], "id": "2", "symbol": "GBP", "isinactive": "F"},
    ]
    assert (answer["count"], answer["hasMore"], answer["offset"], answer["totalResults"]) == (
        2, True, 0, 5,
    )  # fmt: skip
    last = account.ask("SELECT id FROM currency ORDER BY id", limit=2, offset=4).json()
    assert (last["count"], last["hasMore"]) == (1, False)


def test_keyset_paging_over_one_second(account: Any) -> None:
    one, two, three = customers(account, "A", "B", "C")
    first = account.query(KEYSET.format(at="2026-11-22 08:00:00", id=0))
    assert [(row["id"], row["companyname"]) for row in first] == [
        (one, "A"), (two, "B"), (three, "C"),
    ]  # fmt: skip
    assert first[0]["lm"] == "2026-11-22 09:00:00"
    rest = account.query(KEYSET.format(at=first[0]["lm"], id=one))
    assert [row["id"] for row in rest] == [two, three]
    assert account.query(KEYSET.format(at=first[0]["lm"], id=three)) == []


def test_instants_are_in_the_accounts_zone(account: Any) -> None:
    customers(account, "A")
    account.admin("options", {"query_zone": "America/Los_Angeles"})
    form = "TO_CHAR(lastmodifieddate, 'YYYY-MM-DD HH24:MI:SS')"
    rows = account.query(f"SELECT {form} AS lm, TO_CHAR(SYSDATE, 'HH24:MI') AS n FROM customer")
    assert rows == [{"lm": "2026-11-22 01:00:00", "n": "01:00"}]
    assert account.query("SELECT TO_CHAR(SYSDATE, 'YYYY') AS y FROM DUAL") == [{"y": "2026"}]


def test_dates_are_in_the_accounts_format_and_nulls_left_out(account: Any) -> None:
    customers(account, "A")
    assert account.query("SELECT lastmodifieddate, phone FROM customer") == [
        {"lastmodifieddate": "11/22/2026"}
    ]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("companyname = 'Acme'", "A"),
        ("companyname <> 'Acme'", "BO"),
        ("companyname != 'Acme' AND email IS NULL", "B"),
        ("companyname LIKE 'B%' OR companyname LIKE '%O''Neill'", "BO"),
        ("companyname NOT LIKE '%c%'", "BO"),
        ("companyname LIKE 'acme'", ""),
        ("companyname LIKE '%!_%' ESCAPE '!'", ""),
        ("companyname LIKE '%ld_O%'", "O"),
        ("companyname IN ('Acme', 'Beta')", "AB"),
        ("companyname NOT IN ('Acme', 'Beta')", "O"),
        ("email IS NOT NULL", "O"),
        ("NOT (companyname = 'Acme' OR companyname = 'Beta')", "O"),
        ("(companyname = 'Acme' OR companyname = 'Beta') AND subsidiary_of = 1", None),
        ("id BETWEEN {a} AND {b}", "AB"),
        ("id IN ({a}, '{b}')", "AB"),
        ("id > {a}", "BO"),
        ("(id + 1) = ({b})", "A"),
        ("UPPER(companyname) = 'BETA'", "B"),
        ("lastmodifieddate >= '11/22/2026'", "ABO"),
        ("lastmodifieddate < '11/22/2026'", ""),
        ("lastmodifieddate = TO_DATE('22.11.2026 09', 'DD.MM.YYYY HH24')", "ABO"),
        ("NVL(email, 'none') = 'none'", "AB"),
        ("isperson = 'F' AND currency = 1", "ABO"),
        ("BUILTIN.DF(currency) = 'US Dollar'", "ABO"),
    ],
)
def test_conditions(account: Any, where: str, found: str | None) -> None:
    one, two, three = customers(account, "Acme", "Beta", "Old O'Neill")
    account.patch("customer", three, email="o@neill.example")
    answer = account.ask(f"SELECT id FROM customer WHERE {where.format(a=one, b=two)} ORDER BY id")
    if found is None:
        assert account.refused(answer)["o:errorQueryParam"] == "q"
        return
    letters = {one: "A", two: "B", three: "O"}
    assert answer.status_code == 200, answer.text
    assert "".join(letters[item["id"]] for item in answer.json()["items"]) == found


def test_parameters(account: Any) -> None:
    one, two = customers(account, "Acme", "Beta")
    sql = "SELECT id FROM customer WHERE companyname = ? AND id >= ?"
    assert account.query(sql, "Beta", one) == [{"id": two}]
    assert account.query(sql, "' OR '1' = '1", 1) == []
    for params in (("Beta",), ("Beta", 1, 2), ("Beta", "x"), ("Beta", [1]), ("Beta", True)):
        account.refused(account.ask(sql, *params))


def test_groups_and_sums_are_exact(account: Any) -> None:
    customer = account.customer()
    for amount in (0.1, 0.2, 0.3, 1000000.1):
        account.invoice(customer, account.line("ONB-001", amount))
    rows = account.query(
        "SELECT entity, COUNT(*) AS n, SUM(foreigntotal) AS total, MAX(trandate) AS latest "
        "FROM transaction WHERE type = 'CustInvc' GROUP BY entity HAVING COUNT(*) > 1"
    )
    assert rows == [{"entity": customer, "n": "4", "total": "1000000.7", "latest": "9/10/2026"}]
    assert account.query("SELECT SUM(foreigntotal) AS s FROM transaction WHERE id = 0") == [{}]
    assert account.query("SELECT COUNT(DISTINCT entity) FROM transaction") == [{"expr1": "1"}]


def test_joins_and_display_values(account: Any) -> None:
    customer = account.customer(externalId="c-1")
    account.invoice(customer, account.line("PLT-001", 5, custcol_revline_id="L1"))
    rows = account.query(
        "SELECT t.tranid, BUILTIN.DF(t.entity) AS who, BUILTIN.DF(t.type) AS kind, c.externalid, "
        "BUILTIN.DF(t.postingperiod) AS period, tl.custcol_revline_id, i.itemid, tl.foreignamount "
        "FROM transaction t INNER JOIN transactionline AS tl ON tl.transaction = t.id "
        "AND tl.mainline = 'F' LEFT OUTER JOIN item i ON i.id = tl.item "
        "JOIN customer c ON c.id = t.entity WHERE t.type = 'CustInvc'"
    )
    assert rows == [
        {
            "tranid": "INV11001",
            "who": f"CUST{customer}",
            "kind": "Invoice",
            "externalid": "c-1",
            "period": "Sep 2026",
            "custcol_revline_id": "L1",
            "itemid": "PLT-001",
            "foreignamount": "-5",
        }
    ]
    commas = "SELECT c.id FROM customer c, transaction t WHERE t.entity = c.id"
    assert account.query(commas) == [{"id": customer}]


def test_case_order_and_first_rows(account: Any) -> None:
    customers(account, "B", "A", "C")
    rank = "CASE WHEN companyname = 'C' THEN 0 ELSE 1 END AS rank"
    rows = account.query(f"SELECT companyname, {rank} FROM customer ORDER BY rank, 1 DESC")
    assert [row["companyname"] for row in rows] == ["C", "B", "A"]
    few = "SELECT DISTINCT companyname FROM customer ORDER BY companyname FETCH FIRST 2 ROWS ONLY"
    assert [row["companyname"] for row in account.query(few)] == ["A", "B"]


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "SELECT",
        "SELECT id",
        "SELECT id FROM",
        "SELECT id FROM unicorn",
        "SELECT horn FROM customer",
        "SELECT c.horn FROM customer c",
        "SELECT x.id FROM customer c",
        "SELECT id FROM customer LIMIT 5",
        "SELECT id FROM customer WHERE",
        "SELECT id FROM customer WHERE id",
        "SELECT id FROM customer WHERE id = ",
        "SELECT id FROM customer WHERE id IN (1, 'x')",
        "SELECT id FROM customer WHERE id IN ()",
        "SELECT id FROM customer WHERE lastmodifieddate > 'yesterday'",
        "SELECT id FROM customer WHERE lastmodifieddate > TO_DATE('2026', 'QQ')",
        "SELECT id FROM customer; DROP TABLE customer",
        "SELECT id FROM customer ORDER id",
        "SELECT id FROM customer ORDER BY 2",
        "SELECT id, id FROM customer",
        "SELECT id FROM customer c JOIN account a ON a.id = c.id",
        "SELECT id FROM sqlite_master",
        "SELECT load_extension('x') FROM customer",
        "SELECT BUILTIN.CONSOLIDATE(id) FROM customer",
        "SELECT TO_CHAR() FROM customer",
        "DELETE FROM customer",
        "UPDATE customer SET id = 1",
        "SELECT id FROM customer WHERE companyname = 'x",
        "SELECT (SELECT 1) FROM customer",
        "SELECT " + "(" * 80 + "1" + ")" * 80 + " FROM customer",
    ],
)
def test_refused_queries(account: Any, sql: str) -> None:
    account.customer()
    detail = account.refused(account.ask(sql))
    assert detail["o:errorCode"] in {"INVALID_PARAMETER", "INVALID_CONTENT"}
    assert account.look("violations")["violations"] == []
    assert len(account.query("SELECT id FROM customer")) == 1


@pytest.mark.parametrize(
    ("limit", "offset", "parameter"),
    [(1001, 0, "limit"), (0, 0, "limit"), (10, 5, "offset"), (1000, 100_000, "offset")],
)
def test_refused_pages(account: Any, limit: int, offset: int, parameter: str) -> None:
    answer = account.ask("SELECT id FROM currency ORDER BY id", limit=limit, offset=offset)
    assert account.refused(answer)["o:errorQueryParam"] == parameter


def test_habits_that_hurt_are_noted(account: Any) -> None:
    account.query("SELECT * FROM currency ORDER BY id")
    assert account.kinds_of_violation() == {"select_everything"}
    account.query("SELECT id FROM currency", limit=2)
    assert "unordered_pages" in account.kinds_of_violation()


def test_a_query_sees_what_was_undone_as_undone(account: Any) -> None:
    customer = account.customer()
    bad = {"line": {"items": []}}
    account.query("SELECT id FROM customer")
    account.refused(account.call("POST", "journalEntry", {"subsidiary": {"id": "1"}, **bad}))
    line = account.line("PLT-001", 5) | {"amount": 0.001}
    body = {"entity": {"id": customer}, "item": {"items": [line]}}
    account.refused(account.call("POST", "invoice", body))
    assert account.query("SELECT id FROM transaction") == []
    account.patch("customer", customer, companyName="Renamed")
    assert account.query("SELECT companyname FROM customer") == [{"companyname": "Renamed"}]
