"""The registry of issues: every code with its cause, its fix and who can act, in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class IssueKind:
    """One kind of problem. ``cause`` and ``fix`` are sentences with ``{parameters}``."""

    code: str
    owner: str  # RevOps | finance | admin | engineer
    cause: str
    fix: str


_KINDS: Final = (
    IssueKind(
        "MATCH_AMBIGUOUS",
        "RevOps",
        "More than one {object} matches by {rule}, so none was chosen.",
        "Merge the duplicates, or link the right one: revline issues resolve ID --link TARGET_ID.",
    ),
    IssueKind(
        "MATCH_ALREADY_LINKED",
        "RevOps",
        "The {object} that matches by {rule} is already linked to another record of the source.",
        "Merge the two source records, or change {rule} on one of them.",
    ),
    IssueKind(
        "MERGED_TWO_TARGETS",
        "RevOps",
        "Two records were merged in the source, and each has its own {object}.",
        "Merge the two {object} records in the target; Revline follows the survivor.",
    ),
    IssueKind(
        "MERGED_TARGETS",
        "RevOps",
        "Its {object} was merged into the one of another source record.",
        "Merge the two source records as well; Revline follows the survivor.",
    ),
    IssueKind(
        "REFUSED",
        "RevOps",
        "The target refused the record: {message}",
        "Correct the record in the source; it is sent again on its next change. Fields: {fields}",
    ),
    IssueKind(
        "DUPLICATE",
        "RevOps",
        "The target already has a record with this value: {message}",
        "Merge the duplicate, or add a match rule that finds it. Fields: {fields}",
    ),
    IssueKind(
        "CHILD_ELSEWHERE",
        "RevOps",
        "Its {object} is in the target already, under another parent than it has in the source.",
        "Delete that {object}, or move the record back in the source (the parent there is "
        "{parent}), then: revline issues retry ID.",
    ),
    IssueKind(
        "TARGET_IMMUTABLE",
        "finance",
        "The target record is posted, and posted records are never edited. Differing: {fields}",
        "Undo the change in the source, or, where it was meant: {corrected_by}",
    ),
    IssueKind(
        "NOT_SCHEDULED",
        "engineer",
        "What this contract earns cannot be worked out from its facts: {message}. None of it is "
        "posted; all other contracts are.",
        "Look at the service dates and amounts of its order and invoices. It is tried again with "
        "every change of them, and every quarter of an hour.",
    ),
    IssueKind(
        "RATE_MISSING",
        "finance",
        "No rate {from_currency} → {to_currency} for {day}. Until there is one, sums in "
        "{to_currency} with an amount of that day are blank; nothing else waits for it.",
        "Enter a rate of that day, or of one of the {days} days before it, where the sync that "
        "observes rates reads them. The sums are told by themselves once it was seen.",
    ),
    IssueKind(
        "BATCH_PERIOD_CLOSED",
        "finance",
        "The month of this journal was closed before it was posted, and its lines cannot move on: "
        "{why}. {message}",
        "Open the month again, or a later one; it goes on by itself once a sync has seen the "
        "periods, or with: revline issues retry ID.",
    ),
    IssueKind(
        "IDENTITY_TOO_LONG",
        "RevOps",
        "The record's id has {length} characters, too long to name a {object} by: {most} is the "
        "most, with everything written around it.",
        "Give the record a shorter id in the source, or let the mapping name the target otherwise "
        "(identity_as).",
    ),
    IssueKind(
        "JOURNAL_DIFFERS",
        "finance",
        "A journal of this name is posted, and the books would make another one: {difference}.",
        "The books leave it as it is and count the lines they had for it as posted. Compare the "
        "two, post the difference by hand, then: revline issues resolve ID --note …",
    ),
    IssueKind(
        "TARGET_GONE",
        "RevOps",
        "The linked {object} no longer exists in the target.",
        "Restore it there, or let Revline create it anew: revline issues resync ID.",
    ),
    IssueKind(
        "RETRIES_SPENT",
        "admin",
        "The target could not take the record in {tries} tries: {message}",
        "If it is well again: revline issues retry ID. Otherwise look at the connection.",
    ),
    IssueKind(
        "IN_DOUBT",
        "engineer",
        "A write was sent, its answer was lost, and the target offers no way to look it up.",
        "Look in the target whether it arrived, then: revline issues resolve ID --link TARGET_ID, "
        "or revline issues retry ID.",
    ),
    IssueKind(
        "RESOLVED_DIFFERS",
        "RevOps",
        "A write whose answer was lost is in the target, but with other values: {fields}",
        "Check the record in the target, then: revline issues retry ID.",
    ),
    IssueKind(
        "MAPPING",
        "RevOps",
        "The record cannot be mapped: {message}",
        "Correct the record in the source, or the mapping. Field: {fields}",
    ),
    IssueKind(
        "FIELD_CONFLICT",
        "RevOps",
        "Both sides changed {fields}, and the mapping asks a person to decide.",
        "Set the same value on both sides.",
    ),
    IssueKind(
        "FIELD_FLAPPING",
        "RevOps",
        "{fields} keeps changing back and forth between two values and is frozen for now.",
        "Find what else writes it (a workflow, another tool), then: revline issues retry ID.",
    ),
    IssueKind(
        "WAITS_LONG",
        "RevOps",
        "It has waited for more than a day for {awaited}.",
        "See why that record is not linked: {awaited_state}.",
    ),
    IssueKind(
        "SOURCE_UNREADABLE",
        "admin",
        "The source does not answer for this record: {message}",
        "Look at the connection, then: revline issues retry ID.",
    ),
    IssueKind(
        "GUARD_DELETES",
        "RevOps",
        "The source record was removed, and the guard does not allow deleting its {object}.",
        "Delete it in the target yourself, or raise guards.deletes_max.",
    ),
)

REGISTRY: Final[Mapping[str, IssueKind]] = {kind.code: kind for kind in _KINDS}


class _Blank(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "–"


def cause(code: str, parameters: Mapping[str, str]) -> str:
    """What is wrong, in a sentence."""
    return REGISTRY[code].cause.format_map(_Blank(parameters))


def fix(code: str, parameters: Mapping[str, str], id: str) -> str:
    """What to do, in a sentence, with the issue's own id in the commands."""
    return REGISTRY[code].fix.format_map(_Blank(parameters)).replace(" ID", f" {id}")


def owner(code: str) -> str:
    """Who can act."""
    return REGISTRY[code].owner
