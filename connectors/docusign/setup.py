"""What an account needs before envelopes are sent from it and heard of, and who does that.

developers.docusign.com, "Connect: create a configuration" and "Using HMAC security with Connect".
"""

from __future__ import annotations

from collections.abc import Sequence

from connectors.base import SetupKind, SetupNeed, SetupStep
from connectors.docusign.objects import IDENTITY_NAME
from connectors.docusign.settings import Settings
from connectors.errors import Rejected


def inspect_needs(settings: Settings, needs: Sequence[SetupNeed]) -> tuple[SetupStep, ...]:
    """How things stand, one step per need. No call: DocuSign does not show what a user may do."""
    return tuple(_step(settings, need) for need in needs)


def refuse_creation(need: SetupNeed) -> None:
    """HMAC keys are made by a person alone, and Connect is of no use without. Raises
    ``Rejected``."""
    raise Rejected(
        f"{need.kind.value} {need.name} is set up by a person; follow the listed steps",
        code="NOT_CREATABLE",
    )


def _step(settings: Settings, need: SetupNeed) -> SetupStep:
    match need.kind:
        case SetupKind.IDENTITY_FIELD:
            text = f"Nothing to do: every envelope takes {need.name}, and {IDENTITY_NAME} is added."
            return SetupStep(need, True, False, (text,))
        case SetupKind.PERMISSION:
            return SetupStep(need, None, False, _permission(settings))
        case SetupKind.WEBHOOK:
            return SetupStep(need, None, False, _CONNECT)


def _permission(settings: Settings) -> tuple[str, ...]:
    return (
        "Settings > Users: the user's permission profile lets him send envelopes.",
        "To hear of envelopes that others send, he is an administrator of the account.",
        "Share the templates with him.",
        f"Once, he opens {settings.consent_url} and accepts.",
        "Or an administrator consents for the organisation: Admin > Connected Apps.",
    )


_CONNECT = (
    "Settings > Connect > Connect Keys: add an HMAC key, copy it into the setting connect_keys.",
    "Settings > Connect > Add Configuration > Custom: the public URL of this connection's webhook.",
    "Data format: REST v2.1, JSON (SIM), without documents: a message has at most a megabyte.",
    "Events: envelope sent, delivered, completed, declined, voided; include custom fields.",
    "Tick Include HMAC Signature and Require Acknowledgement; activate the configuration.",
)
