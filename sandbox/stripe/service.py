"""What every endpoint has in common: parameters, permission, expansion, lists, search, counting."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from sandbox.messages import Json, Request
from sandbox.stripe import listing, search
from sandbox.stripe.account import Account
from sandbox.stripe.expansion import expand, expand_list
from sandbox.stripe.store import Record
from sandbox.stripe.tables import RESOURCES, Resource


@dataclass(slots=True)
class Call:
    """One request to an endpoint. ``params`` are typed; ``used`` are those somebody looked at."""

    account: Account
    request: Request
    params: dict[str, Json]
    used: set[str] = field(default_factory=lambda: {"expand"})

    @property
    def id(self) -> str:
        """The id in the path."""
        return self.request.parameters["id"]

    def get(self, name: str, default: Json = None) -> Json:
        """A parameter's value; one that nobody asks for is reported as not simulated."""
        self.used.add(name)
        return self.params.get(name, default)

    def has(self, name: str) -> bool:
        """Whether a parameter was sent, blank or not."""
        self.used.add(name)
        return name in self.params

    def given(self, *names: str) -> dict[str, Json]:
        """Those of the named parameters that were sent."""
        self.used.update(names)
        return {name: self.params[name] for name in names if name in self.params}


Run: TypeAlias = Callable[[Call], Record]
Filter: TypeAlias = Callable[[Account, Record, Json], bool]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method and path. ``effect`` is create, update, delete, or "" for a read; ``finished``
    says that ``run`` answers what is printed, not a record to be rendered."""

    method: str
    path: str
    operation: str
    run: Run
    resource: Resource
    effect: str = ""
    finished: bool = False

    @property
    def permission(self) -> str:
        """What a restricted key needs: the resource and read or write."""
        return f"{self.resource.permission}_{'write' if self.effect else 'read'}"

    def answer(self, call: Call) -> Record:
        """Carry out the call and print the answer."""
        made = self.run(call)
        if self.finished:
            return made
        shown = call.account.render(self.resource.table, made)
        return expand(call.account, self.resource.table, shown, call.params.get("expand", ()))


def _same(name: str) -> Filter:
    return lambda _, record, wanted: bool(record.get(name) == wanted)


def _within(name: str) -> Filter:
    return lambda _, record, wanted: listing.in_range(record.get(name), wanted)


@dataclass(frozen=True, slots=True)
class Reading:
    """List, retrieve and search of one resource. ``filters`` override plain equality of a field."""

    table: str
    list_operation: str | None
    filters: Mapping[str, Filter] = field(default_factory=dict)
    always: Callable[[Call], Callable[[Record], bool]] = lambda _: lambda _: True

    def endpoints(self) -> Iterator[Endpoint]:
        """The reading endpoints."""
        resource = RESOURCES[self.table]
        if self.list_operation is not None:
            yield Endpoint(
                "GET", resource.path, self.list_operation, self.list, resource, finished=True
            )
        if resource.searchable:
            path = f"{resource.path}/search"
            yield Endpoint("GET", path, "search", self.search, resource, finished=True)
        yield Endpoint("GET", f"{resource.path}/{{id}}", "retrieve", self.retrieve, resource)

    def retrieve(self, call: Call) -> Record:
        """One record by id; a deleted one is only a stub."""
        return call.account.find(self.table, call.id)

    def list(self, call: Call) -> Record:
        """One page, newest first."""
        resource, account = RESOURCES[self.table], call.account
        tests = [
            (self.filters.get(name) or (_within(name) if name == "created" else _same(name)), value)
            for name, value in call.params.items()
            if name not in listing.PAGING
        ]
        call.used.update(call.params)
        always = self.always(call)

        def matches(record: Record) -> bool:
            return always(record) and all(test(account, record, value) for test, value in tests)

        page = listing.page(
            account.rows(self.table), matches, call.params, resource.path, resource.object
        )
        page["data"] = [account.render(self.table, row) for row in page["data"]]
        return expand_list(account, self.table, page, call.params.get("expand", ()))

    def search(self, call: Call) -> Record:
        """One page of what the index has; it lags behind writes."""
        resource, account = RESOURCES[self.table], call.account
        call.used.update(call.params)
        rows, page = search.search(
            self.table,
            account.store.searchable(self.table, account.instant()),
            call.params,
            f"{resource.path}/search",
        )
        page["data"] = [account.render(self.table, row) for row in rows]
        return expand_list(account, self.table, page, call.params.get("expand", ()))


def writing(
    table: str,
    tail: str,
    operation: str,
    run: Run,
    effect: str = "update",
    method: str = "POST",
) -> Endpoint:
    """A writing endpoint of a resource; ``tail`` is what follows its path."""
    resource = RESOURCES[table]
    return Endpoint(method, resource.path + tail, operation, run, resource, effect)


def within(name: str) -> Filter:
    """A filter by a time field that is not ``created``."""
    return _within(name)
