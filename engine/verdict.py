"""What an error means for the delivery it happened to. Pure: error in, verdict out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random
from typing import Final

from tenacity import RetryCallState, Retrying, wait_exponential_jitter

from connectors.errors import (
    ActionNeeded,
    CallError,
    DuplicateFound,
    Gone,
    MayExist,
    OutcomePending,
    OutcomeUnknown,
    QuotaSpent,
    RateLimited,
    Rejected,
    RetryLater,
    StaleVersion,
    UnexpectedAnswer,
)

BACKOFF_FIRST_SECONDS: Final = 5.0
BACKOFF_MOST_SECONDS: Final = 900.0
DOUBT_SECONDS: Final = 2.0
RATE_WAIT_MOST: Final = timedelta(days=1)


class Next(StrEnum):
    """What happens next."""

    RETRY = "retry"
    RETRY_FREE = "retry_free"  # uses up no try
    DOUBT = "doubt"
    ISSUE = "issue"
    PAUSE = "pause"
    GONE = "gone"
    DUPLICATE = "duplicate"
    LOOK = "look"  # the record may be there already


@dataclass(frozen=True, slots=True)
class Verdict:
    """``due_at`` is when to look again, for all but ISSUE. ``code`` goes into the ledger."""

    next: Next
    code: str
    due_at: datetime
    until: datetime | None = None


def judge(error: CallError, *, tries: int, retries: int, now: datetime, random: Random) -> Verdict:
    """What to do about an error of a write, after ``tries`` earlier failures of the delivery."""
    code = error.code
    match error:
        case RateLimited():
            wait = min(max(error.wait, timedelta(0)), RATE_WAIT_MOST)
            return Verdict(Next.RETRY_FREE, code, now + wait, until=now + wait)
        case QuotaSpent():
            return Verdict(Next.PAUSE, code, now, until=error.until or now + timedelta(hours=1))
        case ActionNeeded():
            return Verdict(Next.PAUSE, code, now)
        case OutcomePending():
            return Verdict(Next.DOUBT, code, now + error.again_after)
        case OutcomeUnknown() | UnexpectedAnswer():
            wait = timedelta(seconds=DOUBT_SECONDS)
            return Verdict(Next.DOUBT, code, now + (backoff(tries, random) if tries else wait))
        case DuplicateFound():
            return Verdict(Next.DUPLICATE, code, now)
        case MayExist():
            return Verdict(Next.LOOK, code, now)
        case Gone():
            return Verdict(Next.GONE, code, now)
        case StaleVersion() | RetryLater():
            if tries >= retries:
                return Verdict(Next.ISSUE, code, now)
            return Verdict(Next.RETRY, code, now + backoff(tries, random))
        case Rejected():
            return Verdict(Next.ISSUE, code, now)
    return Verdict(Next.DOUBT, code, now + timedelta(seconds=DOUBT_SECONDS))


def backoff(tries: int, random: Random) -> timedelta:
    """How long to wait after failure number ``tries`` (from 0): exponential, with jitter."""
    waiter = wait_exponential_jitter(
        multiplier=BACKOFF_FIRST_SECONDS, max=BACKOFF_MOST_SECONDS, exp_base=4, jitter=0
    )
    state = RetryCallState(Retrying(), None, (), {})
    state.attempt_number = tries + 1
    return timedelta(seconds=waiter(state) * random.uniform(0.8, 1.2))
