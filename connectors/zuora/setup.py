"""What a tenant needs before we write to it or hear from it, and the steps a person takes.

Zuora Knowledge Center: "Manage custom fields", "Create user roles", "Callouts".
"""

from __future__ import annotations

from collections.abc import Sequence

from connectors.base import SetupKind, SetupNeed, SetupStep
from connectors.errors import Rejected
from connectors.zuora import query
from connectors.zuora.rest import Rest
from connectors.zuora.vocabulary import CUSTOM_FIELD, kind_of


def inspect_needs(rest: Rest, needs: Sequence[SetupNeed]) -> tuple[SetupStep, ...]:
    """How things stand, one step per need."""
    return tuple(_step(rest, need) for need in needs)


def refuse_creation(need: SetupNeed) -> None:
    """Nothing can be set up over the API that a person should not see. Raises ``Rejected``."""
    raise Rejected(
        f"{need.kind.value} {need.name} is set up by a person; follow the listed steps",
        code="NOT_CREATABLE",
    )


def _step(rest: Rest, need: SetupNeed) -> SetupStep:
    if need.kind is SetupKind.IDENTITY_FIELD:
        return SetupStep(need, _identity_present(rest, need), False, _identity_steps(need))
    if need.kind is SetupKind.PERMISSION:
        return SetupStep(need, None, False, _permission_steps(need))
    return SetupStep(need, None, False, _callout_steps(need))


def _identity_present(rest: Rest, need: SetupNeed) -> bool | None:
    """Numbers are always there; a custom field is there when it can be filtered by."""
    kind = kind_of(need.object)
    if kind.type_of(need.name) is not None:
        return True
    if not kind.query or not CUSTOM_FIELD.fullmatch(need.name):
        return None
    try:
        query.page(rest, kind, [query.where(kind, need.name, "EQ", "revline-setup")], size=1)
    except Rejected:
        return False
    return True


def _identity_steps(need: SetupNeed) -> tuple[str, ...]:
    if not CUSTOM_FIELD.fullmatch(need.name):
        return (f"Nothing to do: {need.name} is a field of every {need.object} record.",)
    return (
        f"Settings > Administration > Manage Custom Fields > {need.object}: create a custom field.",
        f"API name {need.name.removesuffix('__c')}, type Text, length 255.",
        "Tick 'Indexed' (only indexed fields can be looked up), leave 'Required' empty; save.",
    )


def _permission_steps(need: SetupNeed) -> tuple[str, ...]:
    roles = f"tick what concerns {need.object} ({need.name})"
    return (
        "Settings > Administration > Manage User Roles: open the role of the API user.",
        "Platform role: tick API Write Access.",
        f"Billing, Payments and Finance roles: {roles}.",
        "Posting, applying, refunding and writing off each have a permission of their own.",
    )


def _callout_steps(need: SetupNeed) -> tuple[str, ...]:
    event = f"the event of {need.object} ({need.name})"
    address = f"the public URL of this connection's webhook with ?object={need.object} behind it"
    return (
        "Settings > Administration > Notifications and Email Templates > Notifications.",
        f"Add a notification for {event}, of the kind Callout, method POST.",
        f"Address: {address} (https, no port).",
        "Parameters, as JSON: the record's number, InvoiceNumber = <Invoice.InvoiceNumber>.",
        "Say the parameter's name in the setting callout_id_field.",
        "Authentication: Basic, with callout_user and callout_password.",
        "Retries: as many as offered. Activate it in the communication profile of your accounts.",
    )
