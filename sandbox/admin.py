"""The admin surface of every simulator, under ``/__admin``. Documented in docs/interfaces.md."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

import orjson

from sandbox.clock import iso_milliseconds
from sandbox.emit import ORDERS, SIGNATURES, Emission
from sandbox.faults import BadRule
from sandbox.messages import Json, Request, Response, json_response
from sandbox.routes import Route, RouteTable
from sandbox.simulator import BadCommand, Mutation, Simulator, plain_error

_EMIT_KEYS = frozenset(
    [
        "events",
        "duplicates",
        "order",
        "seed",
        "delay_seconds",
        "signature",
        "batch_max",
        "wait_seconds",
    ]
)


class Admin:
    """Answers admin requests for one simulator."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        handlers = (
            ("GET", "log", self._log),
            ("GET", "calls", self._calls),
            ("GET", "counts", self._counts),
            ("GET", "state", self._state),
            ("GET", "violations", self._violations),
            ("POST", "reset", self._reset),
            ("POST", "load", self._load),
            ("GET", "faults", self._list_faults),
            ("POST", "faults", self._add_faults),
            ("DELETE", "faults", self._clear_faults),
            ("GET", "hold", self._list_holds),
            ("POST", "hold", self._hold),
            ("POST", "release", self._release),
            ("GET", "clock", self._get_clock),
            ("POST", "clock", self._set_clock),
            ("POST", "mutate", self._mutate),
            ("GET", "emit", self._report_emission),
            ("POST", "emit", self._emit),
            ("GET", "webhooks", self._report_emission),
            ("POST", "webhooks", self._webhooks),
            ("GET", "options", self._get_options),
            ("POST", "options", self._set_options),
        )
        self._table = RouteTable(
            (
                *(Route(method, f"/__admin/{name}", handler) for method, name, handler in handlers),
                *simulator.admin_routes(),
            )
        )

    def answer(self, request: Request) -> Response:
        """Carry out one admin request; 400 with a reason when it makes no sense."""
        found = self._table.find(request.method, request.path)
        if found is None:
            return plain_error(404, f"no admin command {request.method} {request.path}")
        route, parameters = found
        try:
            return route.handler(
                Request(
                    request.seq,
                    request.method,
                    request.path,
                    request.query,
                    request.headers,
                    request.body,
                    MappingProxyType(parameters),
                )
            )
        except (BadCommand, BadRule, KeyError, TypeError, ValueError) as error:
            reason = f"missing: {error}" if isinstance(error, KeyError) else str(error)
            return plain_error(400, reason or type(error).__name__)

    def _log(self, request: Request) -> Response:
        since = int(request.first("since") or 0)
        with self._simulator.lock:
            entries = list(self._simulator.journal.entries[max(since, 0) :])
            return json_response(200, {"entries": [entry.as_json() for entry in entries]})

    def _calls(self, _: Request) -> Response:
        with self._simulator.lock:
            calls = [
                {"method": method, "path": path, "status": status, "count": count}
                for (method, path, status), count in self._simulator.journal.calls.items()
            ]
            total = self._simulator.journal.calls.total()
        return json_response(200, {"calls": calls, "total": total})

    def _counts(self, request: Request) -> Response:
        if (request.first("by") or "external_id") != "external_id":
            raise BadCommand("by must be external_id")
        return json_response(200, {"counts": self._simulator.grouped_counts()})

    def _state(self, _: Request) -> Response:
        with self._simulator.lock:
            return json_response(200, {"objects": self._simulator.snapshot()})

    def _violations(self, _: Request) -> Response:
        with self._simulator.lock:
            return json_response(200, {"violations": list(self._simulator.journal.violations)})

    def _reset(self, _: Request) -> Response:
        self._simulator.reset()
        return json_response(200, {"reset": True})

    def _load(self, request: Request) -> Response:
        body = _object(request)
        with self._simulator.lock:
            return json_response(200, {"loaded": dict(self._simulator.load(body))})

    def _list_faults(self, _: Request) -> Response:
        return json_response(200, {"rules": [r.as_json() for r in self._simulator.faults.rules()]})

    def _add_faults(self, request: Request) -> Response:
        body = _object(request)
        rules = body.get("rules", [body])
        added = [self._simulator.faults.add(rule) for rule in rules]
        return json_response(200, {"rules": [rule.as_json() for rule in added]})

    def _clear_faults(self, request: Request) -> Response:
        return json_response(200, {"cleared": self._simulator.faults.clear(request.first("id"))})

    def _list_holds(self, request: Request) -> Response:
        """With ``id`` and ``wait_seconds``: answers once a request stands there."""
        faults = self._simulator.faults
        wait, id = request.first("wait_seconds"), request.first("id")
        if wait is not None and id is not None:
            faults.wait_until_held(id, min(float(wait), 60.0))
        holds = [rule.as_json() for rule in faults.rules() if rule.action == "hold"]
        return json_response(200, {"holds": holds})

    def _hold(self, request: Request) -> Response:
        rule = self._simulator.faults.add({**_object(request), "action": "hold"})
        return json_response(200, {"hold": rule.id})

    def _release(self, request: Request) -> Response:
        id = _object(request).get("hold")
        return json_response(200, {"released": self._simulator.faults.clear(id, action="hold")})

    def _get_clock(self, _: Request) -> Response:
        clock = self._simulator.clock
        return json_response(200, {"now": iso_milliseconds(clock.now()), "frozen": clock.frozen})

    def _set_clock(self, request: Request) -> Response:
        """``{"set": instant, "shift_seconds": n, "freeze": true | false}``, each optional."""
        body = _only(_object(request), frozenset({"set", "shift_seconds", "freeze", "reset"}))
        clock = self._simulator.clock
        if body.get("reset"):
            clock.reset()
        if "set" in body:
            instant = datetime.fromisoformat(body["set"])
            if instant.tzinfo is None:
                raise BadCommand("set needs an instant with a time zone")
            clock.set(instant)
        if "shift_seconds" in body:
            clock.shift(timedelta(seconds=float(body["shift_seconds"])))
        if "freeze" in body:
            (clock.freeze if body["freeze"] else clock.resume)()
        return self._get_clock(request)

    def _mutate(self, request: Request) -> Response:
        body = _only(_object(request), frozenset({"object", "op", "id", "fields"}))
        id = body.get("id")
        mutation = Mutation(
            str(body["object"]),
            str(body["op"]),
            str(id) if id is not None else None,
            body.get("fields") or {},
        )
        with self._simulator.lock:
            return json_response(200, {"record": self._simulator.mutate(mutation)})

    def _webhooks(self, request: Request) -> Response:
        with self._simulator.lock:
            return json_response(200, self._simulator.configure_webhooks(_object(request)))

    def _report_emission(self, request: Request) -> Response:
        """With ``wait_seconds``: answers once nothing is due any more."""
        sender = self._simulator.sender
        if sender is None:
            raise BadCommand(f"{self._simulator.system} sends no webhooks")
        wait = request.first("wait_seconds")
        if wait is not None:
            sender.wait_until_idle(min(float(wait), 60.0))
        return json_response(200, sender.report(request.first("id")))

    def _emit(self, request: Request) -> Response:
        body = _only(_object(request), _EMIT_KEYS)
        sender = self._simulator.sender
        if sender is None:
            raise BadCommand(f"{self._simulator.system} sends no webhooks")
        signature, order = body.get("signature", "good"), body.get("order", "given")
        if signature not in SIGNATURES or order not in ORDERS:
            raise BadCommand(f"signature is one of {SIGNATURES}, order one of {ORDERS}")
        emission = Emission(
            events=tuple(body["events"]),
            duplicates=int(body.get("duplicates", 0)),
            order=order,
            seed=int(body.get("seed", 0)),
            delay_seconds=float(body.get("delay_seconds", 0)),
            signature=signature,
            batch_max=body.get("batch_max"),
        )
        name = sender.emit(emission)
        if "wait_seconds" in body:
            sender.wait_until_idle(min(float(body["wait_seconds"]), 60.0))
        return json_response(200, {"emission": name, **sender.report(name)})

    def _get_options(self, _: Request) -> Response:
        with self._simulator.lock:
            identity = {"identity_fields": dict(self._simulator.identity_fields)}
            return json_response(200, {"options": {**self._simulator.get_options(), **identity}})

    def _set_options(self, request: Request) -> Response:
        body = dict(_object(request))
        with self._simulator.lock:
            self._simulator.identity_fields.update(body.pop("identity_fields", {}))
            self._simulator.set_options(body)
        return self._get_options(request)


def _object(request: Request) -> dict[str, Json]:
    if not request.body:
        return {}
    try:
        body = request.json()
    except orjson.JSONDecodeError as error:
        raise BadCommand(f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise BadCommand("the body must be a JSON object")
    return body


def _only(body: dict[str, Json], known: frozenset[str]) -> Mapping[str, Json]:
    unknown = sorted(set(body) - known)
    if unknown:
        raise BadCommand(f"unknown keys: {', '.join(unknown)}")
    return body
