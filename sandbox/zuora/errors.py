"""Refusals in the shapes of the vendor's API families.

Reference: developer.zuora.com, "Error handling". An eight-digit code is six digits for the resource
and operation and two for the category.
"""

from __future__ import annotations

from typing import Final

NO_PERMISSION: Final = 10
INVALID_VALUE: Final = 20
UNKNOWN_FIELD: Final = 21
MISSING_FIELD: Final = 22
BUSINESS_RULE: Final = 30
NOT_FOUND: Final = 40
LOCKED: Final = 50
TEMPORARY: Final = 61
LIMIT: Final = 70
MALFORMED: Final = 90


class Problem(Exception):
    """A request that the tenant refuses. Rendered by the family the request belongs to.

    ``status`` is the HTTP status; business refusals of ``/v1`` travel with 200.
    """

    def __init__(
        self, category: int, message: str, *, resource: int = 500000, status: int = 200
    ) -> None:
        super().__init__(message)
        self.category = category
        self.message = message
        self.resource = resource
        self.status = status

    @property
    def code(self) -> int:
        """The eight digits."""
        return self.resource * 100 + self.category

    def within(self, resource: int) -> Problem:
        """The same refusal, as said by the operation of that number."""
        if self.resource == 500000:
            self.resource = resource
        return self


def not_found(what: str, key: str) -> Problem:
    """No such record."""
    return Problem(NOT_FOUND, f"Cannot find entity by key: '{key}' ({what}).")


def invalid(field: str, why: str) -> Problem:
    """A value that cannot stand."""
    return Problem(INVALID_VALUE, f"'{field}' {why}")


def missing(field: str) -> Problem:
    """A required field that was not sent."""
    return Problem(MISSING_FIELD, f"The field '{field}' is required and cannot be empty.")


def refuse(message: str) -> Problem:
    """A business rule says no."""
    return Problem(BUSINESS_RULE, message)
