"""What people do in the screens and in their mail: make, send, open, sign, decline, void."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from sandbox.docusign import custom_fields, lifecycle, making
from sandbox.docusign.account import Account
from sandbox.docusign.errors import Problem
from sandbox.docusign.values import Row
from sandbox.messages import Json, Request, json_response
from sandbox.routes import Route
from sandbox.simulator import BadCommand, Mutation

if TYPE_CHECKING:
    from sandbox.docusign.simulator import DocuSignSimulator

OBJECT: Final = "envelopes"
_EDITED: Final = ("emailSubject", "emailBlurb", "externalEnvelopeId")

Act = Callable[[Account, Row, Mapping[str, Any]], None]


def mutate(account: Account, mutation: Mutation) -> Row:
    """Carry out one act; the envelope afterwards. :class:`BadCommand` if it makes no sense."""
    if mutation.object != OBJECT:
        raise BadCommand(f"people act on {OBJECT}, not on {mutation.object}")
    fields = mutation.fields
    try:
        if mutation.operation == "create":
            row, problem = making.make(account, dict(fields))
            if problem is not None:
                raise BadCommand(str(problem["message"]))
            return row
        act = _ACTS.get(mutation.operation)
        if act is None:
            raise BadCommand(f"nobody can {mutation.operation} an envelope; {', '.join(_ACTS)}")
        row = account.get(mutation.id or "")
        with account.changing(row["envelopeId"]):
            act(account, row, fields)
    except Problem as problem:
        raise BadCommand(f"{problem.code}: {problem.message}") from problem
    return account.get(row["envelopeId"])


def _correct(account: Account, row: Row, fields: Mapping[str, Any]) -> None:
    """Correct an envelope: its words, and custom fields by name under ``custom``."""
    for name, value in fields.items():
        if name == "custom":
            for field, held in value.items():
                _set_field(account, row, field, held)
        elif name in _EDITED:
            row[name] = value
        else:
            raise BadCommand(f"{name} is not corrected")
    lifecycle.correct(account, row)


def _set_field(account: Account, row: Row, name: str, value: object) -> None:
    written = "" if value is None else str(value)
    held = next((one for one in custom_fields.fields_of(row) if one["name"] == name), None)
    if held is not None:
        held["value"] = written
    else:
        custom_fields.add(account, row, {"textCustomFields": [{"name": name, "value": written}]})


def _who(fields: Mapping[str, Any]) -> str | None:
    who = fields.get("who")
    return None if who is None else str(who)


_ACTS: Final[Mapping[str, Act]] = {
    "update": _correct,
    "correct": _correct,
    "send": lambda account, row, _: lifecycle.send(account, row),
    "deliver": lambda account, row, fields: lifecycle.deliver(account, row, _who(fields)),
    "sign": lambda account, row, fields: lifecycle.sign(account, row, _who(fields)),
    "decline": lambda account, row, fields: lifecycle.decline(
        account, row, _who(fields), str(fields.get("reason", "No longer needed"))
    ),
    "void": lambda account, row, fields: lifecycle.void(
        account, row, str(fields.get("reason", "Sent by mistake"))
    ),
    "resend": lambda account, row, _: lifecycle.resend(account, row),
    "delete": lambda account, row, _: lifecycle.delete(account, row),
    "lock": lambda _, row, __: row.update(_locked=True),
    "unlock": lambda _, row, __: row.update(_locked=False),
}


def routes(simulator: DocuSignSimulator) -> Sequence[Route]:
    """``POST`` revoke_tokens; ``POST`` sign_in gives out a token without an assertion; ``POST``
    move ``{"base_uri"}``, as when an account moves house."""

    def revoke(_: Request) -> Json:
        return {"revoked": simulator.access.revoke_all()}

    def move(request: Request) -> Json:
        simulator.access.base_uri = str(request.json().get("base_uri", ""))
        return {"base_uri": simulator.access.base_uri}

    def sign_in(_: Request) -> Json:
        return {"sign_in": simulator.access.issue()}

    return [
        _route(simulator, "revoke_tokens", revoke),
        _route(simulator, "sign_in", sign_in),
        _route(simulator, "move", move),
    ]


def _route(simulator: DocuSignSimulator, name: str, command: Callable[[Request], Json]) -> Route:
    def answer(request: Request) -> Any:
        with simulator.lock:
            return json_response(200, command(request))

    return Route("POST", f"/__admin/{name}", answer)
