"""A toy vendor: notes that can be written and read, so that the core is tested on its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
import requests

from sandbox.messages import Request, Response, json_response
from sandbox.routes import Route
from sandbox.server import Running, serve
from sandbox.simulator import Mutation, Simulator


class Toy(Simulator):
    system = "toy"
    identity_field = "key"

    def __init__(self, **options: object) -> None:
        super().__init__(**options)
        self.notes: dict[str, dict[str, object]] = {}

    def routes(self):
        return (
            Route("POST", "/notes", self._create),
            Route("GET", "/notes", self._list, query=frozenset({"after", "access_token"})),
            Route("GET", "/notes/{id}", self._read),
            Route("GET", "/broken", self._broken),
            Route("POST", "/token", lambda _: json_response(200, {"ok": True}), open=True),
        )

    def authorize(self, request: Request) -> Response | None:
        return None if request.headers.get("authorization") == "Bearer t" else Response(401)

    def unknown_route(self, request: Request) -> Response:
        return Response(404, b'{"unknown":true}')

    def error_response(self, status: int) -> Response:
        return json_response(status, {"vendor_error": status})

    def clear(self) -> None:
        self.notes.clear()

    def load(self, body):
        self.notes.update(body["objects"]["notes"])
        return {"notes": len(self.notes)}

    def snapshot(self):
        return {"notes": dict(self.notes)}

    def live_records(self) -> Iterator[tuple[str, str, Mapping[str, object]]]:
        for id, fields in self.notes.items():
            yield "notes", id, fields

    def mutate(self, mutation: Mutation):
        self.notes[mutation.id] = dict(mutation.fields)
        return {"id": mutation.id, **mutation.fields}

    def _create(self, request: Request) -> Response:
        fields = request.json()
        id = str(len(self.notes) + 1)
        self.notes[id] = fields
        self.count("notes", id, "creates", fields.get("key"))
        return json_response(201, {"id": id})

    def _read(self, request: Request) -> Response:
        return json_response(200, {"id": request.parameters["id"], "stale": request.stale})

    def _list(self, request: Request) -> Response:
        after = int(request.first("after") or 0)
        return json_response(200, {"items": [after], "after": after + 1})

    def following_page(self, request: Request, response: Response) -> Request:
        from dataclasses import replace

        return replace(request, query=(("after", str(int(request.first("after") or 0) + 1)),))

    def _broken(self, _: Request) -> Response:
        raise LookupError("a bug of ours")


class Client:
    """Calls the toy as an authorized client, one connection per call."""

    def __init__(self, running: Running) -> None:
        self.simulator = running.simulators["toy"]
        self.url = running.urls["toy"]
        self.headers = {"Authorization": "Bearer t", "Connection": "close"}

    def get(self, path: str, **options) -> requests.Response:
        return requests.get(self.url + path, headers=self.headers, timeout=10, **options)

    def post(self, path: str, body: object) -> requests.Response:
        return requests.post(self.url + path, json=body, headers=self.headers, timeout=10)

    def admin(self, path: str, body: object = None) -> dict:
        url = f"{self.url}/__admin/{path}"
        if body is None:
            answer = requests.get(url, timeout=30)
        else:
            answer = requests.post(url, json=body, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def toy_class() -> type[Toy]:
    return Toy


@pytest.fixture
def toy() -> Iterator[Client]:
    with serve([Toy()]) as running:
        yield Client(running)
