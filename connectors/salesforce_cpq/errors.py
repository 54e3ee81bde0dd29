"""What the answers mean for what happens next: Salesforce's table, and the package's exception.

"Salesforce CPQ Developer Guide": what goes wrong in the package is an ``APEX_ERROR`` with status
500. The platform undoes the whole transaction then ("Apex Developer Guide", Transaction Control).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from connectors.errors import CallError, OutcomeUnknown, Rejected, RetryLater
from connectors.salesforce.errors import MEANINGS as CORE_MEANINGS
from connectors.salesforce.errors import Meaning

APEX_ERROR: Final = "APEX_ERROR"
MEANINGS: Final[Mapping[str, Meaning]] = MappingProxyType(
    {**CORE_MEANINGS, APEX_ERROR: Meaning.REJECTED}
)
# In an exception's words: nothing was done, and the same call may succeed later.
PASSING: Final = ("UNABLE_TO_LOCK_ROW", "QUERY_TIMEOUT", "REQUEST_RUNNING_TOO_LONG")


def router_error(error: CallError, *, saves: bool) -> CallError:
    """A failed call of the package's resource. ``saves``: it would have changed something."""
    if error.code == APEX_ERROR:
        if any(word in error.message for word in PASSING):
            return RetryLater(error.message, code=error.code, status=error.status)
        return Rejected(error.message, code=error.code, status=error.status)
    if isinstance(error, OutcomeUnknown) and not saves:
        return RetryLater(error.message, code=error.code, status=error.status)
    return error
