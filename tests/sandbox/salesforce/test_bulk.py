"""Bulk API 2.0 as the simulator plays it, over plain HTTP."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest
import requests

EXTERNAL = "Revline_Id__c"


@pytest.fixture
def bulk(org: Any) -> Iterator[Bulk]:
    yield Bulk(org)
    assert org.kinds_of_violation() <= {"malformed_query"}


class Bulk:
    """A caller of the jobs resources."""

    def __init__(self, org: Any) -> None:
        self.org = org

    def ingest(self, **more: Any) -> Any:
        body = {"object": "Account", "operation": "insert", "contentType": "CSV", **more}
        return self.org.call("POST", "/jobs/ingest", body)

    def upload(self, job: str, text: str | bytes) -> Any:
        data = text.encode() if isinstance(text, str) else text
        headers = {"Content-Type": "text/csv"}
        return self.org.call("PUT", f"/jobs/ingest/{job}/batches", data=data, headers=headers)

    def state(self, job: str, state: str, kind: str = "ingest") -> Any:
        return self.org.call("PATCH", f"/jobs/{kind}/{job}", {"state": state})

    def done(self, job: str, kind: str = "ingest") -> dict[str, Any]:
        for _ in range(5):
            answer = self.org.call("GET", f"/jobs/{kind}/{job}")
            assert answer.status_code == 200, answer.text
            told: dict[str, Any] = answer.json()
            if told["state"] in {"JobComplete", "Failed", "Aborted"}:
                return told
        raise AssertionError("the job does not end")

    def run(self, text: str | bytes, **more: Any) -> tuple[str, dict[str, Any]]:
        job: str = self.ingest(**more).json()["id"]
        assert self.upload(job, text).status_code == 201
        assert self.state(job, "UploadComplete").json()["state"] == "UploadComplete"
        return job, self.done(job)

    def rows(self, job: str, which: str) -> list[dict[str, str]]:
        answer = self.org.call("GET", f"/jobs/ingest/{job}/{which}")
        assert answer.status_code == 200, answer.text
        return list(csv.DictReader(io.StringIO(answer.text, newline="")))

    def query(self, soql: str, operation: str = "query") -> Any:
        return self.org.call("POST", "/jobs/query", {"operation": operation, "query": soql})

    def page(self, job: str, **parameters: Any) -> tuple[list[list[str]], str, str]:
        answer = self.org.call("GET", f"/jobs/query/{job}/results", params=parameters)
        assert answer.status_code == 200, answer.text
        rows = list(csv.reader(io.StringIO(answer.text, newline="")))
        headers = answer.headers
        return rows, headers["Sforce-Locator"], headers["Sforce-NumberOfRecords"]


def code(answer: requests.Response) -> str:
    found: str = answer.json()[0]["errorCode"]
    return found


def test_rows_are_written_and_refused_one_by_one(bulk: Bulk) -> None:
    text = 'Name,Description,AnnualRevenue\n"A, ""Inc""","two\nlines",12\n,nameless,1\n'
    job, told = bulk.run(text)
    assert (told["state"], told["numberRecordsProcessed"], told["numberRecordsFailed"]) == (
        "JobComplete",
        2,
        1,
    )
    (row,) = bulk.rows(job, "successfulResults")
    assert (row["sf__Created"], row["Name"], row["Description"]) == (
        "true",
        'A, "Inc"',
        "two\nlines",
    )
    record = bulk.org.read("Account", row["sf__Id"])
    assert (record["AnnualRevenue"], record["Description"]) == (12.0, "two\nlines")
    (failed,) = bulk.rows(job, "failedResults")
    assert failed["sf__Error"].startswith("REQUIRED_FIELD_MISSING:")
    assert failed["sf__Error"].endswith(":Name --")
    assert failed["Description"] == "nameless"
    assert bulk.rows(job, "unprocessedrecords") == []


def test_a_blank_says_nothing_and_na_clears(bulk: Bulk) -> None:
    id = bulk.org.create("Account", Name="A", Description="kept", Industry="Energy")
    job, _ = bulk.run(f"Id,Description,Industry\n{id},,#N/A\n", operation="update")
    assert [row["sf__Created"] for row in bulk.rows(job, "successfulResults")] == ["false"]
    record = bulk.org.read("Account", id)
    assert (record["Description"], record["Industry"]) == ("kept", None)


def test_upsert_by_external_id_and_a_parent_by_its(bulk: Bulk) -> None:
    bulk.org.create("Account", Name="Parent", **{EXTERNAL: "p-1"})
    text = f"{EXTERNAL},Name,Parent.{EXTERNAL}\nx-1,One,p-1\nx-2,Two,p-9\n"
    job, told = bulk.run(text, operation="upsert", externalIdFieldName=EXTERNAL)
    assert told["numberRecordsFailed"] == 1
    assert "not found" in bulk.rows(job, "failedResults")[0]["sf__Error"]
    job, _ = bulk.run(
        f"{EXTERNAL},Name\nX-1,One again\n", operation="upsert", externalIdFieldName=EXTERNAL
    )
    assert [row["sf__Created"] for row in bulk.rows(job, "successfulResults")] == ["false"]


def test_a_record_named_twice_in_one_part_is_refused_twice(bulk: Bulk) -> None:
    text = f"{EXTERNAL},Name\nx-1,One\nX-1,Two\nx-2,Three\n"
    job, told = bulk.run(text, operation="upsert", externalIdFieldName=EXTERNAL)
    assert told["numberRecordsFailed"] == 2
    assert {row["sf__Error"].partition(":")[0] for row in bulk.rows(job, "failedResults")} == {
        "DUPLICATE_VALUE"
    }


def test_results_do_not_come_in_the_order_of_the_upload(bulk: Bulk) -> None:
    names = [f"N{number}" for number in range(401)]
    job, _ = bulk.run("Name\n" + "\n".join(names) + "\n")
    shown = [row["Name"] for row in bulk.rows(job, "successfulResults")]
    assert sorted(shown) == sorted(names)
    assert shown != names


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"Name\r\nA\r\n", "LineEnding is invalid"),
        (b"Nome\nA\n", "Field name not found : Nome"),
        (b"Name,Industry\nA\n", "cells"),
        (b"Name\n\xff\n", "UTF-8"),
        (b"Name\n" + b"x" * 32_001 + b"\n", "32000"),
        (b"Name,name\nA,B\n", "twice"),
        (b"", "header"),
    ],
)
def test_an_upload_that_cannot_be_read_fails_the_job(bulk: Bulk, text: bytes, said: str) -> None:
    _, told = bulk.run(text)
    assert told["state"] == "Failed"
    assert told["errorMessage"].startswith("InvalidBatch")
    assert said in told["errorMessage"]


def test_crlf_and_another_delimiter_where_the_job_says_so(bulk: Bulk) -> None:
    text = 'Name;Description\r\nA;"x\ny"\r\n'
    job, told = bulk.run(text, lineEnding="CRLF", columnDelimiter="SEMICOLON")
    assert told["state"] == "JobComplete"
    assert bulk.org.call("GET", f"/jobs/ingest/{job}/successfulResults").text.endswith("\r\n")


def test_states_in_their_order_and_no_other(bulk: Bulk) -> None:
    job = bulk.ingest().json()["id"]
    assert code(bulk.state(job, "UploadComplete")) == "INVALIDJOBSTATE"
    assert bulk.org.call("PUT", f"/jobs/ingest/{job}/batches", json={}).status_code == 415
    assert bulk.upload(job, "Name\nA\n").status_code == 201
    assert code(bulk.upload(job, "Name\nB\n")) == "CLIENTINPUTERROR"
    assert code(bulk.org.call("DELETE", f"/jobs/ingest/{job}")) == "INVALIDJOBSTATE"
    assert code(bulk.org.call("GET", f"/jobs/ingest/{job}/successfulResults")) == "INVALIDJOBSTATE"
    assert bulk.org.call("GET", f"/jobs/ingest/{job}").json()["state"] == "Open"
    assert bulk.state(job, "UploadComplete").status_code == 200
    assert code(bulk.state(job, "UploadComplete")) == "INVALIDJOBSTATE"
    assert bulk.org.call("GET", f"/jobs/ingest/{job}").json()["state"] == "InProgress"
    assert bulk.org.query("SELECT Id FROM Account WHERE Name = 'A'") == []
    assert bulk.done(job)["state"] == "JobComplete"
    assert code(bulk.state(job, "Aborted")) == "INVALIDJOBSTATE"
    assert bulk.org.call("DELETE", f"/jobs/ingest/{job}").status_code == 204
    assert bulk.org.call("GET", f"/jobs/ingest/{job}").status_code == 404


def test_an_aborted_job_writes_nothing(bulk: Bulk) -> None:
    job = bulk.ingest().json()["id"]
    bulk.upload(job, "Name\nA\n")
    assert bulk.state(job, "Aborted").json()["state"] == "Aborted"
    assert bulk.done(job)["state"] == "Aborted"
    assert bulk.org.query("SELECT Id FROM Account WHERE Name = 'A'") == []


def test_a_job_that_breaks_off_tells_what_it_left(bulk: Bulk) -> None:
    bulk.org.admin("bulk", {"fail_after": 2})
    job, told = bulk.run("Name\nA\nB\nC\n")
    assert (told["state"], told["numberRecordsProcessed"]) == ("Failed", 2)
    assert [row["Name"] for row in bulk.rows(job, "successfulResults")] == ["A", "B"]
    assert [row["Name"] for row in bulk.rows(job, "unprocessedrecords")] == ["C"]


def test_a_lock_is_waited_for_ten_times(bulk: Bulk) -> None:
    id = bulk.org.create("Account", Name="A")
    bulk.org.admin("row_locks", {"id": id, "times": 12})
    job, told = bulk.run(f"Id,Name\n{id},B\n", operation="update")
    assert told["retries"] == 10
    assert "UNABLE_TO_LOCK_ROW" in bulk.rows(job, "failedResults")[0]["sf__Error"]
    job, told = bulk.run(f"Id,Name\n{id},B\n", operation="update")
    assert told["numberRecordsFailed"] == 0


@pytest.mark.parametrize(
    "body",
    [
        {"object": "Nothing"},
        {"operation": "merge"},
        {"operation": "upsert"},
        {"operation": "upsert", "externalIdFieldName": "Name"},
        {"operation": "hardDelete"},
        {"lineEnding": "CR"},
        {"columnDelimiter": "COLON"},
        {"contentType": "XML"},
    ],
)
def test_jobs_that_are_refused(bulk: Bulk, body: dict[str, Any]) -> None:
    assert bulk.ingest(**body).status_code == 400


# -- queries -------------------------------------------------------------------------------------


def test_results_come_page_by_page_in_the_order_of_ids(bulk: Bulk) -> None:
    ids = [bulk.org.create("Account", Name=f"N{n}", Industry=None) for n in range(5)]
    answer = bulk.query("SELECT Id, Name, Owner.Name, CreatedDate, IsDeleted FROM Account")
    job = answer.json()["id"]
    assert answer.json()["state"] == "UploadComplete"
    assert code(bulk.org.call("GET", f"/jobs/query/{job}/results")) == "INVALIDJOBSTATE"
    assert bulk.done(job, "query")["numberRecordsProcessed"] == 5
    rows, locator, count = bulk.page(job, maxRecords=3)
    assert rows[0] == ["Id", "Name", "Owner.Name", "CreatedDate", "IsDeleted"]
    assert count == "3"
    assert rows[1][3].endswith(".000Z")
    assert rows[1][4] == "false"
    more, end, count = bulk.page(job, maxRecords=3, locator=locator)
    assert (end, count) == ("null", "2")
    assert [row[0] for row in rows[1:] + more[1:]] == ids
    assert bulk.page(job, maxRecords=3, locator=locator)[0] == more
    refused = bulk.org.call("GET", f"/jobs/query/{job}/results", params={"locator": "x"})
    assert code(refused) == "INVALID_QUERY_LOCATOR"


def test_a_query_shows_the_records_as_they_were_when_it_ran(bulk: Bulk) -> None:
    id = bulk.org.create("Account", Name="before")
    job = bulk.query("SELECT Name FROM Account").json()["id"]
    bulk.org.call("PATCH", f"/sobjects/Account/{id}", {"Name": "after"})
    bulk.done(job, "query")
    assert bulk.page(job)[0] == [["Name"], ["before"]]


@pytest.mark.parametrize(
    "soql",
    [
        "SELECT COUNT() FROM Account",
        "SELECT Id, (SELECT Id FROM Contacts) FROM Account",
        "SELECT Id, BillingAddress FROM Account",
        "SELECT Id FROM Account LIMIT 5 OFFSET 1",
        "SELECT Industry FROM Account GROUP BY Industry",
        "SELECT TYPEOF Owner WHEN User THEN Name END FROM Account",
        "SELECT Nope FROM Account",
        "SELECT Id FROM",
    ],
)
def test_queries_that_are_refused(bulk: Bulk, soql: str) -> None:
    assert bulk.query(soql).status_code == 400


def test_a_job_is_forgotten_after_seven_days(bulk: Bulk) -> None:
    job = bulk.query("SELECT Id FROM Account").json()["id"]
    bulk.done(job, "query")
    bulk.org.shift(6 * 86_400)
    bulk.org.sign_in()
    assert bulk.page(job)[1] == "null"
    bulk.org.shift(2 * 86_400)
    bulk.org.sign_in()
    assert bulk.org.call("GET", f"/jobs/query/{job}/results").status_code == 404


def test_the_allowance_of_a_day(bulk: Bulk) -> None:
    bulk.org.admin("bulk", {"query_jobs": 1, "batches": 1})
    assert bulk.query("SELECT Id FROM Account").status_code == 200
    assert code(bulk.query("SELECT Id FROM Account")) == "EXCEEDED_MAX_JOBS"
    assert bulk.run("Name\nA\n")[1]["state"] == "JobComplete"
    assert bulk.run("Name\nA\n")[1]["state"] == "Failed"
    limits = bulk.org.call("GET", "/limits").json()
    assert limits["DailyBulkV2QueryJobs"] == {"Max": 1, "Remaining": 0}
    assert limits["DailyBulkApiBatches"] == {"Max": 1, "Remaining": 0}
