"""Our mark on a quote: its name, from which the opportunity it belongs to can be read.

DealHub lists quotes by opportunity and by nothing else, so a mark that did not tell the opportunity
could only be looked for in all quotes there are.
"""

from __future__ import annotations

import re
from typing import Final

from connectors.dealhub.objects import IDENTITY_FIELD
from connectors.errors import Rejected
from connectors.records import Identity
from connectors.values import parse_external_id, parse_external_id_part

NAME_MAX: Final = 250
_MARK: Final = re.compile(rf"[A-Za-z0-9_-]{{1,{NAME_MAX}}}", re.ASCII)


def mark_of(identity: Identity) -> str:
    """The quote's name. Raises ``Rejected`` for an identity that cannot be one."""
    if identity.field != IDENTITY_FIELD:
        raise Rejected(
            f"quotes of ours are known by {IDENTITY_FIELD}, not by {identity.field}",
            code="UNKNOWN_IDENTITY",
        )
    if not _MARK.fullmatch(identity.value):
        raise Rejected(
            f"{IDENTITY_FIELD}: letters, digits, _ and - are possible, {NAME_MAX} at most",
            code="IDENTITY_NOT_PLAIN",
            field_errors={IDENTITY_FIELD: "letters, digits, _ and - only"},
        )
    return identity.value


def opportunity_of(mark: str) -> str | None:
    """The opportunity that a mark tells: the record it was made from; ``None`` where it tells none.

    Either ``revline-{object}-{id}``, or any other text with the id behind its last hyphen.
    """
    parsed = parse_external_id(mark)
    if parsed is not None:
        return parsed[1]
    return parse_external_id_part(mark.rpartition("-")[2])
