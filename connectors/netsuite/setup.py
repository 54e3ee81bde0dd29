"""What an account needs before syncs run, as steps for a person: nothing of it can be made by API.

NetSuite help, "OAuth 2.0 for Integration Applications", "Manage Roles", "SuiteScript 2.x User Event
Script Type".
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from connectors.base import SetupKind, SetupNeed, SetupStep
from connectors.errors import Rejected
from connectors.netsuite.objects import IDENTITY_FIELD, SPEC
from connectors.netsuite.settings import Certificate, Settings

_WARN_AHEAD: Final = timedelta(days=60)


def inspect_needs(
    settings: Settings, needs: Sequence[SetupNeed], today: date
) -> tuple[SetupStep, ...]:
    """One step per need, in the same order. No call: the API does not tell of roles and scripts."""
    return tuple(_step(settings, need, today) for need in needs)


def refuse_to_create(need: SetupNeed) -> None:
    """The external id is there from the start; the rest is a person's. Raises ``Rejected``."""
    if need.kind is SetupKind.IDENTITY_FIELD and need.name == IDENTITY_FIELD:
        return
    raise Rejected(
        f"{need.kind.value} {need.name} cannot be created over the API; `revline setup` lists the "
        "steps",
        code="NOT_CREATABLE",
    )


def _step(settings: Settings, need: SetupNeed, today: date) -> SetupStep:
    match need.kind:
        case SetupKind.IDENTITY_FIELD:
            built_in = need.name == IDENTITY_FIELD
            why = (
                ("Nothing to do: every record of the REST API has an external id.",)
                if built_in
                else (f"Use {IDENTITY_FIELD}: NetSuite writes by no other field of ours.",)
            )
            return SetupStep(need, present=built_in, creatable=False, instructions=why)
        case SetupKind.PERMISSION:
            steps = (*_role_steps(need), *_sign_in_steps(settings, today))
            return SetupStep(need, present=None, creatable=False, instructions=steps)
        case SetupKind.WEBHOOK:
            return SetupStep(need, present=None, creatable=False, instructions=_script_steps(need))


def _role_steps(need: SetupNeed) -> tuple[str, ...]:
    facts = SPEC.object(need.object)
    wanted = need.name
    if facts is not None and need.name in ("read", "write"):
        named = facts.read_permission if need.name == "read" else facts.write_permission
        wanted = named or f"the permission for {need.object}"
    return (
        "Setup > Users/Roles > Manage Roles > the integration's role > Permissions.",
        f"Add {wanted}.",
        (
            "Also add Reports > SuiteAnalytics Workbook, Setup > REST Web Services, Setup > Log "
            "in using OAuth 2.0 Access Tokens, and Lists > Subsidiaries, Currency and Accounts: "
            "View. A missing right shows in a query as an empty answer, not as a refusal."
        ),
        "Setup > Deleted Records, for deletions to be noticed.",
        "Under Restrictions let the role see every subsidiary that is kept in step.",
    )


def _sign_in_steps(settings: Settings, today: date) -> tuple[str, ...]:
    access = settings.access
    if not isinstance(access, Certificate):
        return (
            (
                "Token-based sign-in goes on for now, but no new integrations can be made from "
                "release 2027.1 on: plan the change to auth: oauth2."
            ),
        )
    steps: tuple[str, ...] = (
        (
            "Setup > Integration > Manage Integrations > New: tick Client Credentials (Machine To "
            "Machine) Grant and REST Web Services; note the client id."
        ),
        (
            "Make a key: openssl req -x509 -newkey rsa:4096 -sha256 -keyout key.pem -out cert.pem "
            "-nodes -days 730. Keep key.pem secret."
        ),
        (
            "Setup > Integration > OAuth 2.0 Client Credentials (M2M) Setup > Create New: "
            "integration, user, role, and cert.pem; note the certificate id."
        ),
    )
    if access.expires_on is not None and access.expires_on - today <= _WARN_AHEAD:
        when = "ended" if access.expires_on <= today else "ends"
        steps += (
            (
                f"The certificate {when} on {access.expires_on.isoformat()}: make a new key, "
                "upload its certificate beside the old one, then change certificate_id and "
                "private_key."
            ),
        )
    return steps


def _script_steps(need: SetupNeed) -> tuple[str, ...]:
    return (
        "NetSuite has no webhooks of its own; changes are polled without them.",
        (
            "To hear of changes at once, deploy the user event script of "
            f"connectors/netsuite/NOTIFICATIONS.md on {need.object} (after submit)."
        ),
        "Keep its secret under Setup > Company > API Secrets and as the setting webhook_secret.",
    )
