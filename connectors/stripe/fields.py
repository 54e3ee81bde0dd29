"""The fields of each object, as the pinned API version has them ("API reference", docs.stripe.com).

One word per field: ``name:type``, then how it may be used. ``+`` can be written, ``c`` only at
creation, ``x`` is only ever sent (an argument, never shown), ``*`` is needed at creation; without a
mark a field is only shown. ``>object`` says whose id it holds. Types: text, money (major units),
unit (a unit price, finer than money), time, count, number, flag, nested.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

METADATA: Final = "metadata"
REVLINE_KEY: Final = "revline_id"
IDENTITY_FIELD: Final = f"{METADATA}.{REVLINE_KEY}"


@dataclass(frozen=True, slots=True)
class Field:
    """One declared field."""

    name: str
    type: str
    readable: bool = True
    writable: bool = False
    creatable: bool = False
    required: bool = False
    target: str = ""


_CUSTOMERS: Final = """
name:text+ email:text+ phone:text+ description:text+ address:nested+ shipping:nested+ balance:money+
business_name:text+ individual_name:text+ currency:text+ delinquent:flag tax_exempt:text+
invoice_prefix:text+ next_invoice_sequence:count+ preferred_locales:nested+ tax:nested+
invoice_settings:nested+ invoice_credit_balance:nested cash_balance:nested+ discount:nested
default_source:text+ test_clock:textc payment_method:textx tax_id_data:nestedx source:textx
"""
_PRODUCTS: Final = """
id:textc name:text+* active:flag+ description:text+ default_price:text+>prices unit_label:text+
url:text+ tax_code:text+ statement_descriptor:text+ shippable:flag+ images:nested+
marketing_features:nested+ package_dimensions:nested+ tax_details:nested+ type:textc
updated:time default_price_data:nestedx
"""
_PRICES: Final = """
product:textc>products currency:textc* unit_amount:moneyc unit_amount_decimal:unitc active:flag+
type:text recurring:nestedc billing_scheme:textc tiers:nestedc tiers_mode:textc lookup_key:text+
nickname:text+ tax_behavior:text+ transform_quantity:nestedc custom_unit_amount:nestedc
currency_options:nested+ product_data:nestedx transfer_lookup_key:flagx
"""
_SUBSCRIPTIONS: Final = """
customer:textc*>customers status:text items:nested+ currency:textc collection_method:text+
days_until_due:count+ description:text+ start_date:time billing_cycle_anchor:time+
billing_cycle_anchor_config:nestedc billing_mode:nestedc billing_thresholds:nested+
billing_schedules:nested+ cancel_at:time+ cancel_at_period_end:flag+ canceled_at:time
cancellation_details:nested+ ended_at:time trial_end:time+ trial_start:time trial_settings:nested+
latest_invoice:text>invoices schedule:text discounts:nested+ default_payment_method:text+
default_source:text+ default_tax_rates:nested+ automatic_tax:nested+ invoice_settings:nested+
payment_settings:nested+ pause_collection:nested+ pending_invoice_item_interval:nested+
pending_setup_intent:text pending_update:nested next_pending_invoice_item_invoice:time
application_fee_percent:number+ on_behalf_of:text+ transfer_data:nested+ test_clock:text
add_invoice_items:nestedx backdate_start_date:timex off_session:flagx payment_behavior:textx
proration_behavior:textx proration_date:timex trial_period_days:countx trial_from_plan:flagx
"""
_INVOICES: Final = """
customer:textc>customers number:text+ status:text currency:textc subtotal:money total:money
subtotal_excluding_tax:money total_excluding_tax:money total_taxes:nested amount_due:money
amount_paid:money amount_paid_off_stripe:money amount_remaining:money amount_overpaid:money
amount_shipping:money starting_balance:money ending_balance:money due_date:time+ effective_at:time+
collection_method:text+ days_until_due:countx billing_reason:text description:text+ footer:text+
parent:nested lines:nested payments:nested period_start:time period_end:time
status_transitions:nested status_details:nested attempted:flag attempt_count:count
next_payment_attempt:time auto_advance:flag+ automatically_finalizes_at:time+
automatic_tax:nested+ hosted_invoice_url:text invoice_pdf:text receipt_number:text
account_country:text account_name:text account_tax_ids:nested+ custom_fields:nested+
customer_address:nested customer_email:text customer_name:text customer_phone:text
customer_shipping:nested customer_tax_exempt:text customer_tax_ids:nested
default_payment_method:text+ default_source:text+ default_tax_rates:nested+ discounts:nested+
total_discount_amounts:nested total_pretax_credit_amounts:nested from_invoice:nestedc
issuer:nested+ last_finalization_error:nested latest_revision:text>invoices on_behalf_of:text+
payment_settings:nested+ post_payment_credit_notes_amount:money
pre_payment_credit_notes_amount:money rendering:nested+ shipping_cost:nested+
shipping_details:nested+ statement_descriptor:text+ threshold_reason:nested
webhooks_delivered_at:time test_clock:text application_fee_amount:moneyx transfer_data:nestedx
subscription:textx pending_invoice_items_behavior:textx
"""
_INVOICE_ITEMS: Final = """
customer:textc>customers invoice:textc>invoices amount:money+ currency:textc description:text+
quantity:count+ quantity_decimal:number+ date:time period:nested+ pricing:nested+ parent:nested
proration:flag proration_details:nested discountable:flag+ discounts:nested+ tax_rates:nested+
net_amount:money test_clock:text price_data:nestedx subscription:textx tax_behavior:textx
tax_code:textx unit_amount_decimal:unitx
"""
_INVOICE_PAYMENTS: Final = """
invoice:text>invoices payment:nested amount_paid:money amount_requested:money currency:text
status:text status_transitions:nested is_default:flag
"""
_PAYMENT_INTENTS: Final = """
amount:money+* currency:text+* amount_capturable:money amount_received:money
amount_details:nested+ status:text customer:text+>customers description:text+
latest_charge:text>charges payment_method:text+ payment_method_types:nested
allowed_payment_method_types:nested+ excluded_payment_method_types:nested+
payment_method_configuration:textx
payment_method_options:nested+ automatic_payment_methods:nestedc capture_method:text+
confirmation_method:textc last_payment_error:nested next_action:nested processing:nested
cancellation_reason:text canceled_at:time application_fee_amount:money+ receipt_email:text+
setup_future_usage:text+ shipping:nested+ statement_descriptor:text+
statement_descriptor_suffix:text+ transfer_data:nested+ transfer_group:text+ on_behalf_of:textc
payment_details:nested+ presentment_details:nested review:text confirm:flagx off_session:flagx
return_url:textx payment_method_data:nestedx mandate:textx mandate_data:nestedx
error_on_requires_action:flagx confirmation_token:textx use_stripe_sdk:flagx
"""
_CHARGES: Final = """
amount:money amount_captured:money amount_refunded:money currency:text status:text paid:flag
captured:flag refunded:flag disputed:flag customer:text+>customers description:text+
payment_intent:text>payment_intents payment_method:text payment_method_details:nested
balance_transaction:text>balance_transactions
failure_balance_transaction:text>balance_transactions failure_code:text failure_message:text
outcome:nested billing_details:nested fraud_details:nested+ receipt_email:text+ receipt_number:text
receipt_url:text shipping:nested+ statement_descriptor:text statement_descriptor_suffix:text
calculated_statement_descriptor:text application_fee_amount:money transfer_group:text+
refunds:nested presentment_details:nested review:text
"""
_REFUNDS: Final = """
charge:textc>charges payment_intent:textc>payment_intents amount:moneyc currency:textc status:text
reason:textc balance_transaction:text>balance_transactions customer:textc>customers
description:text destination_details:nested
failure_balance_transaction:text>balance_transactions failure_reason:text pending_reason:text
instructions_email:textc next_action:nested receipt_number:text payment_method:text
presentment_details:nested origin:textx refund_application_fee:flagx reverse_transfer:flagx
"""
_DISPUTES: Final = """
amount:money currency:text charge:text>charges payment_intent:text>payment_intents reason:text
status:text evidence:nested+ evidence_details:nested balance_transactions:nested
is_charge_refundable:flag network_reason_code:text payment_method_details:nested
enhanced_eligibility_types:nested intended_submission_method:text+ submit:flagx
"""
_CREDIT_NOTES: Final = """
invoice:textc*>invoices customer:text>customers currency:textc amount:moneyc total:money
subtotal:money subtotal_excluding_tax:money total_excluding_tax:money total_taxes:nested
discount_amount:money discount_amounts:nested amount_shipping:money lines:nestedc number:text
reason:textc status:text type:text memo:text+ refunds:nestedc out_of_band_amount:moneyc
post_payment_amount:money pre_payment_amount:money pretax_credit_amounts:nested effective_at:timec
customer_balance_transaction:text shipping_cost:nestedc pdf:text voided_at:time
credit_amount:moneyx refund_amount:moneyx email_type:textx
"""
_BALANCE_TRANSACTIONS: Final = """
amount:money fee:money net:money currency:text type:text reporting_category:text status:text
source:text available_on:time exchange_rate:number fee_details:nested description:text
balance_type:text
"""
_PAYOUTS: Final = """
amount:money currency:text status:text arrival_date:time automatic:flag method:text type:text
source_type:text description:text destination:text statement_descriptor:text
reconciliation_status:text balance_transaction:text>balance_transactions
failure_balance_transaction:text>balance_transactions failure_code:text failure_message:text
original_payout:text>payouts reversed_by:text>payouts application_fee_amount:money
payout_method:text trace_id:nested
"""
_METER_EVENTS: Final = """
event_name:textc* payload:nestedc* identifier:textc timestamp:timec
"""

_NO_METADATA: Final = frozenset({"invoice_payments", "balance_transactions", "meter_events"})
_NO_LIVEMODE: Final = frozenset({"balance_transactions", "refunds"})
_NO_ID: Final = frozenset({"meter_events"})
_WRITABLE_METADATA: Final = frozenset(
    {
        "customers", "products", "prices", "subscriptions", "invoices", "invoice_items",
        "payment_intents", "charges", "refunds", "disputes", "credit_notes",
    }
)  # fmt: skip


def _parse(object: str, lines: str) -> Mapping[str, Field]:
    common = "object:text"
    common += "" if object in _NO_ID else " id:text"
    common += "" if object == "invoice_items" else " created:time"
    common += "" if object in _NO_LIVEMODE else " livemode:flag"
    if object not in _NO_METADATA:
        common += " metadata:nested+" if object in _WRITABLE_METADATA else " metadata:nested"
    fields = [_field(word) for word in (common + lines).split()]
    return MappingProxyType({field.name: field for field in fields})


def _field(word: str) -> Field:
    name, _, rest = word.partition(":")
    rest, _, target = rest.partition(">")
    kind = rest.rstrip("+*cx") if not rest.startswith("text") else "text"
    marks = rest[len(kind) :]
    return Field(
        name=name,
        type=kind,
        readable="x" not in marks,
        writable="+" in marks or "x" in marks,
        creatable=any(mark in marks for mark in "+cx"),
        required="*" in marks,
        target=target,
    )


FIELDS: Final[Mapping[str, Mapping[str, Field]]] = MappingProxyType(
    {
        object: _parse(object, lines)
        for object, lines in {
            "customers": _CUSTOMERS,
            "products": _PRODUCTS,
            "prices": _PRICES,
            "subscriptions": _SUBSCRIPTIONS,
            "invoices": _INVOICES,
            "invoice_items": _INVOICE_ITEMS,
            "invoice_payments": _INVOICE_PAYMENTS,
            "payment_intents": _PAYMENT_INTENTS,
            "charges": _CHARGES,
            "refunds": _REFUNDS,
            "disputes": _DISPUTES,
            "credit_notes": _CREDIT_NOTES,
            "balance_transactions": _BALANCE_TRANSACTIONS,
            "payouts": _PAYOUTS,
            "meter_events": _METER_EVENTS,
        }.items()
    }
)
