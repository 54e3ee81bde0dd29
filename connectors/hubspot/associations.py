"""Associations: who belongs to whom, primary first.

From developers.hubspot.com "Associations v4": a batch read takes up to 1,000 ids, answers each with
a page of associated ids, and leaves out (or reports as not found) ids without any.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from connectors.errors import UnexpectedAnswer
from connectors.hubspot.answers import chunks, next_after, partial_errors, rows, text_of
from connectors.hubspot.client import Call, Client, Door
from connectors.hubspot.errors import Meaning, meaning_of, reply_of_row
from connectors.hubspot.objects import (
    ASSOCIATION_BATCH_MAX,
    NAMES,
    PRIMARY_TYPE_IDS,
    STANDARD,
)
from connectors.hubspot.paths import Paths

_SINGULAR: Final = MappingProxyType({names.plural: names.singular for names in NAMES})


class Associations:
    """Reads associations in batches."""

    def __init__(self, client: Client, paths: Paths) -> None:
        self._client = client
        self._paths = paths

    def of(self, source: str, ids: Sequence[str], target: str) -> Mapping[str, tuple[str, ...]]:
        """For each id the associated ids, whole lists. ``ceil(n / 1000)`` calls plus cut lists."""
        found: dict[str, dict[str, bool]] = {id: {} for id in ids}
        open_inputs: list[dict[str, str]] = [{"id": id} for id in found]
        while open_inputs:
            further: list[dict[str, str]] = []
            for chunk in chunks(open_inputs, ASSOCIATION_BATCH_MAX):
                further += self._page(source, target, chunk, found)
            open_inputs = further
        return MappingProxyType({id: primary_first(marks) for id, marks in found.items()})

    def _page(
        self,
        source: str,
        target: str,
        inputs: Sequence[Mapping[str, str]],
        found: dict[str, dict[str, bool]],
    ) -> list[dict[str, str]]:
        """One call: adds to what was found and returns the inputs that have a further page."""
        answer = self._client.call(
            Call(
                Door.ASSOCIATIONS,
                "POST",
                self._paths.associations(source, target, "read"),
                body={"inputs": list(inputs)},
                object=source,
            )
        )
        self._require_only_empty(answer.body)
        further: list[dict[str, str]] = []
        for row in rows(answer.body):
            origin = row.get("from")
            id = text_of(origin.get("id")) if isinstance(origin, Mapping) else ""
            if id not in found:
                raise UnexpectedAnswer(
                    "HubSpot answered with associations of a record that was not asked for.",
                    code="FOREIGN_ASSOCIATION",
                )
            before = len(found[id])
            _add(found[id], row.get("to"), PRIMARY_TYPE_IDS.get((source, target)))
            after = next_after(row)
            if after is not None:
                if len(found[id]) == before:
                    raise UnexpectedAnswer(
                        "HubSpot's associations go on without showing any.", code="EMPTY_PAGE"
                    )
                further.append({"id": id, "after": after})
        return further

    def _require_only_empty(self, body: object) -> None:
        """A record without associations may be reported as an error; any other error is raised."""
        for row in partial_errors(body):
            reply = reply_of_row(row)
            if "NO_ASSOCIATIONS_FOUND" in str(row.get("subCategory")):
                continue
            if meaning_of(reply) is not Meaning.GONE:
                raise self._client.row_error(reply, effect=False, object="associations")


def _add(marks: dict[str, bool], targets: object, primary_type: int | None) -> None:
    for target in targets if isinstance(targets, list) else ():
        if not isinstance(target, Mapping):
            continue
        id = text_of(target.get("toObjectId"))
        kinds = target.get("associationTypes")
        primary = any(
            isinstance(kind, Mapping)
            and kind.get("category") == "HUBSPOT_DEFINED"
            and kind.get("typeId") == primary_type
            for kind in (kinds if isinstance(kinds, list) else ())
        )
        marks[id] = marks.get(id, False) or (primary and primary_type is not None)


def primary_first(marks: Mapping[str, bool]) -> tuple[str, ...]:
    """Ids in the order met, those marked primary before the others."""
    return (
        *(id for id, primary in marks.items() if primary),
        *(id for id, primary in marks.items() if not primary),
    )


def inline_names(asked: Iterable[str]) -> tuple[str, ...]:
    """The associations that may be asked for in a list call: those whose answer we can name.

    Custom objects come back under a name of the account's own making, so they are read in batches.
    """
    return tuple(name for name in asked if name in STANDARD)


def read_inline(
    row: Mapping[str, object], source: str, asked: Sequence[str]
) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """The associations inside a listed record: whole lists, and the names of those cut short.

    HubSpot names the association of line items "line items", and lists an id once per label; the
    primary one has the bare type (``deal_to_company``), others a suffix or a label's own name.
    """
    holder = row.get("associations")
    held = holder if isinstance(holder, Mapping) else {}
    named = {str(name).replace(" ", "_"): value for name, value in held.items()}
    whole: dict[str, tuple[str, ...]] = {}
    cut: list[str] = []
    for name in asked:
        part = named.get(name)
        if isinstance(part, Mapping) and next_after(part) is not None:
            cut.append(name)
            continue
        primary_type = _primary_type(source, name)
        marks: dict[str, bool] = {}
        for entry in rows(part) if part is not None else ():
            id, kind = text_of(entry.get("id")), str(entry.get("type") or "")
            marks[id] = marks.get(id, False) or kind == primary_type
        whole[name] = primary_first(marks)
    return whole, tuple(cut)


def _primary_type(source: str, target: str) -> str | None:
    if (source, target) not in PRIMARY_TYPE_IDS:
        return None
    return f"{_SINGULAR[source]}_to_{_SINGULAR[target]}"
