"""The settings of one connection: Salesforce's own, and the package's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from connectors.errors import Rejected
from connectors.salesforce.settings import Settings as CoreSettings
from connectors.salesforce.settings import parse_settings as parse_core_settings
from connectors.salesforce.soql import field_name

# The name a mapping reads, and the setting that names the org's field.
APPROVAL_FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "approval_status": "approval_status_field",
        "approval_submitted_at": "approval_submitted_field",
        "approval_decided_at": "approval_decided_field",
    }
)
_USUAL = {"approval_status_field": "ApprovalStatus__c"}


@dataclass(frozen=True, slots=True)
class Settings:
    """Checked settings. ``approval`` maps our name of a quote's field to the org's."""

    core: CoreSettings
    term_unit: str
    approval: Mapping[str, str]


def parse_settings(given: Mapping[str, str], *, allow_loopback: bool) -> Settings:
    """Check the settings of a connection. Raises ``ValueError`` that names the setting."""
    unit = given.get("term_unit") or "month"
    if unit not in ("month", "day"):
        raise ValueError(f"term_unit: {unit!r} is not a unit of terms; use month or day")
    approval = {}
    for ours, setting in APPROVAL_FIELDS.items():
        name = given.get(setting) or _USUAL.get(setting)
        if name:
            approval[ours] = _field(name, setting)
    core = parse_core_settings(given, allow_loopback=allow_loopback)
    return Settings(core, unit, MappingProxyType(approval))


def _field(name: str, setting: str) -> str:
    try:
        return field_name(name)
    except Rejected:
        raise ValueError(f"{setting}: {name!r} cannot be the name of a field") from None
