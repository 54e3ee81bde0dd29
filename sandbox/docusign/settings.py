"""The knobs of a simulated account."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Settings:
    """What an administrator, a plan or chance decides.

    ``limit_status`` is the HTTP status of a spent limit: the documentation of different years says
    400 and 429. ``transaction_answers``: whether a question by transaction id is answered with
    ``envelopes`` or with ``statuses`` alone. ``repeated_transaction``: whether an id that was used
    is ``accepted`` again, which makes a second envelope, or ``refused``.
    """

    consent: bool = True
    token_seconds: int = 3_600
    hourly_limit: int = 3_000
    burst_limit: int = 500
    limit_status: int = 429
    envelope_gets_per_hour: int = 250
    envelope_puts_per_hour: int = 250
    transaction_days: int = 7
    transaction_answers: str = "envelopes"
    repeated_transaction: str = "accepted"
    search_delay_seconds: float = 0.0
