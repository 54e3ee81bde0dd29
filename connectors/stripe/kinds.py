"""Which of Stripe's numbers are money, which are times, which are neither: by field name.

Stripe uses one meaning per name throughout its objects ("API reference"), so that nested values are
told apart by their last name. A test goes through every whole-number field of the SDK's classes.
"""

from __future__ import annotations

from typing import Final

# Whole numbers in the smallest unit of the nearest ``currency``.
MONEY: Final = frozenset(
    {
        "amount", "amount_authorized", "amount_capturable", "amount_captured", "amount_discount",
        "amount_due", "amount_gte", "amount_off", "amount_overpaid", "amount_paid",
        "amount_paid_off_stripe", "amount_received", "amount_refunded", "amount_remaining",
        "amount_requested", "amount_shipping", "amount_subtotal", "amount_surcharge",
        "amount_tax", "amount_to_capture", "amount_to_confirm", "amount_total",
        "application_fee_amount", "balance", "credit_amount", "discount_amount",
        "discount_amount_requested", "ending_balance", "fee", "flat_amount", "maximum",
        "maximum_amount", "maximum_amount_capturable", "minimum", "minimum_amount", "net",
        "net_amount", "out_of_band_amount", "post_payment_amount",
        "post_payment_credit_notes_amount", "pre_payment_amount",
        "pre_payment_credit_notes_amount", "preset", "presentment_amount", "refund_amount",
        "shipping_amount", "starting_balance", "subtotal", "subtotal_excluding_tax",
        "tax_amount", "taxable_amount", "total", "total_excluding_tax", "total_tax_amount",
        "unit_amount", "unit_cost",
    }
)  # fmt: skip

# Decimal text in the smallest unit: unit prices finer than money can be.
FINE_MONEY: Final = frozenset(
    {"amount_decimal", "flat_amount_decimal", "unit_amount_decimal"}
)  # fmt: skip

# Maps of currency to amount.
MONEY_BY_CURRENCY: Final = frozenset({"available", "invoice_credit_balance"})

# Maps of currency to an object whose amounts are in that currency.
OBJECTS_BY_CURRENCY: Final = frozenset({"currency_options"})

# Seconds since 1970.
TIMES: Final = frozenset(
    {
        "arrival_date", "automatically_finalizes_at", "available_on", "backdate_start_date",
        "billed_until", "billing_cycle_anchor", "cancel_at", "canceled_at", "capture_before",
        "charge_attempt_at", "completes_at", "computed_timestamp", "created",
        "current_period_end", "current_period_start", "date", "due_by", "due_date",
        "effective_at", "email_sent_at", "end", "end_date", "ended_at", "expires_after",
        "expires_at", "finalized_at", "marked_uncollectible_at", "next_payment_attempt",
        "next_pending_invoice_item_invoice", "paid_at", "period_end", "period_start",
        "proration_date", "resumes_at", "start", "start_date", "stored_at",
        "subscription_proration_date", "timestamp", "transitioned_at", "trial_end", "trial_start",
        "updated", "updated_at", "voided_at", "webhooks_delivered_at",
    }
)  # fmt: skip

# Decimal text that is not money.
DECIMALS: Final = frozenset({"percentage_decimal", "quantity_decimal"})

# Under these names are texts of the account's own, whatever they are called.
OPAQUE: Final = frozenset({"metadata", "payload", "custom_fields"})

# Whoever has these can act on the payment; they stay inside.
SECRET: Final = frozenset({"client_secret", "confirmation_secret"})

CURRENCY_NAMES: Final = ("currency", "presentment_currency")
