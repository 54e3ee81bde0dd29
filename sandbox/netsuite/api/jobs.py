"""Asynchronous requests: a job per request, a task per item, each with its own result.

"Processing Asynchronous Requests" and "Using Batch Operations", NetSuite help.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from sandbox.messages import Request, Response
from sandbox.netsuite.api import records
from sandbox.netsuite.api.desk import (
    RECORD,
    Desk,
    Endpoint,
    base_of,
    body_of,
    located,
    preferences_of,
    reply,
)
from sandbox.netsuite.errors import (
    Detail,
    Refusal,
    content_error,
    header_error,
    not_found,
    parameter_error,
    refuse,
)

JOBS: Final = "/services/rest/async/v1/job"
KEY: Final = "X-NetSuite-Idempotency-Key"
ITEMS_MAX: Final = 100
COLLECTION: Final = "type=collection"


@dataclass(slots=True)
class Job:
    """One asynchronous request. ``results`` is empty until it is carried out."""

    id: str
    due: datetime
    tasks: list[Callable[[Desk], Response]]
    results: list[Response] = field(default_factory=list)

    @property
    def completed(self) -> bool:
        """Whether every task was carried out."""
        return len(self.results) == len(self.tasks)

    @property
    def progress(self) -> str:
        """One word for where it stands."""
        if not self.completed:
            return "pending"
        return "failed" if all(one.status >= 400 for one in self.results) else "succeeded"


class Jobs:
    """The jobs of one account. ``delay`` is how long one waits before it is carried out."""

    def __init__(self) -> None:
        self.delay = timedelta(0)
        self._jobs: dict[str, Job] = {}
        self._keys: dict[str, str] = {}

    def clear(self) -> None:
        """Forget everything."""
        self.delay = timedelta(0)
        self._jobs.clear()
        self._keys.clear()

    def run_due(self, desk: Desk) -> bool:
        """Carry out what is due; whether there was anything."""
        due = [
            job for job in self._jobs.values() if not job.completed and job.due <= desk.books.now()
        ]
        for job in due:
            job.results = [_carried_out(desk, task) for task in job.tasks]
        return bool(due)

    def endpoints(self) -> Iterable[Endpoint]:
        """Every write, at once or as a job; collections; and the jobs themselves."""
        for method, template, act, query in records.WRITES:
            yield Endpoint(method, template, self._either(act), query)
        for method in ("PATCH", "PUT", "DELETE"):
            query = frozenset({"ids"} if method == "DELETE" else {"replace"})
            yield Endpoint(method, RECORD + "/{type}", self._collection, query)
        yield Endpoint("GET", JOBS + "/{job}", self._read_job)
        yield Endpoint("GET", JOBS + "/{job}/task", self._list_tasks)
        yield Endpoint("GET", JOBS + "/{job}/task/{task}", self._read_task)
        yield Endpoint("GET", JOBS + "/{job}/task/{task}/result", self._read_result)

    # -- submitting --------------------------------------------------------------------------------

    def _either(self, act: records.Act) -> Callable[[Desk, Request], Response]:
        at_once = records.answering(act)

        def answer(desk: Desk, request: Request) -> Response:
            if COLLECTION in request.headers.get("content-type", "").replace(" ", ""):
                return self._collection(desk, request)
            if "respond-async" not in preferences_of(request):
                return at_once(desk, request)
            return self._submit(desk, request, [lambda later: at_once(later, request)])

        return answer

    def _collection(self, desk: Desk, request: Request) -> Response:
        if "respond-async" not in preferences_of(request):
            message = "Operations on collections are asynchronous: Prefer: respond-async."
            raise header_error(message, "Prefer")
        if request.method == "DELETE":
            parts = [_single(request, id, {}) for id in request.every("ids")]
        else:
            parts = [_part(request, item) for item in _items(request)]
        if not 1 <= len(parts) <= ITEMS_MAX:
            raise parameter_error(f"1 to {ITEMS_MAX} items are expected.", "items")
        acts = {"POST": records.create, "PATCH": records.update, "PUT": records.upsert}
        act: records.Act = acts.get(request.method, records.delete)
        return self._submit(desk, request, [_task(act, one, body) for one, body in parts])

    def _submit(
        self, desk: Desk, request: Request, tasks: list[Callable[[Desk], Response]]
    ) -> Response:
        key = request.headers.get(KEY.lower())
        if key is not None and key in self._keys:
            message = "The request with this idempotency key was received before."
            location = f"{base_of(request)}{JOBS}/{self._keys[key]}"
            detail = Detail(message, "IDEMPOTENCY_ERROR", {"o:errorHeader": KEY})
            raise Refusal(400, detail, title="Conflict", headers=(("Location", location),))
        id = str(len(self._jobs) + 1)
        self._jobs[id] = Job(id, desk.books.now() + self.delay, tasks)
        if key is not None:
            self._keys[key] = id
        self.run_due(desk)
        return located(request, f"{JOBS}/{id}", 202)

    # -- looking -----------------------------------------------------------------------------------

    def _job(self, request: Request) -> Job:
        job = self._jobs.get(request.parameters["job"])
        if job is None:
            raise not_found(request.path)
        return job

    def _read_job(self, _: Desk, request: Request) -> Response:
        job = self._job(request)
        url = f"{base_of(request)}{JOBS}/{job.id}"
        return reply(
            200,
            {
                "links": _self(url),
                "completed": job.completed,
                "id": job.id,
                "progress": job.progress,
                "task": {"links": _self(f"{url}/task")},
            },
            "job",
        )

    def _list_tasks(self, _: Desk, request: Request) -> Response:
        job = self._job(request)
        url = f"{base_of(request)}{JOBS}/{job.id}/task"
        items = [
            {"links": _self(f"{url}/{n + 1}"), "id": str(n + 1)} for n in range(len(job.tasks))
        ]
        counted = {"count": len(items), "hasMore": False, "items": items, "offset": 0}
        return reply(
            200, {"links": _self(url), **counted, "totalResults": len(items)}, "collection"
        )

    def _place(self, request: Request) -> tuple[Job, int]:
        job, task = self._job(request), request.parameters["task"]
        if not (task.isascii() and task.isdigit() and 1 <= int(task) <= len(job.tasks)):
            raise not_found(request.path)
        return job, int(task) - 1

    def _read_task(self, _: Desk, request: Request) -> Response:
        job, place = self._place(request)
        url = f"{base_of(request)}{JOBS}/{job.id}/task/{place + 1}"
        failed = job.completed and job.results[place].status >= 400
        done = "failed" if failed else "succeeded"
        return reply(
            200,
            {
                "links": _self(url),
                "completed": job.completed,
                "id": str(place + 1),
                "progress": done if job.completed else "pending",
                "result": {"links": _self(f"{url}/result")},
            },
            "task",
        )

    def _read_result(self, _: Desk, request: Request) -> Response:
        job, place = self._place(request)
        if not job.completed:
            raise not_found(request.path)
        return job.results[place]


def _self(url: str) -> list[dict[str, str]]:
    return [{"rel": "self", "href": url}]


def _carried_out(desk: Desk, task: Callable[[Desk], Response]) -> Response:
    try:
        with desk.books.savepoint():
            return task(desk)
    except Refusal as refusal:
        return refuse(refusal)


def _items(request: Request) -> list[dict[str, Any]]:
    items = body_of(request).get("items")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise content_error("A collection is expected as a list of objects.", "items")
    return items


def _single(request: Request, id: str, body: dict[str, Any]) -> tuple[Request, dict[str, Any]]:
    parameters = MappingProxyType({**request.parameters, "id": id})
    return replace(request, parameters=parameters), body


def _part(request: Request, item: dict[str, Any]) -> tuple[Request, dict[str, Any]]:
    """One item of a collection as a request of its own."""
    name = {"PATCH": "id", "PUT": "externalId"}.get(request.method)
    value = item.get(name) if name is not None else ""
    if not isinstance(value, str):
        raise content_error(f"Every item needs {name}.", f"items.{name}")
    return _single(request, f"eid:{value}" if request.method == "PUT" else value, item)


def _task(act: records.Act, request: Request, body: dict[str, Any]) -> Callable[[Desk], Response]:
    def task(desk: Desk) -> Response:
        saved = act(desk, request, body)
        return Response(204) if saved is None else located(request, records.place_of(saved))

    return task
