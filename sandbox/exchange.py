"""One request from arrival to answer, with the mishaps that fault rules ask for."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import orjson

from sandbox.faults import Rule
from sandbox.journal import Entry
from sandbox.messages import Request, Response
from sandbox.simulator import Simulator


class Wire(Protocol):
    """The client's connection."""

    def send(self, response: Response, cut_at_byte: int | None = None) -> int:
        """Send the answer, or only the first bytes of its body; the bytes of body sent."""
        ...

    def reset(self) -> None:
        """Break the connection with a TCP reset."""
        ...

    def close(self) -> None:
        """End the connection in an orderly way, before the answer is complete."""
        ...


class _Broken(Exception):
    """The connection was broken on purpose, after ``bytes_sent`` of the body."""

    def __init__(self, bytes_sent: int = 0) -> None:
        super().__init__()
        self.bytes_sent = bytes_sent


class Exchange:
    """Carries out one request against a simulator over a wire."""

    def __init__(self, simulator: Simulator, request: Request, wire: Wire) -> None:
        self._simulator = simulator
        self._wire = wire
        self._entry: Entry = simulator.open_entry(request)
        self._rules = simulator.faults.for_request(self._entry.request)

    def run(self) -> None:
        """Answer the request, or break the connection as a rule demands."""
        entry = self._entry
        if self._rules:
            entry.fault = ",".join(f"{rule.id}:{rule.phase}:{rule.action}" for rule in self._rules)
        response: Response | None = None
        sent = 0
        try:
            response = self._prepare()
            sent = self._deliver(response)
        except _Broken as broken:
            response, sent = None, broken.bytes_sent
        except OSError:
            self._wire.close()  # the client went away; the log says how far we got
        finally:
            self._simulator.close_entry(entry, response, sent)

    def _phase(self, phase: str) -> list[Rule]:
        return [rule for rule in self._rules if rule.phase == phase]

    def _prepare(self) -> Response:
        stale = False
        for rule in self._phase("before"):
            if rule.action == "stale_read":
                stale = True
            elif (instead := self._mishap(rule)) is not None:
                return instead
        response = self._simulator.answer(self._entry, stale=stale)
        for rule in self._phase("after"):
            response = self._after(rule, response)
        self._simulator.remember_page(self._entry, response)
        return response

    def _after(self, rule: Rule, response: Response) -> Response:
        if rule.action == "content_type":
            kind = str(rule.options.get("content_type", "text/html"))
            body = rule.options.get("body")
            shown = response.body if body is None else _body_bytes(body)
            return replace(response, content_type=kind, body=shown)
        if rule.action == "duplicate_page":
            return self._simulator.previous_page(self._entry, response)
        if rule.action == "drop_page":
            following = self._simulator.following_page(self._entry.request, response)
            if following is None:
                return response
            return self._simulator.answer(replace(self._entry, request=following))
        return self._mishap(rule) or response

    def _mishap(self, rule: Rule) -> Response | None:
        """Delay, stand still, break, or answer something else."""
        options = rule.options
        if rule.action == "delay":
            rule.cleared.wait(float(options.get("seconds", 1.0)))
        elif rule.action == "hold":
            self._simulator.faults.stand_still(rule)
        elif rule.action in {"hang", "reset"}:
            if rule.action == "hang":
                self._simulator.faults.stand_still(rule)
            self._wire.reset()
            raise _Broken
        elif rule.action == "redirect":
            location = str(options.get("location", "http://127.0.0.1:9/elsewhere"))
            return Response(int(options.get("status", 302)), b"", (("Location", location),))
        elif rule.action == "status":
            return self._status_response(rule)
        return None

    def _status_response(self, rule: Rule) -> Response:
        status = int(rule.options.get("status", 503))
        response = self._simulator.error_response(status)
        body = rule.options.get("body")
        if body is not None:
            response = replace(response, body=_body_bytes(body))
        kind = rule.options.get("content_type")
        headers = tuple((str(k), str(v)) for k, v in (rule.options.get("headers") or {}).items())
        return replace(
            response,
            status=status,
            headers=response.headers + headers,
            content_type=str(kind) if kind else response.content_type,
        )

    def _deliver(self, response: Response) -> int:
        for rule in self._phase("mid"):
            at = rule.options.get("at")
            cut_at = int(at) if at is not None else len(response.body) // 2
            sent = self._wire.send(response, cut_at_byte=cut_at)
            if rule.action in {"hang", "delay"}:
                rule.cleared.wait(float(rule.options.get("seconds", 3600.0)))
            if rule.action == "truncate":
                self._wire.close()
            else:
                self._wire.reset()
            raise _Broken(sent)
        return self._wire.send(response)


def _body_bytes(body: object) -> bytes:
    return body.encode() if isinstance(body, str) else orjson.dumps(body)
