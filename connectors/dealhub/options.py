"""The settings of a connection, described to the person who fills them in."""

from __future__ import annotations

from typing import Final

from connectors.base import Setting

BASE_URL: Final = "https://api.dealhub.io"
SCAN_HOURS: Final = "24"
SCAN_OFF: Final = "off"
AUTH_MODES: Final = ("bearer", "basic", "none")

SETTINGS: Final = (
    Setting(
        name="base_url",
        title="API address",
        description=(
            "Where your DealHub instance answers: scheme and host, without a path. Instances have "
            "names of their own, such as service-eu1."
        ),
        default=BASE_URL,
        example="https://service-eu1.dealhub.io",
    ),
    Setting(
        name="api_token",
        title="Authentication token",
        description=(
            "Made by a CPQ administrator and shown once; it does not expire and is only replaced "
            "by hand."
        ),
        required=True,
        secret=True,
    ),
    Setting(
        name="tenant",
        title="Name of the tenant",
        description=(
            "DealHub does not say whose token it is. This name and the address stand for the "
            "account, so that two tenants at one address are told apart."
        ),
        example="acme-production",
    ),
    Setting(
        name="scan_hours",
        title="Hours between scans",
        description=(
            "DealHub cannot say what changed, so that every quote is read through once in so many "
            "hours, behind the webhooks. 'off' leaves it to webhooks alone."
        ),
        default=SCAN_HOURS,
        example="6",
    ),
    Setting(
        name="webhook_auth",
        title="Webhook authentication",
        description=(
            "What was chosen for the webhook in DealHub: Token (bearer), Basic or None. With none "
            "anybody can ask for a quote to be read again; nothing else follows from a webhook."
        ),
        default="bearer",
        choices=AUTH_MODES,
    ),
    Setting(
        name="webhook_token",
        title="Webhook token",
        description="The token DealHub sends with each webhook, where webhook_auth is bearer.",
        secret=True,
    ),
    Setting(
        name="webhook_user",
        title="Webhook user",
        description="The user name DealHub sends with each webhook, where webhook_auth is basic.",
        example="revline",
    ),
    Setting(
        name="webhook_password",
        title="Webhook password",
        description="The password that goes with webhook_user, where webhook_auth is basic.",
        secret=True,
    ),
)
