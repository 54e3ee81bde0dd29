"""A past large enough for jobs: written by ingest, read back by query, against real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.salesforce import exporting, sweeping
from engine.store import allowances
from tests.endtoend.world import BLANK, Line, load_hubspot

PEOPLE = 300
PAGE = 50
DATA = "/services/data/{version}"
JOB = DATA + "/jobs/ingest/{job}"


def _with_jobs(text: str) -> str:
    login = "    connector: salesforce\n    allow_loopback: true\n"
    assert login in text
    return text.replace(login, login + "    bulk_from: 200\n    bulk_write_from: 100\n")


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    for module in (exporting, sweeping):
        monkeypatch.setattr(module, "PAGE_MAX", PAGE)
    made = Line(tmp_path, sizes=BLANK, edit=_with_jobs)
    yield made
    made.close()


def test_a_large_past_goes_out_and_comes_back_by_jobs(line: Line) -> None:
    load_hubspot(line, {"contacts": [{"lastname": f'P "{n}",\n☂'} for n in range(PEOPLE)]})
    with line.spent() as out:
        line.settle()
    leads = line.live("salesforce", "Lead").values()
    assert len(leads) == len({row["Revline_Id__c"] for row in leads}) == PEOPLE
    assert {row["LastName"] for row in leads} == {f'P "{n}",\n☂' for n in range(PEOPLE)}
    assert line.issues() == []
    line.verify()
    jobs = [job for job in line.salesforce.jobs._jobs.values() if job.kind == "V2Ingest"]
    assert PEOPLE - 100 < sum(job.processed for job in jobs) <= PEOPLE
    assert not any(job.failed for job in jobs)
    assert out.calls["salesforce", "PUT", JOB + "/batches"] == len(jobs)
    with line.store.read() as tx:
        heard = allowances.every(tx)["salesforce"]
    assert (heard.used, heard.most) == (line.salesforce.calls_used(), 100_000)
    made = {line["outcome"] for line in line.lines() if line["operation"] == "create"}
    assert made == {"confirmed"}

    (back,) = [
        name
        for name, sync in line.config.syncs.items()
        if (sync.source.connection, sync.source.object) == ("salesforce", "Lead")
    ]
    line.shift(hours=1)
    line.settle()
    line.backfill(back)
    with line.spent() as spent:
        line.settle()
    assert spent.calls["salesforce", "GET", DATA + "/query"] == 1
    assert spent.calls["salesforce", "POST", DATA + "/jobs/query"] == 1
    assert spent.calls["salesforce", "GET", DATA + "/jobs/query/{job}/results"] == 1
    assert set(spent.writes) == {("salesforce", "POST", DATA + "/jobs/query")}
    line.verify()
