"""Making quotes, and what can be done to them. Nothing is sent twice: DealHub has no key for it.

"Headless API": generate and the actions are answered 202 and carried out later. A quote is looked
for under its name before it is asked for, and its request is asked about once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from connectors.base import Confirmed, Failed, Outcome
from connectors.dealhub.bodies import action_body, creation_body
from connectors.dealhub.errors import About
from connectors.dealhub.fields import OPPORTUNITY
from connectors.dealhub.finding import ANSWERED, as_answered, marked
from connectors.dealhub.marks import mark_of, opportunity_of
from connectors.dealhub.objects import IDENTITY_FIELD, QUOTES
from connectors.dealhub.reading import read_records, require_quotes
from connectors.dealhub.requests import State, TakenIn, ask
from connectors.dealhub.rest import Rest, path_of
from connectors.errors import (
    ActionNeeded,
    CallError,
    DuplicateFound,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    RetryLater,
    UnexpectedAnswer,
)
from connectors.records import Change, Life, Operation, Record, Ref, Selection, Value
from connectors.transport_json import Json

GENERATE_PATH: Final = "/api/v1/quote/generate"
# The call itself failed on its way, so the next would as well.
_ON_THE_WAY: Final = frozenset({"NETWORK", "TLS", "BAD_BODY", "REDIRECT", "URL_REFUSED"})


@dataclass(frozen=True, slots=True)
class Act:
    """An action: its address, its arguments, and the statuses that show that it was done."""

    path: str
    arguments: tuple[str, ...]
    shows: frozenset[str]


ACTS: Final[Mapping[str, Act]] = MappingProxyType(
    {
        "submit": Act(
            "/api/v1/quote/{}/submit",
            ("line_item_details",),
            frozenset({"PendingApproval", "ReadyToBeSent", "Published", "Won"}),
        ),
        "publish": Act(
            "/api/v1/quote/{}/publish",
            ("line_item_details",),
            frozenset({"Published", "Won"}),
        ),
        "sign_externally": Act(
            "/api/v1/quote/{}/sign_externally",
            ("sign_externally_comment", "line_item_details"),
            frozenset({"Won"}),
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes to one tenant."""

    rest: Rest
    taken_in: TakenIn

    def apply(self, changes: Sequence[Change]) -> tuple[Outcome, ...]:
        """One outcome per change, in order. Never raises ``CallError``."""
        outcomes: list[Outcome] = []
        stopped: CallError | None = None
        for change in changes:
            if stopped is not None:
                outcomes.append(Failed(stopped))
                continue
            try:
                outcomes.append(self._write(change))
            except CallError as error:
                outcomes.append(Failed(error))
                stopped = _for_the_rest(error)
        return tuple(outcomes)

    def _write(self, change: Change) -> Confirmed:
        require_quotes(change.object)
        if change.operation is Operation.CREATE:
            return self._create(change)
        if change.operation is Operation.ACT:
            return self._act(change)
        raise Rejected(
            f"DealHub's API cannot {change.operation.value} a quote: its content is changed by "
            f"people. There are actions: {', '.join(ACTS)}",
            code="NOT_WRITABLE",
        )

    def _create(self, change: Change) -> Confirmed:
        if change.identity is None:
            raise Rejected(
                f"a quote needs an identity in {IDENTITY_FIELD}: nothing else tells whether it was "
                "made",
                code="IDENTITY_MISSING",
            )
        mark, opportunity = mark_of(change.identity), _id_text(change.fields.get(OPPORTUNITY))
        if not opportunity or opportunity_of(mark) != opportunity:
            raise Rejected(
                f"{IDENTITY_FIELD} {mark} does not end with {OPPORTUNITY}, so that the quote "
                "could not be found again: make quotes from the record that is the opportunity",
                code="IDENTITY_NOT_OF_OPPORTUNITY",
                field_errors={OPPORTUNITY: "must be the id of the record the quote is made from"},
            )
        body = creation_body({**change.fields, OPPORTUNITY: opportunity}, mark)
        self._look_first(mark, opportunity)
        answer = self.rest.post(GENERATE_PATH, body, About(effect=True))
        id = answer.get("dealhub_quote_id")
        if isinstance(id, str) and id:
            return self._made(id)
        self._await(answer, mark)
        there = self._seen(mark, opportunity)
        return Confirmed(there.ref.id, created=True, fields=there.fields)

    def _look_first(self, mark: str, opportunity: str) -> None:
        """Raise unless no quote and no running request of this name is known."""
        try:
            there = marked(self.rest, mark, opportunity)
            request = self.taken_in.of(mark)
            running = request is not None and ask(self.rest, request).state is State.RUNNING
        except UnexpectedAnswer as error:
            # Nothing was sent yet; as it stands it would count as a write of unknown fate.
            raise RetryLater(error.message, code=error.code, status=error.status) from None
        if there.quote is not None:
            id = str(there.quote["dealhub_quote_id"])
            raise DuplicateFound(
                f"quote {id} of opportunity {opportunity} is called {mark} already",
                candidates=(Ref(QUOTES, id),),
                code="NUMBER_TAKEN",
            )
        if there.hidden is not None:
            raise Rejected(
                f"quote {there.hidden} of opportunity {opportunity} is a draft of an old version "
                "and does not show its name: upgrade or remove it in DealHub, then try again",
                code="QUOTE_OUTDATED",
            )
        if running:
            raise RetryLater(
                f"request {request} for quote {mark} is still queued in DealHub",
                code="QUOTE_QUEUED",
            )

    def _await(self, answer: Mapping[str, Json], mark: str | None) -> None:
        """Ask once for the request of an answer; return when it is done."""
        request = answer.get("request_id")
        if not isinstance(request, str) or not request:
            raise OutcomeUnknown(
                "DealHub accepted the request without saying its id", code="ANSWER_SHAPE"
            )
        if mark is not None:
            self.taken_in.note(mark, request)
        try:
            asked = ask(self.rest, request)
        except CallError as error:
            raise OutcomeUnknown(
                f"taken in as request {request}, which cannot be seen now: {error.message}",
                code="REQUEST_RUNNING",
            ) from None
        if asked.state is State.RUNNING:
            raise OutcomeUnknown(
                f"taken in as request {request}, which is still queued", code="REQUEST_RUNNING"
            )
        if mark is not None:
            self.taken_in.forget(mark)
        if asked.state is State.FAILED:
            told = f" ({asked.code})" if asked.code else ""
            raise Rejected(
                f"DealHub took in request {request} and failed: {asked.reason}{told}",
                code="REQUEST_FAILED",
            )

    def _seen(self, mark: str, opportunity: str) -> Record:
        """The quote that a request has made."""
        try:
            there = marked(self.rest, mark, opportunity)
        except CallError as error:
            raise OutcomeUnknown(
                f"quote {mark} was made and cannot be seen now: {error.message}",
                code="QUOTE_UNSEEN",
            ) from None
        if there.quote is None:
            raise OutcomeUnknown(
                f"the request for quote {mark} is done, and the quote does not show yet",
                code="QUOTE_UNSEEN",
            )
        return as_answered(there.quote)

    def _made(self, id: str) -> Confirmed:
        """A quote whose id the answer told; what it shows, as far as it can be read."""
        try:
            (record,) = read_records(self.rest, Selection(QUOTES, ANSWERED), [id])
        except CallError:
            return Confirmed(id, created=True)
        return Confirmed(id, created=True, fields=record.fields)

    def _act(self, change: Change) -> Confirmed:
        act = ACTS.get(change.action or "")
        if act is None:
            raise Rejected(
                f"quotes have no action {change.action!r}; there are: {', '.join(ACTS)}",
                code="UNKNOWN_ACTION",
            )
        if not change.id:
            raise Rejected("an action needs the quote's id", code="ID_MISSING")
        body = action_body(change.fields, act.arguments)
        about = About(effect=True, record=Ref(QUOTES, change.id))
        answer = self.rest.post(path_of(act.path, change.id), body, about)
        if answer.get("request_id"):
            self._await(answer, None)
        else:
            self._shows(change.id, act)
        return Confirmed(change.id, created=False)

    def _shows(self, id: str, act: Act) -> None:
        """Raise unless the quote shows what was done: the answer named no request to ask for."""
        try:
            (record,) = read_records(self.rest, Selection(QUOTES, ("status",)), [id])
        except CallError as error:
            raise OutcomeUnknown(
                f"accepted, and the quote cannot be seen now: {error.message}",
                code="REQUEST_RUNNING",
            ) from None
        if record.life is not Life.LIVE or record.fields.get("status") not in act.shows:
            raise OutcomeUnknown(
                "accepted, and the quote does not show it yet", code="REQUEST_RUNNING"
            )


def _id_text(value: Value | None) -> str:
    """An id as text, also where the source has a number for it."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if whole or isinstance(value, str) else ""


def _for_the_rest(error: CallError) -> CallError | None:
    """What a failure means for the changes that were not sent yet; ``None``: nothing."""
    if isinstance(error, RateLimited | ActionNeeded):
        return error
    lost = error.code in _ON_THE_WAY or (error.status or 0) >= 500
    if isinstance(error, OutcomeUnknown | RetryLater | UnexpectedAnswer) and lost:
        return RetryLater(
            f"not sent, because the call before it failed: {error.message}", code="NOT_SENT"
        )
    return None
