"""The jobs of Bulk API 2.0, call by call.

Bulk API 2.0 guide, "Query" and "Ingest": a job is made, worked on by the vendor in its own time,
and asked for its results; it is kept for seven days.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from connectors.errors import CallError, UnexpectedAnswer
from connectors.salesforce.ids import normal_id
from connectors.salesforce.rest import Rest, TextAnswer

_WAIT_FIRST_SECONDS: Final = 5
_WAIT_MOST_SECONDS: Final = 60
_LOCATOR: Final = re.compile(r"[A-Za-z0-9_=+/-]{1,200}", re.ASCII)
# What is said of a job, or a place in its results, that is not there any more.
LOST_CODES: Final = frozenset({"NOT_FOUND", "INVALID_QUERY_LOCATOR", "ENTITY_IS_DELETED"})
RUNNING: Final = frozenset({"Open", "UploadComplete", "InProgress"})


@dataclass(frozen=True, slots=True)
class Job:
    """How a job stands, in the vendor's words."""

    id: str
    object: str
    state: str
    processed: int
    failed: int
    message: str


@dataclass(frozen=True, slots=True)
class Table:
    """CSV that came whole: the header, and the text with every row under it."""

    header: tuple[str, ...]
    count: int
    text: str


def make_query(rest: Rest, object: str, soql: str) -> Job:
    """Ask for a query to be run. Raises ``CallError``."""
    body = {"operation": "query", "query": soql, "contentType": "CSV"}
    dialect = {"columnDelimiter": "COMMA", "lineEnding": "LF"}
    return job_of(rest.ask("jobs/query", {**body, **dialect}, object=object))


def job_of(answer: object) -> Job:
    """Read what is told of a job. Raises ``UnexpectedAnswer``."""
    told = answer if isinstance(answer, Mapping) else {}
    id, state = normal_id(str(told.get("id") or "")), told.get("state")
    if id is None or not isinstance(state, str):
        raise UnexpectedAnswer("a job was told of in an unknown way", code="JOB_SHAPE")
    return Job(
        id=id,
        object=str(told.get("object") or ""),
        state=state,
        processed=_count(told.get("numberRecordsProcessed")),
        failed=_count(told.get("numberRecordsFailed")),
        message=str(told.get("errorMessage") or "")[:500],
    )


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def wait_after(looks: int) -> timedelta:
    """How long to leave a job alone that was found running ``looks`` times before."""
    return timedelta(seconds=min(_WAIT_MOST_SECONDS, _WAIT_FIRST_SECONDS * 2 ** min(looks, 10)))


def lost(error: CallError) -> bool:
    """Whether the job, or the place in its results, is there no longer."""
    return error.code in LOST_CODES or error.status == 404


def onward_locator(answer: TextAnswer) -> str | None:
    """Where the next part of the results begins; ``None`` after the last."""
    locator = answer.headers.get("sforce-locator")
    if locator is None or not _LOCATOR.fullmatch(locator):
        raise UnexpectedAnswer("results came without their end", code="RESULTS_SHAPE")
    return None if locator == "null" else locator


def table(answer: TextAnswer) -> Table:
    """CSV, checked to be whole. Raises ``UnexpectedAnswer``."""
    try:
        text = answer.content.decode("utf-8").removeprefix("\ufeff")
        lines = csv.reader(io.StringIO(text, newline=""), strict=True)
        header = tuple(next(lines, ()))
        widths = [len(line) for line in lines if line]
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnexpectedAnswer(f"results are no CSV ({error})", code="RESULTS_SHAPE") from None
    promised = answer.headers.get("sforce-numberofrecords")
    if promised is not None and promised != str(len(widths)):
        raise UnexpectedAnswer(
            f"results promised {promised[:20]} rows and brought {len(widths)}", code="RESULTS_CUT"
        )
    if any(width != len(header) for width in widths):
        raise UnexpectedAnswer("results have rows of another width", code="RESULTS_SHAPE")
    return Table(header, len(widths), text)
