"""What a tenant needs, and the steps a person takes: DealHub's API sets nothing up.

developers.dealhub.io, "How to configure webhooks" and "Authentication".
"""

from __future__ import annotations

from collections.abc import Sequence

from connectors.base import SetupKind, SetupNeed, SetupStep
from connectors.dealhub.objects import IDENTITY_FIELD
from connectors.errors import Rejected


def inspect_needs(needs: Sequence[SetupNeed]) -> tuple[SetupStep, ...]:
    """How things stand, one step per need. Makes no call."""
    return tuple(_step(need) for need in needs)


def refuse_creation(need: SetupNeed) -> None:
    """A person sets up a tenant. Raises ``Rejected``."""
    raise Rejected(
        f"{need.kind.value} {need.name} is set up by a person; follow the listed steps",
        code="NOT_CREATABLE",
    )


def _step(need: SetupNeed) -> SetupStep:
    match need.kind:
        case SetupKind.IDENTITY_FIELD:
            present = need.name == IDENTITY_FIELD
            told = "Nothing to do" if present else f"Let the mapping's identity be {IDENTITY_FIELD}"
            return SetupStep(need, present, False, (f"{told}: every quote has a name.",))
        case SetupKind.PERMISSION:
            return SetupStep(need, None, False, _TOKEN_STEPS)
        case SetupKind.WEBHOOK:
            return SetupStep(need, None, False, _webhook_steps(need))


_TOKEN_STEPS = (
    "As a CPQ administrator open Control Panel > Integrations > Authentication tokens.",
    "Create a token for Revline and put it into api_token; it is shown once.",
)


def _webhook_steps(need: SetupNeed) -> tuple[str, ...]:
    events = f"each event of {need.object} that a sync waits for ({need.name})"
    return (
        "As a CPQ administrator open Control Panel > Integrations > Webhooks.",
        f"Add a webhook for {events}: draft, pending approval, ready, rejected, recalled, …",
        "Address: the public URL of this connection's webhook.",
        "Authentication: Token with webhook_token, or Basic with webhook_user and its password.",
        "Say which of the two it is in the setting webhook_auth.",
    )
