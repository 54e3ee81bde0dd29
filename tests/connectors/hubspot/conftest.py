"""A simulated HubSpot account, and a connector to it over real HTTP."""

from __future__ import annotations

import threading
import time
from collections import Counter
from datetime import UTC, datetime

import pytest
import requests

from connectors.base import Wiring
from connectors.hubspot.connector import build
from connectors.records import Selection
from sandbox.hubspot.oauth import ACCESS_TOKEN
from sandbox.hubspot.simulator import HubSpot
from sandbox.server import serve


class World:
    """The account from behind: edits by hand, faults, the clock, and what calls arrived."""

    def __init__(self, simulator, url):
        self.simulator = simulator
        self.url = url
        self._http = requests.Session()
        self._http.trust_env = False
        self._seen = Counter()
        self.observed = []

    def close(self):
        self._http.close()

    def admin(self, path, body=None):
        url = f"{self.url}/__admin/{path}"
        answer = self._http.get(url) if body is None else self._http.post(url, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def mutate(self, object, op, id=None, **fields):
        body = {"object": object, "op": op, "id": id, "fields": fields}
        return self.admin("mutate", body)["record"]

    def create(self, object, **fields):
        return self.mutate(object, "create", **fields)["id"]

    def api(self, method, path, body=None):
        """A call by another tool of the customer's."""
        headers = {"Authorization": f"Bearer {ACCESS_TOKEN}"}
        answer = self._http.request(method, self.url + path, json=body, headers=headers)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def associate(self, source, id, target, other):
        path = f"/crm/v4/objects/{source}/{id}/associations/default/{target}/{other}"
        self.api("PUT", path)

    def fault(self, **rule):
        self.admin("faults", rule)

    def shift(self, seconds):
        self.admin("clock", {"shift_seconds": seconds})

    def options(self, **options):
        self.admin("options", options)

    def _totals(self):
        # A call is counted after its answer is sent, so the last one may still be on its way.
        ceiling = time.monotonic() + 10
        while self.simulator.in_flight and time.monotonic() < ceiling:
            threading.Event().wait(0.001)
        return Counter(
            {
                f"{c['method']} {c['path']} {c['status']}": c["count"]
                for c in self.admin("calls")["calls"]
                if "__admin" not in c["path"]
            }
        )

    def mark(self):
        """Forget the calls so far."""
        self._seen = self._totals()

    def calls(self):
        """The calls since the mark, by what they are: ``{"list": 3, "associations": 1}``."""
        new = self._totals() - self._seen
        short = Counter()
        for name, count in new.items():
            _, path, _ = name.split()
            short[kind_of(path)] += count
        return dict(short)

    def violations(self):
        return self.admin("violations")["violations"]


def kind_of(path):
    """What a call is, from its path."""
    for part in ("properties", "associations", "owners", "oauth", "account-info", "search"):
        if f"/{part}" in path:
            return part
    return path.split("/batch/")[1] if "/batch/" in path else "list"


@pytest.fixture
def simulator():
    return HubSpot(seed=7)


@pytest.fixture
def world(simulator):
    with serve([simulator]) as running:
        held = World(simulator, running.urls["hubspot"])
        held.options(rate_scale=1000)
        yield held
        held.close()


@pytest.fixture
def wiring(world):
    return Wiring(
        now=lambda: world.simulator.clock.now(),
        observe=world.observed.append,
        allow_loopback=True,
        connect_seconds=2,
        read_seconds=5,
    )


@pytest.fixture(params=["2026-09", "v3"])
def version(request):
    return request.param


@pytest.fixture
def connector(world, wiring, version):
    settings = {"access_token": ACCESS_TOKEN, "base_url": world.url, "api_version": version}
    made = build(settings, wiring)
    yield made
    made.close()


@pytest.fixture
def long_ago():
    return datetime(2000, 1, 1, tzinfo=UTC)


@pytest.fixture
def deals():
    return Selection("deals", ("amount", "closedate", "dealname"))
