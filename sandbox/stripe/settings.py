"""The knobs of the simulator, set through ``POST /__admin/options``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Settings:
    """``rate_scale`` multiplies every rate limit; ``index_delay_seconds`` is how long search lags.

    ``permissions`` limits the restricted key: resource (``customer``) → none, read or write.
    ``connected_accounts`` may be named in ``Stripe-Account``. The next ``internal_errors`` writes
    fail inside and that answer is stored; the next ``lock_timeouts`` writes meet a locked object.
    Webhooks may come ``webhook_duplicates`` times more, shuffled, late, or every n-th not at all.
    ``payouts`` is daily or manual. ``card_refunds`` is how a card's refund begins: succeeded or
    pending. Days are days of the virtual clock.
    """

    rate_scale: float = 1.0
    index_delay_seconds: float = 0.0
    permissions: Mapping[str, str] = field(default_factory=dict)
    connected_accounts: tuple[str, ...] = ()
    internal_errors: int = 0
    lock_timeouts: int = 0
    webhook_duplicates: int = 0
    webhook_shuffle: bool = False
    webhook_delay_seconds: float = 0.0
    webhook_drop_every: int = 0
    bank_debit_days: float = 4.0
    refund_days: float = 3.0
    card_refunds: str = "succeeded"
    payouts: str = "daily"
