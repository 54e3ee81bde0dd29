"""CRM search: filters, sorting, paging and their limits.

Reference: developers.hubspot.com, "Search the CRM". Search sees an index that lags behind writes by
the configured delay, never sees archived records, and reaches 10,000 results at most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Final, TypeAlias

from sandbox.hubspot import paths
from sandbox.hubspot.account import Account
from sandbox.hubspot.errors import bad_request
from sandbox.hubspot.render import PUBLIC_HOST, body_object, record_json
from sandbox.hubspot.schema import ObjectType, Property
from sandbox.hubspot.store import Record
from sandbox.hubspot.values import milliseconds
from sandbox.messages import Json, Request, Response, json_response
from sandbox.routes import Route

BODY_MAX_CHARACTERS: Final = 3_000
GROUPS_MAX, FILTERS_PER_GROUP_MAX, FILTERS_MAX = 5, 6, 18
PAGE_MAX: Final = 200
RESULTS_MAX: Final = 10_000
_SINGLE: Final = frozenset(
    {"EQ", "NEQ", "LT", "LTE", "GT", "GTE", "CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"}
)
OPERATORS: Final = _SINGLE | {"BETWEEN", "IN", "NOT_IN", "HAS_PROPERTY", "NOT_HAS_PROPERTY"}
_KEYS: Final = ("filterGroups", "sorts", "query", "properties", "limit", "after")

_FILTER_KEYS: Final = ("propertyName", "operator", "value", "highValue", "values")

State: TypeAlias = Mapping[str, str]
Test: TypeAlias = Callable[[State], bool]
Comparable: TypeAlias = Decimal | int | str


class SearchApi:
    """The search handler."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._latest: tuple[tuple[object, ...], list[Record]] | None = None

    def routes(self) -> Iterator[Route]:
        """Both path styles."""
        yield from paths.objects("POST", "/{object}/search", self._search)

    def _search(self, request: Request) -> Response:
        if len(request.body.decode("utf-8", "replace")) > BODY_MAX_CHARACTERS:
            text = f"The request body exceeds {BODY_MAX_CHARACTERS} characters"
            raise bad_request(text).refusal()
        object_type = self._account.object_type(request)
        body = body_object(request)
        self._account.simulator.expect_keys(request, body, _KEYS, "search")
        for group in body.get("filterGroups") or ():
            self._account.simulator.expect_keys(request, group, ("filters",), "filterGroups")
            for entry in group.get("filters") or ():
                self._account.simulator.expect_keys(request, entry, _FILTER_KEYS, "a filter")
        limit = _limit(body)
        start = _after(body)
        if start + limit > RESULTS_MAX:
            text = f"The total number of results that can be paged through is {RESULTS_MAX}"
            raise bad_request(text).refusal()
        found = self._found(object_type, body)
        page = found[start : start + limit]
        names = tuple(body.get("properties") or ())
        answer: dict[str, Json] = {
            "total": len(found),
            "results": [self._show(record, names, stale=request.stale) for record in page],
        }
        following = start + len(page)
        if following < len(found) and page:
            link = f"{PUBLIC_HOST}{request.path}?after={following}"
            answer["paging"] = {"next": {"after": str(following), "link": link}}
        return json_response(200, answer)

    def _show(self, record: Record, names: tuple[str, ...], *, stale: bool) -> dict[str, Json]:
        state = record.previous if stale else self._account.store.indexed(record)
        return record_json(record, names, state=state)

    def _found(self, object_type: ObjectType, body: dict[str, Json]) -> list[Record]:
        """Matching records in order. The latest result is kept while nothing is written, so that
        paging through 10,000 does not filter everything 50 times."""
        store = self._account.store
        key = (
            object_type.name,
            repr(body.get("filterGroups")),
            repr(body.get("sorts")),
            repr(body.get("query")),
            store.revision,
        )
        if self._latest is not None and self._latest[0] == key:
            return self._latest[1]
        test = _test(object_type, body)
        pairs = []
        for record in store.all(object_type):
            if record.archived:
                continue
            state = store.indexed(record)
            if state is not None and test(state):
                pairs.append((record, state))
        found = _sorted(object_type, body.get("sorts") or [], pairs)
        self._latest = (key, found) if store.index_is_current else None
        return found


def _limit(body: dict[str, Json]) -> int:
    limit = body.get("limit", 10)
    if isinstance(limit, bool) or not isinstance(limit, int) or not 0 < limit <= PAGE_MAX:
        raise bad_request(f"limit must be between 1 and {PAGE_MAX}, was {limit}").refusal()
    return limit


def _after(body: dict[str, Json]) -> int:
    after = str(body.get("after") or "0")
    if not (after.isascii() and after.isdigit()):
        raise bad_request(f"Invalid value for after: {after}; it must be an integer").refusal()
    return int(after)


def _test(object_type: ObjectType, body: dict[str, Json]) -> Test:
    groups = body.get("filterGroups") or []
    if len(groups) > GROUPS_MAX:
        raise bad_request(f"At most {GROUPS_MAX} filterGroups are allowed").refusal()
    total = 0
    tests: list[list[Test]] = []
    for group in groups:
        filters = group.get("filters") or []
        total += len(filters)
        if len(filters) > FILTERS_PER_GROUP_MAX or total > FILTERS_MAX:
            raise bad_request("There are too many filters in the request").refusal()
        tests.append([_filter(object_type, entry) for entry in filters])
    words = str(body.get("query") or "").lower().split()

    def passes(state: State) -> bool:
        if tests and not any(all(test(state) for test in group) for group in tests):
            return False
        if not words:
            return True
        text = " ".join(state.get(name, "").lower() for name in object_type.default)
        return all(word in text for word in words)

    return passes


def _filter(object_type: ObjectType, entry: dict[str, Json]) -> Test:
    name, operator = entry.get("propertyName"), entry.get("operator")
    definition = object_type.properties.get(str(name))
    if definition is None:
        text = f"There was a problem with the request: property {name} does not exist"
        raise bad_request(text).refusal()
    if operator not in OPERATORS:
        raise bad_request(f"{operator} is not a valid operator").refusal()
    if operator == "HAS_PROPERTY":
        return lambda state: definition.name in state
    if operator == "NOT_HAS_PROPERTY":
        return lambda state: definition.name not in state
    if operator in {"IN", "NOT_IN"}:
        return _membership(definition, entry, str(operator))
    if entry.get("value") is None:
        raise bad_request(f"operator {operator} requires a value").refusal()
    if operator == "BETWEEN":
        return _between(definition, entry)
    if operator in {"CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"}:
        return _tokens(definition, str(entry["value"]), wanted=operator == "CONTAINS_TOKEN")
    return _comparison(definition, str(operator), str(entry["value"]))


def _key(definition: Property, text: str) -> Comparable | None:
    """What a value is compared by; ``None`` when it does not parse."""
    if definition.type == "number":
        try:
            return Decimal(text)
        except InvalidOperation:
            return None
    if definition.type in {"date", "datetime"}:
        return milliseconds(text)
    if definition.type == "enumeration":
        return text
    return text.lower()


def _bound(definition: Property, value: object) -> Comparable:
    bound = _key(definition, str(value))
    if bound is None:
        text = f"{value} is not a valid value of the {definition.type} property {definition.name}"
        raise bad_request(text).refusal()
    return bound


def _keyed(
    definition: Property, test: Callable[[Comparable], bool], *, absent: bool = False
) -> Test:
    """A test on the comparable form; ``absent`` is the answer for a blank."""

    def run(state: State) -> bool:
        text = state.get(definition.name)
        key = _key(definition, text) if text is not None else None
        return absent if key is None else test(key)

    return run


def _comparison(definition: Property, operator: str, value: str) -> Test:
    bound = _bound(definition, value)
    tests: Mapping[str, Callable[[Json], bool]] = {
        "EQ": lambda key: key == bound,
        "NEQ": lambda key: key != bound,
        "LT": lambda key: key < bound,
        "LTE": lambda key: key <= bound,
        "GT": lambda key: key > bound,
        "GTE": lambda key: key >= bound,
    }
    return _keyed(definition, tests[operator], absent=operator == "NEQ")


def _between(definition: Property, entry: dict[str, Json]) -> Test:
    if entry.get("highValue") is None:
        raise bad_request("operator BETWEEN requires value and highValue").refusal()
    low: Json = _bound(definition, entry["value"])
    high: Json = _bound(definition, entry["highValue"])
    return _keyed(definition, lambda key: low <= key <= high)


def _membership(definition: Property, entry: dict[str, Json], operator: str) -> Test:
    values = entry.get("values")
    if not isinstance(values, list) or not values:
        raise bad_request(f"operator {operator} requires values").refusal()
    if definition.type == "string":
        # values are compared as they stand with the lower-cased index: upper case never matches
        keys: set[Comparable] = {str(value) for value in values}
    else:
        keys = {_bound(definition, value) for value in values}
    if operator == "IN":
        return _keyed(definition, lambda key: key in keys)
    return _keyed(definition, lambda key: key not in keys, absent=True)


def _tokens(definition: Property, value: str, *, wanted: bool) -> Test:
    wildcard = value.lower().strip("*")

    def run(state: State) -> bool:
        words = state.get(definition.name, "").lower().replace("@", " ").replace(".", " ").split()
        if value.startswith("*") or value.endswith("*"):
            has = any(wildcard in word for word in words)
        else:
            has = all(
                part in words for part in wildcard.replace("@", " ").replace(".", " ").split()
            )
        return has is wanted

    return run


def _sorted(
    object_type: ObjectType, sorts: list[Json], pairs: list[tuple[Record, State]]
) -> list[Record]:
    """Only the first sort rule is honoured; ties and the default order go by creation."""
    if not sorts:
        return [record for record, _ in pairs]
    rule = sorts[0] if isinstance(sorts[0], dict) else {"propertyName": sorts[0]}
    definition = object_type.properties.get(str(rule.get("propertyName")))
    if definition is None:
        raise bad_request(f"property {rule.get('propertyName')} does not exist").refusal()
    blank: list[tuple[Json, Record]] = []
    present: list[tuple[Json, Record]] = []
    for record, state in pairs:
        text = state.get(definition.name)
        key = _key(definition, text) if text is not None else None
        (blank if key is None else present).append((key, record))
    descending = rule.get("direction") == "DESCENDING"
    present.sort(key=_first, reverse=descending)
    ordered = [*present, *blank] if descending else [*blank, *present]
    return [record for _, record in ordered]


def _first(pair: tuple[Json, Record]) -> Json:
    return pair[0]
