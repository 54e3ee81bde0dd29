"""DealHub's refusals: a status and one text. developers.dealhub.io, "Quote API", "Headless API"."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.messages import Response, json_response


class Problem(Exception):
    """A refusal; ``status`` is 400 for everything but credentials."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status = status

    def response(self) -> Response:
        """The answer."""
        return json_response(self.status, {"error": self.message})


def not_found(id: str) -> Problem:
    """An unknown id is a 400 as well."""
    return Problem(f"Entity (ID = {id}) not found")


def missing(names: Iterable[str]) -> Problem:
    """Mandatory fields that are not there."""
    return Problem(f"Request payload missing mandatory field(s): {', '.join(names)}")


def unrecognized(name: str) -> Problem:
    """A parameter nobody knows."""
    return Problem(f"Unrecognized parameter: {name}")


def bad_value(name: str, value: object, valid: Iterable[object] = ()) -> Problem:
    """A value outside its options, which are listed."""
    options = ", ".join(str(one) for one in valid)
    told = f". Valid values: {options}" if options else ""
    return Problem(f"Invalid parameter value: {name} = {value}{told}")


def too_long(name: str, limit: int) -> Problem:
    """More characters or entries than a parameter takes."""
    return Problem(f"Limit exceeded for parameter {name}: {limit}")


def not_json() -> Problem:
    """A body of another format."""
    return Problem("Invalid payload format. Supported format: JSON")
