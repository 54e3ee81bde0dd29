"""Records as the API shows them. Reference: developers.hubspot.com, "CRM objects"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from sandbox.clock import iso_milliseconds
from sandbox.hubspot.account import Account
from sandbox.hubspot.errors import PORTAL_ID, bad_request
from sandbox.hubspot.schema import ObjectType
from sandbox.hubspot.store import Record
from sandbox.messages import Json, Request

PUBLIC_HOST: Final = "https://api.hubapi.com"  # links name the real host; nobody should follow them


def record_json(
    record: Record,
    names: Sequence[str] = (),
    *,
    state: Mapping[str, str] | None = None,
    history: Sequence[str] = (),
) -> dict[str, Json]:
    """One record. ``names`` replaces the default properties; ``state`` shows an older state."""
    known = state if state is not None else record.properties
    kind = record.type
    wanted = dict.fromkeys((*names, "createdate", "hs_object_id", kind.modified))
    shown = wanted if names else dict.fromkeys(kind.default)
    updated_at = known.get(kind.modified) or iso_milliseconds(record.updated_at)
    if record.archived:
        updated_at = iso_milliseconds(record.updated_at)
    answer: dict[str, Json] = {
        "id": record.id,
        "properties": {name: known.get(name) for name in shown if name in kind.properties},
        "createdAt": iso_milliseconds(record.created_at),
        "updatedAt": updated_at,
        "archived": record.archived,
        "url": f"https://app.hubspot.com/contacts/{PORTAL_ID}/record/{kind.type_id}/{record.id}",
    }
    if record.archived_at is not None:
        answer["archivedAt"] = iso_milliseconds(record.archived_at)
    if history:
        answer["propertiesWithHistory"] = {
            name: _history(record, name) for name in history if name in kind.properties
        }
    return answer


def _history(record: Record, name: str) -> list[Json]:
    versions = [(record.properties.get(name, ""), record.updated_at)]
    versions += reversed(record.history.get(name, []))
    if len(versions) == 1:
        versions = [(versions[0][0], record.created_at)]
    return [
        {"value": value, "timestamp": iso_milliseconds(at), "sourceType": "INTEGRATION"}
        for value, at in versions
    ]


def with_associations(
    account: Account, shown: dict[str, Json], record: Record, wanted: Sequence[ObjectType]
) -> dict[str, Json]:
    """Add inline associations. The key of line items has a space, and one id stands once per type:
    that is how the API answers. A list that is cut carries ``paging``."""
    most = account.simulator.settings.inline_association_max
    groups: dict[str, Json] = {}
    for to in wanted:
        rows = []
        cut_at: str | None = None
        links = account.associations.of(record.type.name, record.id, to.name)
        visible = [other for other in links if is_visible(account, to, other)]
        for position, other in enumerate(visible):
            if position == most:
                cut_at = other
                break
            for kind in sorted(links[other], key=lambda kind: kind[1]):
                found = account.associations.type_of(kind)
                rows.append({"id": other, "type": found.name if found else "unknown"})
        if rows:
            groups[to.inline_name] = {"results": rows}
            if cut_at is not None:
                path = f"/crm/v3/objects/{record.type.name}/{record.id}/associations/{to.name}"
                link = f"{PUBLIC_HOST}{path}?after={cut_at}"
                groups[to.inline_name]["paging"] = {"next": {"after": cut_at, "link": link}}
    if groups:
        shown["associations"] = groups
    return shown


def is_visible(account: Account, object_type: ObjectType, id: str) -> bool:
    """Whether an associated record is live."""
    record = account.store.get(object_type, id)
    return record is not None and not record.archived


def body_object(request: Request) -> dict[str, Json]:
    """The body as a JSON object, or a refusal in the vendor's words."""
    try:
        body = request.json()
    except ValueError:
        raise bad_request(
            "Invalid input JSON on line 1, column 1: not valid JSON"
        ).refusal() from None
    if not isinstance(body, dict):
        raise bad_request("Invalid input JSON: expected an object").refusal()
    return body


def page_size(request: Request, *, most: int, default: int) -> int:
    """The ``limit`` parameter; 400 above the most."""
    text = request.first("limit")
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()) or not 0 < int(text) <= most:
        raise bad_request(f"limit must be a number between 1 and {most}, was {text}").refusal()
    return int(text)


def page_start(request: Request) -> int:
    """The ``after`` parameter as a number; 400 when it is not one we handed out."""
    text = request.first("after") or "0"
    if not (text.isascii() and text.isdigit()):
        raise bad_request(f"Invalid value for after: {text}").refusal()
    return int(text)
